import streamlit as st
from sqlalchemy import create_engine, text

url = st.text_input("URL")
engine = create_engine(url)
with engine.connect() as connection:
    st.write(connection.execute(text("select 1")).scalar())
