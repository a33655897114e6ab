import streamlit as st
from sqlalchemy import create_engine
from streamlit import cache_data


@st.cache_data(ttl=3600, show_spinner=False)
def get_engine():
    return create_engine("postgresql+psycopg2://app@db/app")


@cache_data
def get_other_engine():
    return create_engine("postgresql+psycopg2://app@db/other")
