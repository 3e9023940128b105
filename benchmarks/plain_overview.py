"""The peer of `benchmarks.pages`: an overview as a tutorial would write it. One script, pandas, nothing kept."""

import os

import pandas as pd
import streamlit as st

LIMIT_MS = 8000

st.set_page_config(layout="wide")
rows = pd.read_parquet(os.environ["ROWS"])
rows["timed_out"] = (rows["status"] == "timeout") | (rows["execution_time_ms"] > LIMIT_MS)
rows["failed"] = (rows["status"] == "failed") & ~rows["timed_out"]
end = rows["timestamp"].max()

st.title(f"{rows['timed_out'].sum():,} of {len(rows):,} requests timed out")
tiles = {
    "Success": f"{1 - rows['timed_out'].mean() - rows['failed'].mean():.2%}",
    "Timeout rate": f"{rows['timed_out'].mean():.2%}",
    "Error rate": f"{rows['failed'].mean():.2%}",
    "P99": f"{rows['execution_time_ms'].quantile(0.99) / 1000:.1f} s",
    "P95": f"{rows['execution_time_ms'].quantile(0.95) / 1000:.1f} s",
    "Average": f"{rows['execution_time_ms'].mean() / 1000:.1f} s",
}
daily = rows.groupby(rows["timestamp"].dt.floor("D")).agg(
    timeouts=("timed_out", "mean"), failed=("failed", "mean"), average=("execution_time_ms", "mean")
)
sparks = [
    1 - daily["timeouts"],
    daily["timeouts"],
    daily["failed"],
    daily["average"],
    daily["average"],
    daily["average"],
]
for column, (name, value), spark in zip(st.columns(6), tiles.items(), sparks, strict=True):
    column.metric(name, value)
    column.line_chart(spark, height=60)

left, right = st.columns(2)
recent = rows[rows["timestamp"] > end - pd.Timedelta(hours=6)]
bands = pd.cut(recent["execution_time_ms"], [0, 2000, 5000, 8000, float("inf")], labels=["<2", "2-5", "5-8", ">8"])
counted = recent.groupby([recent["timestamp"].dt.floor("5min"), bands], observed=False).size().rename("requests")
left.bar_chart(counted.reset_index(), x="timestamp", y="requests", color="execution_time_ms")
day = rows[rows["timestamp"] > end - pd.Timedelta(hours=24)]
slots = day.groupby(day["timestamp"].dt.floor("15min"))["execution_time_ms"]
right.line_chart(pd.DataFrame({f"P{int(share * 100)}": slots.quantile(share) for share in (0.99, 0.95, 0.5)}))

by_agent = rows.groupby("agent_id").agg(
    timeouts=("timed_out", "sum"), rate=("timed_out", "mean"), requests=("timed_out", "size"),
    p95=("execution_time_ms", lambda values: values.quantile(0.95)),
)  # fmt: skip
st.dataframe(by_agent.sort_values("timeouts", ascending=False))
