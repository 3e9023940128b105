"""`burnline.yaml`: one typed declaration, all of it optional; every fault is listed at once.

Secrets never stand in the file: a channel names the environment variable that holds its secret.
"""

from __future__ import annotations

import difflib
import os
import re
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from core.channels import CHANNEL_TYPES, AnyChannel, ChannelSettings, ConsoleSettings, channel_type, fallback_fault
from core.errors import Problem, SettingsError
from core.sections import (
    AccessSettings,
    AlertingSettings,
    DigestSettings,
    LimitSettings,
    ObjectiveSettings,
    PriceSettings,
    ReportSettings,
    RuleSettings,
    Section,
)
from core.targets import DEFAULT as DEFAULT_TARGETS
from core.targets import TargetSettings

if TYPE_CHECKING:
    from pathlib import Path

    from core.price import Price
    from core.slo import Limits, Objective

MAX_BYTES = 1_000_000
"""A settings file larger than this is a mistake (or an attack), not settings."""


class Settings(Section):
    """Everything a team may set, with what Burnline does when they set nothing."""

    timezone: str = "UTC"
    language: Literal["en", "vi"] = "en"
    limits: LimitSettings = Field(default_factory=LimitSettings)
    objectives: tuple[ObjectiveSettings, ...] = (
        ObjectiveSettings(),
        ObjectiveSettings(name="availability", target=0.999, by="minutes"),
    )
    alerting: AlertingSettings = AlertingSettings()
    alerts: tuple[RuleSettings, ...] = ()
    channels: dict[str, ChannelSettings] = Field(default={"console": ConsoleSettings(type="console")})
    digest: DigestSettings = DigestSettings()
    reports: ReportSettings = ReportSettings()
    dashboard_url: str = ""
    access: AccessSettings = AccessSettings()
    owners: dict[str, str] = Field(default={})
    prices: tuple[PriceSettings, ...] = ()
    targets: tuple[TargetSettings, ...] = DEFAULT_TARGETS
    users_total: int | None = Field(None, ge=1)
    value_per_request_usd: float | None = Field(None, ge=0, allow_inf_nan=False)

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        if value not in available_timezones():
            near = difflib.get_close_matches(value, available_timezones(), 1, 0.5)
            raise ValueError(f'no time zone "{value}"' + (f'; did you mean "{near[0]}"?' if near else ""))
        return value

    @field_validator("objectives", "alerts")
    @classmethod
    def _names_are_unique(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [item.name for item in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"named twice: {', '.join(twice)}")
        return value

    @field_validator("targets")
    @classmethod
    def _each_metric_has_one_target(cls, value: tuple[TargetSettings, ...]) -> tuple[TargetSettings, ...]:
        metrics = [target.metric for target in value]
        if twice := sorted({name for name in metrics if metrics.count(name) > 1}):
            raise ValueError(f"has two targets: {', '.join(twice)}")
        return value

    @field_validator("channels")
    @classmethod
    def _fallbacks_lead_somewhere(cls, value: dict[str, AnyChannel]) -> dict[str, AnyChannel]:
        if faults := [f"{name}.fallback: {fault}" for name in value if (fault := fallback_fault(name, value))]:
            raise ValueError("; ".join(faults))
        return value

    @field_validator("objectives")
    @classmethod
    def _is_one_at_least(cls, value: tuple[ObjectiveSettings, ...]) -> tuple[ObjectiveSettings, ...]:
        if not value:
            raise ValueError("there must be one at least; leave the section out for the defaults")
        return value

    @field_validator("prices")
    @classmethod
    def _a_model_has_one_price_a_day(cls, value: tuple[PriceSettings, ...]) -> tuple[PriceSettings, ...]:
        names = [f"{price.model} from {price.from_}" for price in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"priced twice: {', '.join(twice)}")
        return value

    @model_validator(mode="after")
    def _messages_go_somewhere(self) -> Settings:
        wanted = {
            "alerting.escalate_to": self.alerting.escalate_to,
            "digest.channels": self.digest.channels,
            "reports.channels": self.reports.channels,
        }
        for where, names in wanted.items():
            if unknown := [name for name in names if name not in self.channels]:
                configured = ", ".join(sorted(self.channels)) or "none"
                raise ValueError(f'{where}: no channel "{unknown[0]}"; configured: {configured}')
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The zone people read times in."""
        return ZoneInfo(self.timezone)

    @property
    def limit_values(self) -> Limits:
        """The request limits in milliseconds."""
        return self.limits.values()

    @property
    def objective_values(self) -> tuple[Objective, ...]:
        """The objectives as plain values; one without a limit of its own has the API limit."""
        return tuple(objective.value(self.limits.api_timeout, self.timezone) for objective in self.objectives)

    @property
    def price_values(self) -> tuple[Price, ...]:
        """The prices as plain values; each begins with a day of the configured zone."""
        return tuple(price.value(self.zone) for price in self.prices)


def load(path: Path) -> Settings:
    """Settings from `path`, or the defaults when there is no such file; SettingsError lists every fault."""
    try:
        data = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise SettingsError(str(path), [Problem("", f"cannot be read: {error.strerror}")]) from error
    if len(data) > MAX_BYTES:
        raise SettingsError(str(path), [Problem("", f"{len(data):,} bytes; settings have at most {MAX_BYTES:,}")])
    return parse(data.decode("utf-8", "replace"), str(path))


def parse(text: str, source: str = "burnline.yaml") -> Settings:
    """Settings from YAML text. `${NAME:-default}` is filled from the environment."""
    problems: list[Problem] = []
    try:
        tree = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SettingsError(source, [Problem(where, getattr(error, "problem", None) or str(error))]) from error
    tree = {} if tree is None else tree
    if not isinstance(tree, dict):
        raise SettingsError(source, [Problem("", f"expected names and values, found a {type(tree).__name__}")])
    tree = _fill(tree, problems)
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        problems += [_problem(fault) for fault in error.errors()]
        raise SettingsError(source, problems) from error
    if problems:
        raise SettingsError(source, problems)
    return settings


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses aliases (they can grow without bound) and keys written twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call] # PyYAML is half typed
            raise yaml.MarkedYAMLError(problem="aliases are not supported; write the value again", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a name was expected here", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f'"{key.value}" is written twice', problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def _fill(value: Any, problems: list[Problem], where: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _fill(item, problems, f"{where}.{key}" if where else str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, problems, f"{where}[{index}]") for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        found = os.environ.get(match[1]) or match[2]
        if found is None:
            problems.append(
                Problem(where, f"the environment has no {match[1]}; set it, or write ${{{match[1]}:-default}}")
            )
            return match[0]
        return found

    return _VARIABLE.sub(fill, value)


def _problem(fault: Any) -> Problem:
    """A pydantic fault in our words: place, what is wrong, the nearest name."""
    *parents, last = fault["loc"] or ("",)
    place = [*fault["loc"]]
    if len(place) > 2 and place[0] == "channels":
        del place[2]  # the kind of the channel, which is not written there
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    if fault["type"] == "literal_error" and len(place) == 3 and place[::2] == ["channels", "type"]:
        kind = fault["input"]
        return Problem(where, f'no kind of channel "{kind}"; did you mean "{channel_type({"type": kind})}"?')
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(last), _known_names(parents), 1, 0.6)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        return Problem(where, f'unknown key "{last}"{hint}')
    message = str(fault["msg"]).removeprefix("Value error, ")
    found = fault.get("input")
    secret = str(last).endswith("_env") or last == "base_url"  # somebody may have put the secret itself there
    if isinstance(found, str | int | float | bool) and str(found) not in message and not secret:
        message += f' (found "{found}")'
    return Problem(where, message)


def _known_names(path: list[str | int]) -> list[str]:
    """The names allowed at a place of the tree, for the nearest match."""
    if path[:1] == ["channels"] and len(path) > 2:
        return [field.alias or name for name, field in CHANNEL_TYPES[str(path[2])].model_fields.items()]
    model: Any = Settings
    for part in path:
        if isinstance(part, int) or model is None:
            continue
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            model = None
            continue
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        model = _section_in(field.annotation) if field else None
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _section_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        if (found := _section_in(inner)) is not None:
            return found
    return None
