"""For every room: a busy machine is slow, not wrong."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("burnline", deadline=None)
settings.load_profile("burnline")
