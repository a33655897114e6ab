import streamlit as st
from sqlalchemy import create_engine, text

URL = "postgresql+psycopg2://app@db/app"

# The database of the shop.
@st.cache_resource
def get_engine():
    return create_engine(URL, pool_pre_ping=True)


engine = get_engine()  # checked
st.title("report")
with engine.connect() as connection:
    st.write(connection.execute(text("select 1")).scalar())
