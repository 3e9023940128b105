"""The sections of `burnline.yaml`, each with what Burnline does when a team sets nothing."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from core.slo import FallbackCounts, Limits
from core.timespan import parse_duration


def _ratio(value: Any) -> Any:
    """99, "99%" and 0.99 are ways to write the same share only when a % says so."""
    if isinstance(value, str) and value.strip().endswith("%"):
        return float(value.strip()[:-1]) / 100
    return value


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    return parse_duration(str(value))


Ratio = Annotated[float, BeforeValidator(_ratio)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]


class Section(BaseModel):
    """A part of the settings: no unknown keys, no changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LimitSettings(Section):
    """Limits of a request; the environment's API_TIMEOUT and GRAPH_TIMEOUT (seconds) win over the defaults."""

    api_timeout: Duration = Field(None, validate_default=True, gt=timedelta(0))  # from the environment, see below
    graph_timeout: Duration = Field(None, validate_default=True, gt=timedelta(0))
    near: Ratio = Field(0.75, gt=0, lt=1)
    critical: Ratio = Field(0.9, gt=0, lt=1)

    @field_validator("api_timeout", "graph_timeout", mode="before")
    @classmethod
    def _from_the_environment(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None:
            return value
        variable = str(info.field_name).upper()
        found = os.environ.get(variable, {"API_TIMEOUT": "8", "GRAPH_TIMEOUT": "7"}[variable])
        try:
            return timedelta(seconds=float(found))
        except (ValueError, OverflowError):
            raise ValueError(f'the environment\'s {variable} is "{found}"; it is a number of seconds') from None

    def values(self) -> Limits:
        """The limits as plain numbers, in milliseconds."""
        return Limits(
            self.api_timeout / timedelta(milliseconds=1),
            self.graph_timeout / timedelta(milliseconds=1),
            self.near,
            self.critical,
        )


class ObjectiveSettings(Section):
    """One objective: `target` of the valid requests good within `limit`, over a rolling `period`."""

    name: str = Field("api", pattern=r"^[a-z][a-z0-9_-]{0,63}$")
    target: Ratio = Field(0.99, gt=0, lt=1)
    limit: Duration | None = Field(None, gt=timedelta(0))
    period: Duration = Field(timedelta(days=30), ge=timedelta(hours=1))
    fallback_counts_as: FallbackCounts = "good"


class RuleSettings(Section):
    """One alert rule as written; `alerting.rules` reads the condition (docs/alerting.md)."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,63}$")
    condition: str
    window: Duration = timedelta(minutes=5)
    for_: Duration = Field(timedelta(0), alias="for")
    severity: Literal["info", "warning", "critical"] = "warning"
    min_samples: int = Field(20, ge=0)
    min_bad: int = Field(3, ge=0)
    keep_firing_for: Duration = timedelta(minutes=2)
    no_data: Literal["keep", "ok", "alert"] = "keep"
    family: str | None = None
    filter: dict[Literal["agent", "operation", "model", "environment"], str] = {}
    action: tuple[str, ...] = ()
    owner: str = ""
    runbook: str = ""
    enabled: bool = True

    @field_validator("action", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class ChannelSettings(Section):
    """Where messages go. `token_env` names the environment variable with the secret."""

    type: Literal["slack", "console"]
    channel: str = ""
    token_env: str = "SLACK_BOT_TOKEN"  # noqa: S105 - the name of a variable, not its value
    base_url: str = ""


class DigestSettings(Section):
    """The morning digest: `at` local time, once per local day; an empty `channels` means all of them."""

    at: str = "09:00"
    channels: tuple[str, ...] = ()
    enabled: bool = True

    @field_validator("at")
    @classmethod
    def _is_a_time(cls, value: str) -> str:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
            raise ValueError(f'"{value}" is not a time of day; write 09:00')
        return value


class AlertingSettings(Section):
    """How the checker works; `packs` are rule sets that ship with Burnline."""

    packs: tuple[Literal["p3", "p2"], ...] = ("p3",)
    interval: Duration = timedelta(seconds=15)
    delay: Duration = timedelta(seconds=30)
    settle: Duration = timedelta(minutes=10)
    max_interrupts_per_day: int = Field(5, ge=1)
