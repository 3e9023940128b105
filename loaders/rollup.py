"""Roll-ups: the requests of whole hours and days that are over, in cells of like requests.

A cell counts the requests of one hour (or day), one value of one dimension, one status, fallback and sample rate whose
durations lie in one bucket. There is a table for each width and dimension, one of them without a dimension.

What is not yet rolled, or was added to since, stands in `rolled_pending`, in the same transaction as the rows. So an
hour that is not pending has exactly the cells its rows make, and whoever reads takes pending ones from the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from loaders.buckets import bucketed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb

FINE, HOUR, DAY = 300_000_000, 3_600_000_000, 86_400_000_000
"""Widths in microseconds, counted from 1970 (UTC)."""

LEVELS: dict[str, tuple[int, ...]] = {"": (DAY, HOUR, FINE), "agent_id": (DAY, HOUR)}
"""The widths there are cells of, widest first, of all requests ("") and by dimension."""

_MOMENT = 'epoch_us("timestamp")'
_NAMES = {FINE: "5min", HOUR: "hour", DAY: "day"}

CELL = ("status", "fallback_used", "sample_rate", "bucket")
"""What the requests of a cell have in common, apart from time and dimension."""

MERGED = (
    "sum(rows)::BIGINT AS rows, sum(total_ms) AS total_ms, min(shortest_ms) AS shortest_ms, "
    "max(longest_ms) AS longest_ms"
)
"""Sums are of the rows, not weighted: the rows of a cell have the same weight."""


_QUOTED = '"{name}"'
_TOKENS = 'CASE WHEN "{name}" > 0 THEN greatest(1, "{name}" // 1000 * 1000) ELSE "{name}" END AS "{name}"'
_ROUNDED = {"tokens_input": _TOKENS, "tokens_output": _TOKENS}
"""Columns of numbers, made coarse enough to group by."""


class Rolled(NamedTuple):
    """How many hours and days were rolled up, and into how many cells."""

    hours: int
    days: int
    cells: int


class Difference(NamedTuple):
    """An hour or day whose cells did not have the counts of its rows: microseconds since 1970, and the width."""

    width: int
    start: int


def table(width: int, dimension: str) -> str:
    """The table of the cells of this width and dimension."""
    return f"rolled_{_NAMES[width]}_{dimension or 'all'}"


ALL_TABLES = tuple((width, dimension) for dimension, widths in LEVELS.items() for width in widths)

NAMES = {"rolled_pending", *(table(width, dimension) for width, dimension in ALL_TABLES)}

TABLES = "CREATE TABLE rolled_pending (width BIGINT NOT NULL, start BIGINT NOT NULL);" + "".join(
    f"CREATE TABLE {table(width, dimension)} (start BIGINT NOT NULL USING COMPRESSION bitpacking, "
    + (f"{dimension} VARCHAR USING COMPRESSION dictionary, " if dimension else "")
    + "status VARCHAR NOT NULL USING COMPRESSION dictionary, fallback_used BOOLEAN NOT NULL, "
    "sample_rate DOUBLE NOT NULL USING COMPRESSION alp, bucket DOUBLE USING COMPRESSION alp, "
    "rows BIGINT NOT NULL USING COMPRESSION bitpacking, total_ms DOUBLE USING COMPRESSION alp, "
    "shortest_ms DOUBLE USING COMPRESSION alp, longest_ms DOUBLE USING COMPRESSION alp);"
    for width, dimension in ALL_TABLES
)
"""Cells are of hours and days that are over, 5-minute cells of the hours; `rolled_pending` is of hours and days."""


def rows_as_cells(conditions: Iterable[str], columns: Iterable[str], *, buckets: bool = True) -> str:
    """Each request as a cell of its own: `moment` (microseconds since 1970), columns, CELL and what MERGED sums.

    A cut request without a duration took at least what it was cut at; what is no duration counts as none. The
    conditions exclude each other.
    """
    listed = "".join(f"{_ROUNDED.get(name, _QUOTED).format(name=name)}, " for name in columns)
    rows = " UNION ALL ".join(
        f'SELECT epoch_us("timestamp") AS moment, {listed}status, coalesce(fallback_used, false) AS fallback_used, '
        "coalesce(sample_rate, 1.0) AS sample_rate, CASE WHEN isfinite(execution_time_ms) AND execution_time_ms >= 0 "
        "THEN execution_time_ms WHEN status = 'timeout' THEN timeout_ms END AS duration FROM records "
        f"WHERE kind = 'request' AND {condition}"
        for condition in conditions
    )
    return (
        "SELECT *, 1 AS rows, duration AS total_ms, duration AS shortest_ms, duration AS longest_ms "
        f"FROM ({bucketed(rows) if buckets else rows})"
    )


def create(cursor: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of a store that has none, or others; all its hours and days are then to be rolled."""
    cursor.execute("".join(f"DROP TABLE IF EXISTS {name};" for name in sorted(NAMES)) + TABLES)
    cursor.execute(_pend(_hours_of("true")))


def touch(cursor: duckdb.DuckDBPyConnection, generation: int, first_line: int) -> None:
    """Note the hours and days of rows just stored as pending, and drop the cells they had."""
    fresh = _hours_of(f"generation = {generation:d} AND line >= {first_line:d}")
    _drop(cursor, cursor.execute(_pend(fresh) + " RETURNING width, start").fetchall())


def roll(cursor: duckdb.DuckDBPyConnection, until: int, most: int) -> Rolled:
    """Roll up to `most` hours that ended by `until`, newest first, and the days that are then complete."""
    hours = [
        start
        for (start,) in cursor.execute(
            "SELECT start FROM rolled_pending WHERE width = $hour AND start + $hour <= $until ORDER BY start DESC "
            "LIMIT $most",
            {"hour": HOUR, "until": until, "most": most},
        ).fetchall()
    ]
    cells = _roll_hours(cursor, hours) if hours else 0
    days = [
        start
        for (start,) in cursor.execute(
            "SELECT start FROM rolled_pending AS day WHERE width = $day AND start + $day <= $until AND NOT EXISTS ("
            "SELECT 1 FROM rolled_pending WHERE width = $hour AND rolled_pending.start >= day.start "
            "AND rolled_pending.start < day.start + $day)",
            {"hour": HOUR, "day": DAY, "until": until},
        ).fetchall()
    ]
    for day in days:
        cells += _roll_day(cursor, day)
    return Rolled(len(hours), len(days), cells)


def differences(cursor: duckdb.DuckDBPyConnection) -> list[Difference]:
    """Hours and days whose cells do not count what their rows count: rows, by status, and their summed durations."""
    sums = (
        "sum(rows) AS n, sum(rows) FILTER (status = 'timeout') AS cut, sum(rows) FILTER (status = 'failed') AS bad, "
        "sum(total_ms) AS ms"
    )
    rows = rows_as_cells(["true"], (), buckets=False)
    hourly = f"SELECT {floor('moment', HOUR)} AS start, {sums} FROM ({rows}) GROUP BY 1"
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE raw_hours AS {hourly}")
    found = []
    for width, dimension in ALL_TABLES:
        unit = DAY if width == DAY else HOUR
        wanted, cells = (
            f"SELECT {floor('start', unit)} AS start, {more} FROM {source} GROUP BY 1"
            for more, source in (
                ("sum(n) AS n, sum(cut) AS cut, sum(bad) AS bad, sum(ms) AS ms", "raw_hours"),
                (sums, table(width, dimension)),
            )
        )
        query = (
            f"SELECT start FROM ({wanted}) AS wanted FULL JOIN ({cells}) AS cells USING (start) "
            "WHERE ((wanted.n, wanted.cut, wanted.bad) IS DISTINCT FROM (cells.n, cells.cut, cells.bad) OR NOT "
            "coalesce(abs(wanted.ms - cells.ms) <= 1e-9 * wanted.ms + 1e-6, wanted.ms IS NULL AND cells.ms IS NULL)) "
            f"AND start NOT IN (SELECT start FROM rolled_pending WHERE width = {unit}) ORDER BY 1"
        )
        found += [Difference(unit, start) for (start,) in cursor.execute(query).fetchall()]
    cursor.execute("DROP TABLE raw_hours")
    return sorted(set(found))


def pend(cursor: duckdb.DuckDBPyConnection, found: Sequence[Difference]) -> None:
    """Note hours and days as pending, with the day of each hour, and drop their cells."""
    hours = ", ".join(f"({start})" for width, start in found if width == HOUR)
    days = [start for width, start in found if width == DAY]
    if hours:
        _drop(
            cursor,
            cursor.execute(
                _pend(f"SELECT moment FROM (VALUES {hours}) AS t(moment)") + " RETURNING width, start"
            ).fetchall(),
        )
    for start in days:
        cursor.execute(
            "INSERT INTO rolled_pending SELECT $width, $start WHERE NOT EXISTS "
            "(SELECT 1 FROM rolled_pending WHERE width = $width AND start = $start)",
            {"width": DAY, "start": start},
        )
    _drop(cursor, [(DAY, start) for start in days])


def floor(at: str, width: int) -> str:
    """The start of the hour or day of a moment, before 1970, too."""
    return f"({at} - (({at} % {width}) + {width}) % {width})"


def _hours_of(condition: str) -> str:
    return f"SELECT DISTINCT {floor(_MOMENT, HOUR)} AS moment FROM records WHERE kind = 'request' AND {condition}"


def _pend(moments: str) -> str:
    """Insert the hours and days of the `moment` of a query that are not pending already."""
    both = " UNION ".join(
        f"SELECT {width} AS width, {floor('moment', width)} AS start FROM moments" for width in (HOUR, DAY)
    )
    return (
        f"INSERT INTO rolled_pending WITH moments AS ({moments}), new AS ({both}) "
        "SELECT width, start FROM new ANTI JOIN rolled_pending USING (width, start)"
    )


def _drop(cursor: duckdb.DuckDBPyConnection, entries: Sequence[tuple[int, int]]) -> None:
    for width, dimension in ALL_TABLES:
        unit = DAY if width == DAY else HOUR
        starts = [start for found, start in entries if found == unit]
        if starts:
            cursor.execute(
                f"DELETE FROM {table(width, dimension)} WHERE start BETWEEN {min(starts)} AND {max(starts) + unit - 1} "
                f"AND {floor('start', unit)} IN ({', '.join(map(str, starts))})"
            )


def _roll_hours(cursor: duckdb.DuckDBPyConnection, hours: Sequence[int]) -> int:
    """5-minute cells and cells by dimension from the rows, hours of all requests from their 5-minute cells."""
    listed = ", ".join(map(str, hours))
    within = (
        f'"timestamp" >= make_timestamptz({min(hours)}) AND "timestamp" < make_timestamptz({max(hours) + HOUR}) '
        f"AND {floor(_MOMENT, HOUR)} IN ({listed})"
    )
    cells = 0
    for dimension, widths in LEVELS.items():
        finest, *wider = reversed(widths)
        cells += _merge(cursor, finest, dimension, rows_as_cells([within], filter(None, [dimension])), "moment")
        if HOUR in wider:
            of_hours = (
                f"start BETWEEN {min(hours)} AND {max(hours) + HOUR - 1} AND {floor('start', HOUR)} IN ({listed})"
            )
            cells += _merge(cursor, HOUR, dimension, f"SELECT * FROM {table(finest, dimension)} WHERE {of_hours}")
    cursor.execute(f"DELETE FROM rolled_pending WHERE width = {HOUR} AND start IN ({listed})")
    return cells


def _roll_day(cursor: duckdb.DuckDBPyConnection, day: int) -> int:
    cells = 0
    for dimension in LEVELS:
        hours = f"SELECT * FROM {table(HOUR, dimension)} WHERE start >= {day} AND start < {day + DAY}"
        cells += _merge(cursor, DAY, dimension, hours)
    cursor.execute(f"DELETE FROM rolled_pending WHERE width = {DAY} AND start = {day}")
    return cells


def _merge(cursor: duckdb.DuckDBPyConnection, width: int, dimension: str, cells: str, at: str = "start") -> int:
    """Insert cells of this width made of narrower ones, or of rows as cells; how many."""
    keys = ", ".join(filter(None, (dimension, *CELL)))
    made = cursor.execute(
        f"INSERT INTO {table(width, dimension)} BY NAME "
        f"SELECT {floor(at, width)} AS start, {keys}, {MERGED} FROM ({cells}) GROUP BY ALL"
    ).fetchone()
    return int(made[0]) if made else 0
