"""The world the sample shows: who serves what, with which model, how fast on a good day, and when people work."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate

LIMIT_MS = 8000.0
GRAPH_LIMIT_MS = 7000.0
GRAPH_OPERATIONS = frozenset({"flag_risks", "generate_snapshot"})
"""Operations that run a graph: cut at the graph limit, and the ones with a fallback."""

OPERATIONS = ("analyze_document", "extract_metrics", "flag_risks", "generate_snapshot", "api_gateway")
SERVICES = ("gateway", "workflow")


@dataclass(frozen=True, slots=True)
class Model:
    """A language model. Prices are US dollars for a million tokens."""

    name: str
    version: str
    input_price: float
    output_price: float

    def cost(self, tokens_input: int, tokens_output: int) -> float:
        """US dollars for one call, to the micro-dollar."""
        return round((tokens_input * self.input_price + tokens_output * self.output_price) / 1e6, 6)


ATLAS_LARGE = Model("atlas-large", "2.1", 2.50, 10.00)
ATLAS_MINI = Model("atlas-mini", "2.1", 0.15, 0.60)
CEDAR_PRO = Model("cedar-pro", "7.4", 3.00, 15.00)
CEDAR_FLASH = Model("cedar-flash", "7.4", 0.30, 2.50)
MODELS = {model.name: model for model in (ATLAS_LARGE, ATLAS_MINI, CEDAR_PRO, CEDAR_FLASH)}


@dataclass(frozen=True, slots=True)
class Lane:
    """One agent serving one operation with one model (or none): log-normal durations, `median_ms` and `sigma`."""

    agent: str
    operation: str
    model: Model | None
    weight: float
    median_ms: float
    sigma: float
    tokens_input: int = 0
    tokens_output: int = 0

    @property
    def service(self) -> str:
        """The service whose log file the request stands in."""
        return "gateway" if self.operation == "api_gateway" else "workflow"

    @property
    def limit_ms(self) -> float:
        """When the service cuts the request."""
        return GRAPH_LIMIT_MS if self.operation in GRAPH_OPERATIONS else LIMIT_MS


LANES = (
    Lane("router", "api_gateway", None, 15, 90, 0.60),
    Lane("search", "api_gateway", ATLAS_MINI, 13, 420, 0.60, 900, 120),
    Lane("planner", "analyze_document", CEDAR_PRO, 13, 1500, 0.52, 2600, 700),
    Lane("planner", "analyze_document", CEDAR_FLASH, 3, 900, 0.52, 2400, 600),
    Lane("reader", "analyze_document", ATLAS_MINI, 8, 800, 0.55, 5200, 300),
    Lane("extractor", "extract_metrics", ATLAS_MINI, 10, 650, 0.55, 3100, 250),
    Lane("extractor", "extract_metrics", ATLAS_LARGE, 3, 1200, 0.50, 3100, 280),
    Lane("pricing", "extract_metrics", ATLAS_LARGE, 9, 950, 0.55, 1800, 350),
    Lane("reconciler", "extract_metrics", CEDAR_FLASH, 3, 1000, 0.50, 2200, 300),
    Lane("risk_scorer", "flag_risks", CEDAR_PRO, 6, 1500, 0.50, 3400, 600),
    Lane("compliance", "flag_risks", ATLAS_LARGE, 4, 1300, 0.50, 4100, 420),
    Lane("critic", "flag_risks", CEDAR_FLASH, 2, 800, 0.50, 1600, 220),
    Lane("summarizer", "generate_snapshot", CEDAR_FLASH, 6, 1100, 0.50, 3800, 650),
    Lane("snapshot_writer", "generate_snapshot", ATLAS_LARGE, 3, 1500, 0.48, 2900, 900),
    Lane("translator", "generate_snapshot", CEDAR_FLASH, 2, 600, 0.55, 1200, 1100),
)
LANE_WEIGHTS = tuple(accumulate(lane.weight for lane in LANES))

OWNERS = {
    "router": "@tuan", "search": "@tuan", "planner": "@lan", "reader": "@lan", "extractor": "@minh",
    "pricing": "@minh", "reconciler": "@minh", "risk_scorer": "@dung", "compliance": "@dung", "critic": "@dung",
    "summarizer": "@an", "snapshot_writer": "@an", "translator": "@an",
}  # fmt: skip
"""Who acts for an agent."""

STAGING_SHARE = 0.06
"""Staging has no guard: nothing is cut there, so a slow request runs to its end."""

HANG_SHARE, HANG_MS = 0.0028, 22_000.0
"""Share of requests that wait for an answer that does not come, and for how long they would have."""

FAILURES = (
    ("VALIDATION", 0.0014, "field 'document_id' is missing"),
    ("TOOL_ERROR", 0.0012, "tool lookup_filing raised ConnectionResetError"),
    ("UPSTREAM_5XX", 0.0008, "upstream answered 503 Service Unavailable"),
)
"""Error code, share of requests on a good day, message."""

CANCELLED_SHARE = 0.0012
REJECTED_SHARE = 0.0008
EVAL_SHARE = 0.12
FEEDBACK_SHARE = 0.08
TRACED_SHARE = 0.10


def activity(moment_ms: int) -> float:
    """How busy the world is at a moment (Unix milliseconds, UTC): 1.0 on an average weekday hour.

    Two humps at 10:00 and 15:00, a floor at night, and three quarters of it at weekends.
    """
    moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
    hour = moment.hour + moment.minute / 60
    humps = math.exp(-(((hour - 10) / 2.4) ** 2)) + math.exp(-(((hour - 15.2) / 2.6) ** 2))
    return (0.62 + 0.95 * humps) * (0.75 if moment.weekday() >= 5 else 1.0)
