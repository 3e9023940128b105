"""`python -m alerting rules`: the rules in force, and how they came to be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from alerting.changes import described, rule_history
from alerting.command import command
from alerting.message import visible
from alerting.report import reading
from alerting.rules import compile_rules
from core.settings import load
from core.text import moment

if TYPE_CHECKING:
    from core.places import Places


@click.command()
@click.option("--history", is_flag=True, help="What was added, changed and removed while Burnline ran, newest first.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, for machines.")
@command
def rules(places: Places, *, history: bool, as_json: bool) -> int:
    r"""Show the rules in force, or the history of their changes.

    \b
    Examples:
      python -m alerting rules
      python -m alerting rules --history
    """
    settings = load(places.config)
    if not history:
        told = {rule.name: described(rule) for rule in compile_rules(settings).rules}
        shown = json.dumps(told, indent=2, ensure_ascii=False)
        print(shown if as_json else "\n".join(visible(f"{name}: {text}") for name, text in told.items()))
        return 0
    with reading(places.state) as db:
        found = [] if db is None else rule_history(db)
    if as_json:
        rows = [
            {
                "at": each.at.isoformat(),
                "rule": each.rule,
                "kind": each.kind,
                "before": each.before,
                "after": each.after,
            }
            for each in found
        ]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    for each in found:
        at = moment(each.at, settings.zone, settings.language, seconds_too=True)
        print(f"{at}  {each.rule} {each.kind}")
        for sign, text in (("-", each.before), ("+", each.after)):
            if text:
                print(visible(f"  {sign} {text}"))
    if not found:
        print("No rule was changed since the checker first ran here.")
    return 0
