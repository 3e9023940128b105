"""The numbers of the page of costs as tiles: words for values that come ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.text import NARROW, money, number, percent
from pages.cost.table import at_least
from pages.shared.figures import Figure
from pages.shared.text import t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.settings import Settings
    from core.text import Language
    from metrics.cost import Spend
    from metrics.monthly_cost import Month
    from metrics.tokens import Tokens
    from pages.cost.reading import Costs


def spend_figures(found: Costs, language: Language) -> Sequence[Figure]:
    """Spent, of that wasted, per request, per active user."""
    spend = found.spend
    share = percent(found.wasted_share, language)
    known, requests = (number(count, language) for count in (spend.known_requests, spend.requests))
    return (
        _tile("spent", at_least(spend.spent, spend.unknown, language), t("cost_note_spent", language), language),
        _tile("wasted", money(spend.wasted, language), t("cost_note_wasted", language, share=share), language),
        _tile(
            "per_request",
            money(spend.per_request, language),
            t("cost_note_per_request", language, known=known, requests=requests),
            language,
        ),
        _tile("per_user", money(found.per_user, language), _note(found.per_user, "per_user", language), language),
    )


def waste_figures(spend: Spend, language: Language) -> Sequence[Figure]:
    """What went into requests that ended badly, into repeated calls and into fallbacks."""
    by = [_tile(f"wasted_{why}", money(usd, language), "", language) for why, usd in spend.wasted_by.items()]
    for name in ("retried", "fallback"):
        value = getattr(spend, name)
        by.append(_tile(name, money(value, language), _note(value, name, language), language))
    return by


def month_figures(found: Month, settings: Settings, language: Language) -> Sequence[Figure]:
    """A day, thirty days at that pace beside what they may cost, an active user in thirty days."""
    target = next((each.target for each in settings.targets if each.metric == "cost_per_active_user"), None)
    budget = None if target is None else found.budget(target)
    unknown = 1.0 if found.at_least else 0.0
    days = number(found.averaged, language)
    if found.ahead is None:
        note = t("cost_note_ahead_none", language)
    elif budget is None:
        note = t("cost_note_ahead_no_budget", language)
    else:
        key = "cost_note_ahead_within" if found.ahead <= budget else "cost_note_ahead_over"
        note = t(key, language, budget=money(budget, language))
    user = found.per_user
    return (
        _tile(
            "per_day",
            at_least(found.per_day, unknown, language),
            t("cost_note_per_day", language, days=days) if found.averaged else t("cost_note_ahead_none", language),
            language,
        ),
        _tile("ahead", at_least(found.ahead, unknown, language), note, language),
        _tile(
            "month_user",
            at_least(user.value if user else None, float(bool(user and user.at_least)), language),
            _month_user(found, target, language),
            language,
        ),
    )


def _month_user(found: Month, target: float | None, language: Language) -> str:
    if found.per_user is None:
        return t("cost_note_per_user_none", language)
    users = number(found.per_user.n, language)
    if target is None:
        return t("cost_note_month_user", language, users=users)
    return t("cost_note_month_user_target", language, users=users, target=money(target, language))


def saved_figures(found: Costs, language: Language) -> Sequence[Figure]:
    """Timeouts saved and felt, what saving one costs and, where a value is set, what was won and lost."""
    card, saving, worth = found.fallback, found.saving, found.worth
    rate = card.saved_rate
    ranged = (
        t(
            "cost_note_range",
            language,
            low=percent(rate.low, language),
            high=percent(rate.high, language),
            n=number(rate.n, language),
        )
        if rate
        else ""
    )
    seen = t("cost_note_saving", language, n=number(saving.requests, language)) if saving else ""
    shown = [
        _tile("saved_rate", percent(rate.value if rate else None, language), ranged, language),
        _tile(
            "saving",
            money(saving.per_saved if saving else None, language),
            seen if saving and saving.per_saved is not None else t("cost_note_saving_none", language),
            language,
        ),
    ]
    if worth is None:
        return (*shown, _tile("roi", "–", t("cost_note_roi_none", language), language))
    bound = f"≤{NARROW}" if worth.at_most and worth.roi is not None else ""
    answered, unanswered = number(worth.answered, language), number(worth.unanswered, language)
    return (
        *shown,
        _tile("lost", money(worth.lost, language), t("cost_note_lost", language, n=unanswered), language),
        _tile("won", money(worth.won, language), t("cost_note_won", language, n=answered), language),
        _tile("roi", bound + percent(worth.roi, language, 0), "", language),
    )


def token_figures(tokens: Tokens, language: Language) -> Sequence[Figure]:
    """Tokens in and out, for a request and for a user; sums are of the requests that say."""
    said, each = tokens.said, tokens.per_request
    note = t("cost_note_tokens", language, share=percent(said.value if said else None, language))
    ranged = (
        t(
            "cost_note_range",
            language,
            low=number(each.low, language),
            high=number(each.high, language),
            n=number(each.n, language),
        )
        if each and each.low is not None
        else ""
    )
    users = t("cost_note_tokens_user", language, users=number(tokens.users, language))
    return (
        _tile("tokens_in", number(tokens.input, language), note, language),
        _tile("tokens_out", number(tokens.output, language), note, language),
        _tile("tokens_request", number(each.value if each else None, language), ranged, language),
        _tile("tokens_user", number(tokens.per_user, language), users if tokens.users else "", language),
    )


def _tile(name: str, value: str, note: str, language: Language) -> Figure:
    return Figure(name, t(f"cost_{name}", language), value, note, t(f"cost_help_{name}", language))


def _note(value: float | None, name: str, language: Language) -> str:
    return t(f"cost_note_{name}" if value is not None else f"cost_note_{name}_none", language)
