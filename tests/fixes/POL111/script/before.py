import streamlit as st
from sqlalchemy import create_engine, text

URL = "postgresql+psycopg2://app@db/app"

# The database of the shop.
engine = create_engine(URL, pool_pre_ping=True)  # checked
st.title("report")
with engine.connect() as connection:
    st.write(connection.execute(text("select 1")).scalar())
