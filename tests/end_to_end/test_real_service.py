"""A real service under a real server, 2,000 requests over 50 connections: every surface counts what the clients got."""

from __future__ import annotations

import pytest
from surfaces import SURFACES
from visitors import AGENTS, MIX, counts

REQUESTS = 2000


def test_the_clients_met_everything(day):
    """Every handler was called, and every class is there often enough to be wrong by one."""
    assert {visit.path for visit in day.visits} == {path for _, path, _ in MIX}
    assert len(day.visits) == REQUESTS
    assert min(counts(day.visits).values()) > 50


@pytest.mark.parametrize("agent", [None, *AGENTS])
@pytest.mark.parametrize("surface", SURFACES)
def test_every_surface_counts_what_the_clients_got(day, surface, agent):
    assert SURFACES[surface](day.places, agent) == counts(day.visits, agent)


def test_every_line_of_the_service_is_stored(day):
    """One process, one file, one line per request; none refused, none twice."""
    (file,) = day.account["files"]
    assert {name: file[name] for name in ("lines", "stored", "quarantined", "duplicates", "blank")} == {
        "lines": REQUESTS,
        "stored": REQUESTS,
        "quarantined": 0,
        "duplicates": 0,
        "blank": 0,
    }
