"""What to add to burnline.yaml so that costs become known. Names of models are log text: quoted, and shown as code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

MOST = 10


def prices_yaml(models: Iterable[str], since: date) -> str:
    """A `prices` section for these models, at most MOST, with the two numbers left to fill in.

    It is YAML, but no settings yet: a price that nobody looked up must not be counted with.
    """
    lines = ["prices:"]
    for model in list(models)[:MOST]:
        lines += [
            f"  - model: {json.dumps(model, ensure_ascii=True)}",
            "    input_per_million:    # USD",
            "    output_per_million:   # USD",
            f"    from: {since}",
        ]
    return "\n".join(lines)
