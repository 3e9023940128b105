"""The words of the dashboard by the page they stand on, the steps of each role, and the lines that do a first step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

Role = Literal["developer", "sre", "business"]
ROLES: tuple[Role, ...] = get_args(Role)

WORDS: Mapping[str, tuple[str, ...]] = {
    "overview": (
        "request", "valid", "success", "timeout", "failed", "excluded", "near", "critical", "percentile", "bound",
        "wilson", "few", "live", "coverage", "weight",
    ),
    "budget": ("sli", "objective", "budget", "burn", "window", "runway", "whatif"),
    "why": ("baseline", "verdict", "points", "rate_shift", "mix_shift", "cause", "self_time", "open_at_cut"),
    "requests": ("trace", "span", "cut", "fallback", "saved", "felt"),
    "quality": ("score", "hallucination", "confidence", "drift"),
    "cost": ("spent", "wasted", "unbilled", "unknown"),
    "health": ("quarantine", "duplicate", "ledger", "rollup", "incident", "digest", "receipt"),
}  # fmt: skip
"""Which words are explained under which page; a page that is not there yet is a heading without a link."""

STEPS: Mapping[Role, tuple[str, ...]] = {
    "developer": ("overview", "why", "requests", "ask", "budget"),
    "sre": ("overview", "budget", "why", "requests", "health"),
    "business": ("overview", "budget", "quality", "cost", "present"),
}
"""The pages each role goes through, in order."""

LINES: Mapping[str, str] = {
    "service": 'burnline.configure(directory="logs", service="api")',
    "agent": '"agent_id": "planner"',
    "fallback": '"fallback_used": true, "fallback_ok": true, "fallback_ms": 420',
    "cost": '"model": "mini", "tokens_used": {"input": 1200, "output": 300}, "cost_usd": 0.0004',
    "spans": '{"kind": "llm", "request_id": "r1", "span_id": "s2", "operation": "call", "execution_time_ms": 900, ...}',
    "evals": '{"kind": "eval", "request_id": "r1", "timestamp": "...", "eval_score": {"accuracy": 0.9}}',
    "objective": "objectives:\n  - {name: api, target: 99%, limit: 8s}",
    "channel": 'channels:\n  team: {type: slack, channel: "#alerts"}',
    "users": '"user_id": "u-81f3"',
}
"""What to write, into the logs or into burnline.yaml, for a step of the first week."""
