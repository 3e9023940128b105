"""Frames in, small frames or values out. Pure Polars: no SQL, no Streamlit, no clock."""
