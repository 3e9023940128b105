"""Every page, in the order and the groups of the navigation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pages.agents.page import render as agents
from pages.alerts.page import render as alerts
from pages.ask.page import render as ask
from pages.budget.page import render as budget
from pages.cost.page import render as cost
from pages.guide.page import render as guide
from pages.health.page import render as health
from pages.latency.page import render as latency
from pages.overview.page import render as overview
from pages.present.page import render as present
from pages.quality.page import render as quality
from pages.request.page import render as request
from pages.requests.page import render as requests
from pages.why.page import render as why

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamlit.navigation.page import Page

    from core.access import Role
    from pages.shared.frame import Frame


@dataclass(frozen=True, slots=True)
class Way:
    """One page: its name in the URL, which is also the key of its title, and how it is drawn.

    `render` gets the frame and every page by name, to link to; only visitors whose role reaches `needs` get to it. A
    `bare` page stands alone on the screen, without navigation and filters.
    """

    name: str
    render: Callable[[Frame, Mapping[str, Page]], None]
    icon: str = ""
    needs: Role = "viewer"
    bare: bool = False


SECTIONS: Mapping[str, tuple[Way, ...]] = {
    "answer": (
        Way("overview", overview, "home"),
        Way("budget", budget, "local_fire_department"),
        Way("present", present, "slideshow", bare=True),
    ),
    "explain": (
        Way("why", why, "troubleshoot"),
        Way("latency", latency, "speed"),
        Way("agents", agents, "smart_toy"),
    ),
    "find": (Way("requests", requests, "list", "analyst"), Way("ask", ask, "terminal", "analyst")),
    "quality_cost": (Way("quality", quality, "verified"), Way("cost", cost, "payments")),
    "operate": (
        Way("alerts", alerts, "notifications"),
        Way("health", health, "monitor_heart", "analyst"),
        Way("guide", guide, "menu_book"),
    ),
}
"""What the sidebar shows, group by group; the first page is where a visitor begins."""

UNLISTED = (Way("request", request, needs="analyst"),)
"""Pages reached from others only."""
