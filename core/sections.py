"""The sections of `burnline.yaml`, each with what Burnline does when a team sets nothing."""

from __future__ import annotations

import os
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from core.price import Price
from core.slo import CALENDAR_LENGTH, GOOGLE_30D, BurnWindow, CountedBy, FallbackCounts, Limits, Objective
from core.timespan import Calendar, local_time, parse_duration

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from core.access import Role
    from core.text import Language


def ratio(value: Any) -> Any:
    """A share as a number, from "99%", too; 99 is 0.99 only when a % says so."""
    if isinstance(value, str) and value.strip().endswith("%"):
        return float(Decimal(repr(float(value.strip()[:-1]))) / 100)  # 99.9 / 100 as floats is not 0.999
    return value


def duration(value: Any) -> Any:
    """A length of time as written, "2s"; ValueError when it is none."""
    if isinstance(value, timedelta):
        return value
    return parse_duration(str(value))


Ratio = Annotated[float, BeforeValidator(ratio)]
Duration = Annotated[timedelta, BeforeValidator(duration)]


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


class BurnSettings(Section):
    """Alert when the last `long` and the last `short` both burn so fast that `long` takes `spend` of the budget."""

    severity: Literal["critical", "warning"]
    spend: Ratio = Field(gt=0, le=1)
    long: Duration = Field(gt=timedelta(0))
    short: Duration = Field(gt=timedelta(0))

    @model_validator(mode="after")
    def _short_is_shorter(self) -> BurnSettings:
        if self.short >= self.long:
            raise ValueError("short is the window that resets fast; it must be shorter than long")
        return self

    def value(self) -> BurnWindow:
        """The pair as a plain value."""
        return BurnWindow(self.severity, self.spend, self.long, self.short)


class ObjectiveSettings(Section):
    """One objective: `target` of what counts is good within `limit`, over the last `period` or a calendar one."""

    name: str = Field("api", pattern=r"^[a-z][a-z0-9_-]{0,63}$")
    target: Ratio = 0.99
    by: CountedBy = "requests"
    limit: Duration | None = Field(None, gt=timedelta(0))
    minute_up: Ratio = Field(0.9, gt=0, le=1)
    period: Duration | Calendar = timedelta(days=30)
    fallback_counts_as: FallbackCounts = "good"
    burn: tuple[BurnSettings, ...] = tuple(
        BurnSettings(severity=w.severity, spend=w.spend, long=w.long, short=w.short) for w in GOOGLE_30D
    )

    @field_validator("period", mode="before")
    @classmethod
    def _length_or_calendar(cls, value: Any) -> Any:
        if isinstance(value, timedelta) or value in CALENDAR_LENGTH:
            return value
        try:
            return parse_duration(str(value))
        except ValueError:
            raise ValueError(
                f'"{value}" is no period; write 30d for the last 30 days, or {", ".join(CALENDAR_LENGTH)}'
            ) from None

    @field_validator("period")
    @classmethod
    def _at_least_an_hour(cls, value: timedelta | Calendar) -> timedelta | Calendar:
        if isinstance(value, timedelta) and value < timedelta(hours=1):
            raise ValueError("a period lasts at least an hour")
        return value

    @field_validator("target")
    @classmethod
    def _leaves_a_budget(cls, value: float) -> float:
        return Objective(target=value).target

    @model_validator(mode="after")
    def _has_a_budget_that_can_be_burnt(self) -> ObjectiveSettings:
        found = self.value(timedelta(seconds=1), "UTC")
        for window, written in zip(found.burn, self.burn, strict=True):
            if "burn" in self.model_fields_set and not window.can_fire(found.period, found.budget):
                raise ValueError(
                    f"burn: {written.spend:.4g} of the budget within {window.long} is "
                    f"{window.factor(found.period):.4g} times the sustainable rate, and can never be reached: with a "
                    f"target of {self.target:.4g} the burn rate is at most {1 / found.budget:.4g}"
                )
        return self

    def value(self, limit: timedelta, zone: str) -> Objective:
        """The objective as a plain value, with the limit and the zone it has when it has none of its own."""
        calendar = None if isinstance(self.period, timedelta) else self.period
        return Objective(
            self.name,
            self.target,
            (self.limit or limit) / timedelta(milliseconds=1),
            CALENDAR_LENGTH[calendar] if calendar else self.period,  # type: ignore[arg-type] # a length, then
            self.fallback_counts_as,
            self.by,
            self.minute_up,
            calendar,
            zone,
            tuple(pair.value() for pair in self.burn),
        )


PackName = Literal["p3", "p2", "p1_kpis", "google_30d", "cost", "quality", "on_call"]
RuleLabel = Literal["agent", "operation", "model", "environment"]
"""What the requests of a rule can be told apart by."""


def _in_both_languages(value: Any) -> Any:
    return {"en": value, "vi": value} if isinstance(value, str) else value


class Words(Section):
    """A text for people: one for all readers, or one for each language."""

    en: str
    vi: str

    def of(self, language: Language) -> str:
        """The text in a language."""
        return self.vi if language == "vi" else self.en


Said = Annotated[Words, BeforeValidator(_in_both_languages)]


class RuleSettings(Section):
    """One alert rule as written; `alerting.rules` reads the condition (docs/alerting.md)."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,63}$")
    condition: str
    window: Duration = timedelta(minutes=5)
    short_window: Duration | None = None
    for_: Duration = Field(timedelta(0), alias="for")
    severity: Literal["info", "warning", "critical"] = "warning"
    min_samples: int = Field(20, ge=0)
    min_bad: int = Field(3, ge=0)
    keep_firing_for: Duration = timedelta(minutes=2)
    no_data: Literal["keep", "ok", "alert"] = "keep"
    family: str | None = None
    filter: dict[RuleLabel, str] = {}
    group_by: tuple[RuleLabel, ...] = ()
    action: tuple[str, ...] = ()
    owner: Said = Words(en="", vi="")
    first_step: Said = Words(en="", vi="")
    runbook: str = ""
    summary: Said = Words(en="", vi="")
    enabled: bool = True

    @field_validator("action", "group_by", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("group_by")
    @classmethod
    def _each_once(cls, value: tuple[RuleLabel, ...]) -> tuple[RuleLabel, ...]:
        return tuple(dict.fromkeys(value))

    @field_validator("runbook")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        try:
            found = urlsplit(value)
            whole = found.scheme in ("http", "https") and bool(found.hostname)
        except ValueError:
            whole = False
        if value and (not whole or re.search(r"[\s\x00-\x1f\x7f]", value)):
            raise ValueError(f'"{value}" is no address; write https://wiki.example.com/page')
        return value


class ReportSettings(Section):
    """When the weekly and the monthly report are sent, in local time; "" is never, no `channels` means all of them."""

    weekly: str = Field("", pattern=r"^$|^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01]\d|2[0-3]):[0-5]\d$")
    monthly: str = Field("", pattern=r"^$|^([1-9]|1\d|2[0-8]) ([01]\d|2[0-3]):[0-5]\d$")
    channels: tuple[str, ...] = ()

    @field_validator("weekly", "monthly", mode="wrap")
    @classmethod
    def _is_a_day_and_a_time(cls, value: Any, check: Any, info: ValidationInfo) -> Any:
        try:
            return check(value)
        except ValueError:
            wanted = {"weekly": "Mon 09:00", "monthly": "1 09:00 (a day from 1 to 28)"}[str(info.field_name)]
            raise ValueError(f'"{value}" is not a day and a time; write {wanted}') from None


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


class HeartbeatSettings(Section):
    """The dead man's switch: an address that is asked while all is well. It is a secret, so the environment has it."""

    url_env: str = Field("BURNLINE_HEARTBEAT_URL", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    every: Duration = Field(timedelta(minutes=5), ge=timedelta(seconds=30))
    allow_private: bool = False
    allow_http: bool = False


class AlertingSettings(Section):
    """How the checker works; `packs` are rule sets that ship with Burnline.

    More than `storm` new incidents in five minutes are told as one. A critical one is told again every
    `repeat_interval`, and after `escalate_after` to `escalate_to`, until somebody acknowledges it.
    """

    packs: tuple[PackName, ...] = ("p3",)
    interval: Duration = timedelta(seconds=15)
    delay: Duration = timedelta(seconds=30)
    settle: Duration = timedelta(minutes=10)
    max_interrupts_per_day: int = Field(5, ge=1)
    storm: int = Field(10, ge=1)
    repeat_interval: Duration = timedelta(hours=4)
    escalate_after: Duration = Field(timedelta(minutes=15), gt=timedelta(0))
    escalate_to: tuple[str, ...] = ()
    heartbeat: HeartbeatSettings | None = None

    @field_validator("repeat_interval")
    @classmethod
    def _not_every_tick(cls, value: timedelta) -> timedelta:
        if timedelta(0) < value < timedelta(minutes=5):
            raise ValueError("reminders come every 5m at most; write 0s for none")
        return value


class PriceSettings(Section):
    """What a million tokens of `model` cost in US dollars, from the start of a local day until its next price."""

    model: str = Field(min_length=1)
    input_per_million: float = Field(ge=0, allow_inf_nan=False)
    output_per_million: float = Field(ge=0, allow_inf_nan=False)
    from_: date = Field(alias="from")

    def value(self, zone: ZoneInfo) -> Price:
        """The price as a plain value; its version is "model@day"."""
        starts = local_time(self.from_, "00:00", zone)
        return Price(self.model, self.input_per_million, self.output_per_million, starts, f"{self.model}@{self.from_}")


class AccessSettings(Section):
    """Who may see what (docs/access.md). `hosts` are names the dashboard is reached by, besides localhost."""

    login: bool = False
    session: Duration = Field(timedelta(hours=12), gt=timedelta(0))
    claim: str = ""
    viewers: tuple[str, ...] = ()
    analysts: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    token_env: str = Field("BURNLINE_TOKEN", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")

    def members(self, role: Role) -> tuple[str, ...]:
        """Whom the settings give this role."""
        return {"viewer": self.viewers, "analyst": self.analysts, "admin": self.admins}[role]

    @field_validator("viewers", "analysts", "admins")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for member in value:
            if not re.fullmatch(r"\*|(\*|[^@\s*]+)@[^@\s*]+", member):
                raise ValueError(
                    f'"{member}" is no address; write lan@example.com, *@example.com for a whole domain, or "*" for '
                    "everybody who can log in"
                )
        return value

    @field_validator("hosts")
    @classmethod
    def _are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", name):
                raise ValueError(
                    f'"{name}" is no host; write the name alone, no https:// and no port: burn.example.com'
                )
        return tuple(name.lower().rstrip(".") for name in value)

    @model_validator(mode="after")
    def _somebody_can_enter(self) -> AccessSettings:
        if self.login and not (self.claim or self.viewers or self.analysts or self.admins):
            raise ValueError("login is on, but nobody has a role: list addresses under admins, or name a claim")
        return self
