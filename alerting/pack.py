"""Packs: rules that ship with Burnline, as they would stand in the settings, each with an owner and a first step."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from core.sections import RuleSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.slo import BurnWindow, Objective

PACKS = Path(__file__).with_name("packs")
BURN = "google_30d"
"""The pack whose rules are the burn windows of the objective."""


def pack(name: str, objective: Objective) -> tuple[RuleSettings, ...]:
    """The rules of a pack; those of BURN are made for the objective."""
    return tuple(RuleSettings.model_validate(item) for item in (_burn(objective) if name == BURN else _read(name)))


@cache
def _read(name: str) -> list[dict[str, Any]]:
    tree: list[dict[str, Any]] = yaml.safe_load((PACKS / f"{name}.yaml").read_text("utf-8"))
    return tree


def _burn(objective: Objective) -> Iterator[dict[str, Any]]:
    """A rule for each pair of burn windows that can be reached; the texts are those of its severity."""
    texts = {item["severity"]: item for item in _read(BURN)}
    for pair in objective.burn:
        if pair.can_fire(objective.period, objective.budget):
            yield texts[pair.severity] | {
                "name": f"burn_{_length(pair)}",
                "condition": f"burn_rate > {pair.factor(objective.period):.6g}x",
                "window": pair.long,
                "short_window": pair.short,
            }


def _length(pair: BurnWindow) -> str:
    """72h, 90m: whole hours where it can be."""
    minutes = round(pair.long.total_seconds() / 60)
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"
