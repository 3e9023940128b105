"""The figures of the page: words for values that come ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.text import NARROW, age, number, percent
from pages.shared.figures import Figure
from pages.shared.text import round_seconds, t

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.slo import Objective
    from core.text import Language
    from metrics.values import Interval, Rate
    from metrics.what_if import Outcome
    from pages.budget.reading import Course


def target(objective: Objective, language: Language) -> str:
    """99 %, 99.95 %: every digit somebody set, and no other."""
    text = f"{objective.target * 100:.6g}"
    return number(float(text), language, len(text.partition(".")[2])) + NARROW + "%"


def named(objective: Objective, language: Language) -> str:
    """The objective as a heading."""
    limit = round_seconds(objective.limit_ms, language)
    return t(
        f"budget_by_{objective.by}", language, name=objective.name, target=target(objective, language), limit=limit
    )


def three(course: Course, language: Language) -> Sequence[Figure]:
    """The objective, the level so far, and what is left: the three big numbers."""
    objective, budget, sli = course.objective, course.down.budget, course.down.sli
    period = (
        t(f"budget_period_{objective.calendar}", language)
        if objective.calendar
        else t("budget_period", language, length=age(objective.period, language))
    )
    left = percent(budget.remaining if budget.valid > 0 else None, language)
    unit = t(f"budget_unit_{objective.by}", language)
    spare, allowed = budget.allowed - budget.bad, number(budget.allowed, language)
    key = "budget_left_note" if spare >= 0 else "budget_overspent_note"
    note = t("note_none", language)
    if budget.valid > 0:
        note = t(key, language, left=number(abs(spare), language), allowed=allowed, unit=unit)
    if budget.projected and budget.projected.consumed is not None:
        whole = percent(1 - budget.projected.consumed, language)
        note = ". ".join((note, t("budget_left_projected", language, share=whole)))
    level = percent(sli.value if sli else None, language, 2)
    shown = {
        "target": (target(objective, language), period, t("budget_target_help", language)),
        "sli": (level, _sure(sli, unit, language), t(f"budget_sli_help_{objective.by}", language)),
        "left": (left, note, t("budget_left_help", language)),
    }
    return [Figure(name, t(f"budget_{name}", language), *words) for name, words in shown.items()]


def tried(outcome: Outcome, language: Language) -> Sequence[Figure]:
    """What a limit would have meant: timeouts, success rate, budget, fallback. A range where nobody can know."""
    return (
        _tried("timeouts", outcome.timeouts, lambda n: number(n, language), language),
        _tried("success", outcome.success_rate, lambda rate: percent(rate.value, language, 2), language),
        _tried("consumed", outcome.consumed, lambda share: percent(share, language, 0), language),
        _tried("fallback", outcome.fallback, lambda n: number(n, language), language),
    )


def _tried(
    name: str, ends: Interval | tuple[Rate, Rate] | None, text: Callable[..., str], language: Language
) -> Figure:
    label, explained = t(f"budget_try_{name}", language), t(f"budget_try_{name}_help", language)
    if ends is None:
        return Figure(name, label, "–", t("note_none", language), explained)
    low, high = (text(end) for end in (ends if isinstance(ends, tuple) else (ends.low, ends.high)))
    if low == high:
        return Figure(name, label, low, t("budget_try_exact", language), explained)
    return Figure(name, label, f"≥{NARROW}{low}", t("budget_try_most", language, high=high), explained)


def _sure(rate: Rate | None, unit: str, language: Language) -> str:
    if rate is None:
        return t("note_none", language)
    low, high = (percent(end, language, 2) for end in (rate.low, rate.high))
    return t("budget_sli_note", language, n=number(rate.n, language), unit=unit, low=low, high=high)
