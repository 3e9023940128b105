"""Channels in `burnline.yaml`: every fault at once, in words that quote no secret."""

from __future__ import annotations

import pytest

from core.errors import SettingsError
from core.settings import parse

SECRET = "https://hooks.example/services/T0/B0/s3cr3t"

FAULTS = {
    "{ops: {type: slak, chanel: C0}}": (
        'channels.ops.type: no kind of channel "slak"; did you mean "slack"?',
        'channels.ops.chanel: unknown key "chanel"; did you mean "channel"?',
        "channels.ops.channel: Field required",
    ),
    "{a: {type: pigeon}, b: {}, c: 3, d: {type: [slack]}}": (
        'channels.a: needs a "type": one of slack, slack_webhook, pagerduty, google_chat, teams, email, webhook',
        'channels.b: needs a "type"',
        'channels.c: needs a "type"',
    ),
    "{ops: {type: teams, channel: general}}": ('channels.ops.channel: unknown key "channel"',),
    "{ops: {type: email, host: h, fro: a@b}}": (
        "channels.ops.from: Field required",
        "channels.ops.to: Field required",
        'channels.ops.fro: unknown key "fro"; did you mean "from"?',
    ),
    "{ops: {type: email, host: h, from: a@b, to: []}}": ("channels.ops.to",),
    '{ops: {type: email, host: h, from: a@b, to: ["lan@x", "q@r\\nBcc: thief@x"]}}': ("is no mail address",),
    '{ops: {type: email, host: h, from: "Lan <lan@x>", to: c@d}}': (
        '"Lan <lan@x>" is no mail address; write it alone, ops@example.com',
    ),
    "{ops: {type: email, host: relay.example, from: a@b, to: c@d, username: u, security: none}}": (
        "a password is sent over TLS only; write security: starttls, or leave the username out",
    ),
    "{ops: {type: email, host: h, from: a@b, to: c@d, port: 70000}}": ("channels.ops.port",),
    "{ops: {type: slack, channel: C0, base_url: 'http://slack.example/api/'}}": ("it begins with https://",),
    "{ops: {type: pagerduty, region: mars}}": ("channels.ops.region",),
    "{ops: {type: console, fallback: opps}}": ('ops.fallback: no channel "opps" to fall back to; did you mean "ops"?',),
    "{ops: {type: console, fallback: ops}}": ("ops.fallback: the fallbacks lead back: ops -> ops",),
    "{a: {type: console, fallback: b}, b: {type: console, fallback: c}, c: {type: console, fallback: a}}": (
        "a.fallback: the fallbacks lead back: a -> b -> c -> a",
    ),
    "{ops: {type: console}, ops: {type: console}}": ('"ops" is written twice',),
}


@pytest.mark.parametrize("text", FAULTS)
def test_what_is_wrong_is_said_at_load(text):
    with pytest.raises(SettingsError) as found:
        parse(f"channels: {text}")
    for part in FAULTS[text]:
        assert part in str(found.value)


@pytest.mark.parametrize(
    "text",
    [
        f"{{ops: {{type: teams, url_env: '{SECRET}'}}}}",
        f"{{ops: {{type: teams, url: '{SECRET}'}}}}",
        f"{{ops: {{type: slack, channel: C0, base_url: 'http://u:{SECRET}'}}}}",
        f"{{ops: {{type: webhook, secret_env: '{SECRET}', url_env: HOOK}}}}",
        f"{{ops: {{type: pagerduty, routing_key_env: '{SECRET}'}}}}",
        f"{{ops: {{type: slack, channel: C0, token_env: 'xoxb-{SECRET}'}}}}",
    ],
)
def test_a_secret_written_into_the_file_is_refused_and_not_repeated(text):
    with pytest.raises(SettingsError) as found:
        parse(f"channels: {text}")
    assert "s3cr3t" not in str(found.value)


def test_a_chain_of_fallbacks_is_fine():
    found = parse("channels: {a: {type: console, fallback: b}, b: {type: console, fallback: c}, c: {type: console}}")
    assert [channel.fallback for channel in found.channels.values()] == ["b", "c", ""]


def test_one_recipient_needs_no_list_and_the_port_follows_the_security():
    """587 for STARTTLS, 465 for TLS, 25 for neither, unless one is written."""
    text = "channels: {{ops: {{type: email, host: h, from: a@b, to: c@d, security: {}}}}}"
    found = [
        parse(text.format(security)).channels["ops"] for security in ("starttls", "tls", "none", "tls, port: 2465")
    ]
    assert [channel.smtp_port for channel in found] == [587, 465, 25, 2465]
    assert found[0].to == ("c@d",)
