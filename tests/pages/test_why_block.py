"""The why block of the Overview: verdict, sentence and examples, names as code, a kind word when nothing moved."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from fake_engine import FakeEngine, FakeReader, requests


def said(page) -> str:
    return "\n".join(str(element.value) for element in [*page.markdown, *page.caption]).replace("\xa0", " ")


def test_an_agent_that_got_slow_is_named_as_code_with_requests_to_look_at(visit):
    page = visit(FakeEngine(FakeReader(requests(6000, hours=60))), lang="en", range="1h")
    text = said(page)
    assert "Getting worse" in text
    assert "agent `planner`" in text
    examples = [link.proto for link in page.get("page_link") if link.proto.label.startswith("`r")]
    assert len(examples) == 3
    assert all(link.page == "request" and f"id={link.label.strip('`')}" in link.query_string for link in examples)


def test_a_quiet_service_has_no_change_worth_naming(visit):
    frame = requests(6000, hours=150).with_columns(
        pl.when(pl.col("status") == "timeout").then(pl.lit("success")).otherwise("status").alias("status"),
        pl.lit(400.0).alias("execution_time_ms"),
    )
    text = said(visit(FakeEngine(FakeReader(frame)), lang="en", range="24h"))
    assert "No change worth naming" in text


def test_without_a_past_the_block_says_so(visit):
    text = said(visit(FakeEngine(FakeReader(requests(500, hours=0.5))), lang="en"))
    assert "Too little data to compare" in text
    assert "There is nothing earlier to compare with" in text.replace("\\", "")


def test_markup_in_a_name_stays_a_name(visit):
    frame = requests(6000, hours=60).with_columns(
        pl.when(pl.col("agent_id") == "planner").then(pl.lit("**x** <b>`y`")).otherwise("agent_id").alias("agent_id")
    )
    text = said(visit(FakeEngine(FakeReader(frame)), lang="en", range="1h"))
    assert "``**x** <b>`y` ``" in text.replace("`` ", "``")


@pytest.mark.parametrize("words", ["Đang xấu đi", "Ví dụ", "tăng từ"])
def test_the_block_speaks_vietnamese(visit, words):
    frame = requests(6000, hours=60, end=datetime.now(UTC))
    assert words in said(visit(FakeEngine(FakeReader(frame)), lang="vi", range="1h"))
