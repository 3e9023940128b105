"""Machines, workers, files and refused lines as tables. Names, paths and details are log text: cells only."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

from core.text import age, moment, number
from metrics.files import unread
from metrics.host import PERCENTS
from pages.shared.text import t

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from core.services import WorkerHealth
    from core.text import Language
    from metrics.host import Host
    from pages.shared.frame import Frame

_TEXT = st.column_config.TextColumn
_RIGHT = partial(st.column_config.TextColumn, alignment="right")


def hosts_table(hosts: Sequence[Host], zone: ZoneInfo, language: Language) -> None:
    """Each machine: mean, 95th percentile and newest value of each gauge, and whether its memory grows."""
    rows = []
    for host in hosts:
        row: dict[str, str] = {"host": host.name or t("unnamed", language)}
        for name in PERCENTS:
            gauge = host.gauges.get(name)
            row[name] = (
                "–" if gauge is None else " / ".join(number(value, language) for value in (gauge.mean, gauge.p95))
            )
        grows = host.memory_growth
        unit = "MB/h" if host.growth_of == "memory_mb" else "%/h"
        row["growth"] = "–" if grows is None else f"{number(grows.per_hour, language, 1)} {unit}"
        row["newest"] = moment(host.newest, zone, language)
        rows.append(row)
    st.dataframe(
        pl.DataFrame(rows),
        hide_index=True,
        key="health-hosts",
        column_config={
            "host": _TEXT(t("health_host", language), width=140),
            **{name: _RIGHT(t(f"health_{name}", language), help=t("health_help_gauge", language)) for name in PERCENTS},
            "growth": _RIGHT(t("health_growth", language), help=t("health_help_growth", language)),
            "newest": _TEXT(t("health_newest", language)),
        },
        alt=t("health_machines", language),
    )


def workers_table(workers: Sequence[WorkerHealth], frame: Frame) -> None:
    """Every background worker: whether it is on time, when it last finished a round, and what it says."""
    language = frame.language
    st.dataframe(
        pl.DataFrame(
            {
                "worker": worker.name,
                "state": t("health_worker_late" if worker.late(frame.now) else "health_worker_ok", language),
                "beat": age(frame.now - worker.beat, language),
                "detail": worker.detail,
            }
            for worker in workers
        ),
        hide_index=True,
        key="health-workers",
        column_config={
            "worker": _TEXT(t("health_worker", language), width=120),
            "state": _TEXT(t("health_state", language), width=120),
            "beat": _RIGHT(t("health_beat", language), width=110),
            "detail": _TEXT(t("health_detail", language), width=260),
        },
        alt=t("health_workers", language),
    )


def files_table(rows: Sequence[Mapping[str, Any]], language: Language) -> None:
    """The files to look at first, with what became of their lines."""
    counts = ("lines", "stored", "quarantined", "duplicates", "blank")
    st.dataframe(
        pl.DataFrame(
            {
                "path": row["path"],
                "state": t(f"health_file_{row['state']}", language),
                **{name: number(row[name], language) for name in counts},
                "unread": number(unread(row), language),
                "note": row["note"] or "",
            }
            for row in rows
        ),
        hide_index=True,
        key="health-files",
        column_config={
            "path": _TEXT(t("health_path", language), width=300),
            "state": _TEXT(t("health_state", language), width=90),
            **{name: _RIGHT(t(f"health_{name}", language)) for name in counts},
            "unread": _RIGHT(t("health_unread", language), help=t("health_help_unread", language)),
            "note": _TEXT(t("health_note", language), width=220),
        },
        alt=t("health_files", language),
    )


def refused_table(rows: Sequence[Mapping[str, Any]], frame: Frame) -> None:
    """The newest refused lines: where they stand and why they were refused. Their text is not shown."""
    language = frame.language
    st.dataframe(
        pl.DataFrame(
            {
                "at": moment(row["at"], frame.settings.zone, language, seconds_too=True),
                "reason": row["reason"],
                "detail": row["detail"][:200],
                "file": row["file"],
                "line": number(row["line"], language),
            }
            for row in rows
        ),
        hide_index=True,
        key="health-refused",
        column_config={
            "at": _TEXT(t("health_at", language), width=150),
            "reason": _TEXT(t("health_reason", language), width=140),
            "detail": _TEXT(t("health_detail", language), width=300),
            "file": _TEXT(t("health_path", language), width=240),
            "line": _RIGHT(t("health_line", language), width=70),
        },
        alt=t("health_refused", language),
    )
