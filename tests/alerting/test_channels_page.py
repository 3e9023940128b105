"""What docs/channels.md says is so: its examples validate, its code verifies, its JSON is what is sent."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from fake_server import running
from fake_vendors import SIGNING, FakeReceiver
from sample_messages import PLAIN

from alerting.channels import CHANNELS, make_channel
from alerting.channels.body import as_body
from core.settings import parse

PAGE = (Path(__file__).parents[2] / "docs" / "channels.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
YAML, JSON, PYTHON = ([text for kind, text in BLOCKS if kind == wanted] for wanted in ("yaml", "json", "python"))


@pytest.mark.parametrize("text", YAML)
def test_every_example_of_settings_is_valid_and_makes_a_channel(text):
    for settings in parse(text).channels.values():
        make_channel(settings)


def test_every_kind_has_a_section_with_an_example():
    shown = {channel.type for text in YAML for channel in parse(text).channels.values()}
    assert shown == set(CHANNELS)
    assert set(re.findall(r"^## (\w+)$", PAGE, re.MULTILINE)) == set(CHANNELS)


def test_the_json_shown_has_the_fields_that_are_sent():
    (shown,) = map(json.loads, JSON)
    sent = json.loads(as_body(PLAIN, shown["id"]))
    assert list(sent) == list(shown)
    assert {name: type(value) for name, value in sent.items()} == {name: type(value) for name, value in shown.items()}


def test_the_code_shown_verifies_what_is_sent_and_nothing_else():
    scope: dict = {}
    exec(PYTHON[0], scope)
    seen = []

    class Receiver(FakeReceiver):
        def take(self, request, raw):
            seen.append((dict(request.headers), raw))
            return super().take(request, raw)

    with running(Receiver()) as server:
        settings = parse("channels: {hook: {type: webhook, allow_http: true}}").channels["hook"]
        secrets = {"BURNLINE_WEBHOOK_URL": server.url, "BURNLINE_WEBHOOK_SECRET": SIGNING}
        CHANNELS["webhook"](settings, secrets.__getitem__).send(PLAIN)
    ((headers, raw),) = seen
    key, at = base64.b64decode(SIGNING.removeprefix("whsec_")), int(headers["webhook-timestamp"])
    assert scope["verified"](headers, raw, key, at)
    assert not scope["verified"](headers, raw + b" ", key, at)
    assert not scope["verified"](headers, raw, key + b"x", at)
    assert not scope["verified"](headers, raw, key, at + 301)
