"""The Overview on a full store, an empty one, a stale one, and one that is filtered to nothing."""

from __future__ import annotations

from fake_engine import FakeEngine, FakeReader, requests


def test_a_full_store_shows_the_answer_and_the_six_tiles_in_the_order_they_are_read(visit):
    page = visit(FakeEngine(FakeReader(requests())), lang="en")
    assert not page.exception
    assert "of the last 1,000 requests timed out" in page.header[0].value
    assert [tile.label for tile in page.metric] == [
        "Success vs SLO",
        "Timeout rate",
        "Error rate",
        "P99",
        "P95",
        "Average",
    ]
