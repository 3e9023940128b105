"""A message survives the outbox as it was, also one an older Burnline wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from alerting.message import Fact, File, Message, Section


def test_a_message_comes_out_of_the_outbox_as_it_went_in():
    message = Message(
        "firing",
        "a-1",
        "title",
        "sentence",
        severity="critical",
        facts=(Fact("Since", "09:00"),),
        sections=(Section("Examples", ("one", "two"), {1: "https://burn.example.com/request?id=2"}),),
        action="Look at the slowest step.",
        since=datetime(2026, 11, 24, tzinfo=UTC),
        files=(File("trend.png", "image/png", bytes(range(256)), "Timeout rate"),),
    )
    assert Message.from_json(message.to_json()) == message


def test_a_message_stored_before_there_were_files_links_and_actions_is_read():
    old = json.loads(Message("digest", "d", "t", "s", sections=(Section("a", ("b",)),)).to_json())
    del old["files"], old["action"], old["sections"][0]["links"]
    assert Message.from_json(json.dumps(old)) == Message("digest", "d", "t", "s", sections=(Section("a", ("b",)),))
