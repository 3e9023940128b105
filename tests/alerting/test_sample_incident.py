"""The incident planted in the sample, replayed through the checker as it happened."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest
import zstandard
from fake_slack import CHANNEL, TOKEN
from traffic import Stage, Traffic, frame, settings

from sample_logs.generate import generate

END = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
SLACK = """
alerting: {{interval: 30s}}
channels: {{ops: {{type: slack, channel: {channel}, base_url: "{url}"}}}}
digest: {{enabled: false}}
"""


def requests(folder, start, end):
    """The request lines of the sample between two moments, read without any code of the loaders."""
    rows = []
    for path in sorted((folder / "logs").iterdir()):
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        if path.suffix == ".zst":
            data = zstandard.ZstdDecompressor().stream_reader(data).read()
        for line in data.splitlines():
            record = json.loads(line)
            at = datetime.fromisoformat(record["timestamp"])
            if record["kind"] == "request" and start <= at < end:
                rows.append(record | {"timestamp": at})
    return rows


@pytest.mark.parametrize("seed", [1, 2])
def test_the_slow_agent_of_the_sample_is_one_firing_and_one_resolved_message(tmp_path, monkeypatch, slack, seed):
    """An hour of one slow agent: one message when it begins, one when it is over, the agent named in the first."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
    truth = generate(tmp_path, days=2, seed=seed, end=END, requests=20_000)
    planted = next(incident for incident in truth.incidents if incident.kind == "agent_slow")
    start, end = planted.start - timedelta(minutes=20), truth.end
    traffic = Traffic(frame(requests(tmp_path, start, end)), start + timedelta(minutes=10))
    stage = Stage(traffic, tmp_path / "s.sqlite", settings(SLACK.format(url=slack.url, channel=CHANNEL)))
    stage.run(end - traffic.now)
    assert [post["text"].split(":")[0] for post in slack.posts] in (["CRITICAL", "RESOLVED"], ["WARNING", "RESOLVED"])
    assert planted.agent in json.dumps(slack.posts[0])
    fired = datetime.fromisoformat(stage.rows("SELECT min(fired_at) FROM episodes")[0][0])
    assert planted.start <= fired <= planted.end
