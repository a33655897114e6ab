import streamlit as st
from sqlalchemy import create_engine


@st.cache_data(persist="disk")
def get_engine():
    return create_engine("postgresql+psycopg2://app@db/app")
