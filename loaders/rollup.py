"""Roll-ups: the requests of whole hours and days that are over, in cells of like requests.

A cell counts the requests of one hour (or day), one value of one dimension, one status, fallback and sample rate whose
durations lie in one bucket. There is a table for each width and dimension, one of them without a dimension; coarse
cells, for those who only count, are between round limits.

What is not yet rolled, or was added to since, stands in `rolled_pending`, in the same transaction as the rows. An hour
of few requests would have nearly as many cells as requests: it gets none of its own and stands in `rolled_thin`. Hours
that stand in neither have exactly the cells their rows make; others are read from the rows. Days are made of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from loaders.buckets import bucketed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    import duckdb

FINE, HOUR, SIX, DAY, WEEK = 300_000_000, 3_600_000_000, 21_600_000_000, 86_400_000_000, 604_800_000_000
"""Widths in microseconds, counted from 1970 (UTC)."""

COARSE = "coarse"
"""In place of a dimension: all requests, told apart by the COARSE_EDGES their durations are at or between."""

COARSE_EDGES = tuple(1000.0 * seconds for seconds in (*range(1, 11), 12, 15, 20, 30, 60))
"""The limits people set, in milliseconds."""

LEVELS: dict[str, tuple[int, ...]] = {"": (DAY, HOUR, FINE), COARSE: (HOUR,), "agent_id": (WEEK, DAY, SIX, HOUR)}
"""The widths there are cells of, widest first, of all requests ("") and by dimension."""

ENOUGH: dict[tuple[int, str], int] = {
    (SIX, "agent_id"): 50_000,
    (HOUR, "agent_id"): 30_000,
    (FINE, ""): 5_000,
    (HOUR, ""): 5_000,
}
"""Requests of an hour (or six) from which on its cells, by width and dimension, are worth what making them costs."""

FINE_FOR = 2 * DAY
"""How long 5-minute cells are kept: only charts of the last hours have slots so narrow."""

_MOMENT = 'epoch_us("timestamp")'
_NAMES = {FINE: "5min", HOUR: "hour", SIX: "6hours", DAY: "day", WEEK: "week"}
_PENDING = (HOUR, SIX, DAY, WEEK)
"""What is rolled as a whole; narrower cells with their hour."""

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
    """How many hours and how many longer times were rolled up, and into how many cells."""

    hours: int
    longer: int
    cells: int


class Difference(NamedTuple):
    """An hour or day whose cells did not have the counts of its rows: microseconds since 1970, and the width."""

    width: int
    start: int


def table(width: int, dimension: str) -> str:
    """The table of the cells of this width and dimension."""
    return f"rolled_{_NAMES[width]}_{dimension or 'all'}"


def columns(dimension: str) -> tuple[str, ...]:
    """The columns by which cells of this dimension are told apart besides CELL."""
    return () if dimension in ("", COARSE) else (dimension,)


ALL_TABLES = tuple((width, dimension) for dimension, widths in LEVELS.items() for width in widths)

NAMES = {"rolled_pending", "rolled_thin", *(table(width, dimension) for width, dimension in ALL_TABLES)}

TABLES = (
    "CREATE TABLE rolled_pending (width BIGINT NOT NULL, start BIGINT NOT NULL);"
    "CREATE TABLE rolled_thin (width BIGINT NOT NULL, dimension VARCHAR NOT NULL, start BIGINT NOT NULL);"
) + "".join(
    f"CREATE TABLE {table(width, dimension)} (start BIGINT NOT NULL USING COMPRESSION bitpacking, "
    + "".join(f"{name} VARCHAR USING COMPRESSION dictionary, " for name in columns(dimension))
    + "status VARCHAR NOT NULL USING COMPRESSION dictionary, fallback_used BOOLEAN NOT NULL, "
    "sample_rate DOUBLE NOT NULL USING COMPRESSION alp, bucket DOUBLE USING COMPRESSION alp, "
    "rows BIGINT NOT NULL USING COMPRESSION bitpacking, total_ms DOUBLE USING COMPRESSION alp, "
    "shortest_ms DOUBLE USING COMPRESSION alp, longest_ms DOUBLE USING COMPRESSION alp);"
    for width, dimension in ALL_TABLES
)
"""Cells are of times that are over; `rolled_pending` is of the widths in _PENDING.

`rolled_thin` is of hours, also for narrower cells, and of six hours."""


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
    """Note the hours of rows just stored, and the longer times they are in, as pending, and drop the cells they had."""
    fresh = _hours_of(f"generation = {generation:d} AND line >= {first_line:d}")
    _drop(cursor, cursor.execute(_pend(fresh) + " RETURNING width, start").fetchall())


def roll(cursor: duckdb.DuckDBPyConnection, until: int, most: int) -> Rolled:
    """Roll up to `most` hours that ended by `until`, newest first, and the longer times that are then complete."""
    hours = [
        start
        for (start,) in cursor.execute(
            "SELECT start FROM rolled_pending WHERE width = $hour AND start + $hour <= $until ORDER BY start DESC "
            "LIMIT $most",
            {"hour": HOUR, "until": until, "most": most},
        ).fetchall()
    ]
    cells = _roll_hours(cursor, hours, until) if hours else 0
    sixes, days, weeks = (_complete(cursor, width, until) for width in (SIX, DAY, WEEK))
    if sixes:
        cells += _roll_sixes(cursor, sixes)
    if days:
        cells += _roll_days(cursor, days)
        _drop_fine(cursor, until)
    if weeks:
        cells += _merge_agents(cursor, WEEK, DAY, weeks)
        _not_pending(cursor, WEEK, weeks)
    return Rolled(len(hours), len(sixes) + len(days) + len(weeks), cells)


def _complete(cursor: duckdb.DuckDBPyConnection, width: int, until: int) -> list[int]:
    """Pending times of this width that ended by `until` and have no pending hour."""
    found = cursor.execute(
        "SELECT start FROM rolled_pending AS long WHERE width = $width AND start + $width <= $until AND NOT EXISTS ("
        "SELECT 1 FROM rolled_pending WHERE width = $hour AND rolled_pending.start >= long.start "
        "AND rolled_pending.start < long.start + $width)",
        {"hour": HOUR, "width": width, "until": until},
    ).fetchall()
    return [start for (start,) in found]


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
        unit = max(width, HOUR)
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
            f"AND start NOT IN (SELECT start FROM rolled_pending WHERE width = {unit} UNION ALL SELECT start "
            f"FROM rolled_thin WHERE width = {width} AND dimension = '{dimension}') ORDER BY 1"
        )
        found += [Difference(unit, start) for (start,) in cursor.execute(query).fetchall()]
    cursor.execute("DROP TABLE raw_hours")
    return sorted(set(found))


def pend(cursor: duckdb.DuckDBPyConnection, found: Sequence[Difference]) -> None:
    """Note every hour in these as pending, and the longer times they are in, and drop the cells of all."""
    hours = {hour for width, start in found for hour in range(start, start + width, HOUR)}
    if hours:
        moments = f"SELECT moment FROM (VALUES ({'), ('.join(map(str, hours))})) AS t(moment)"
        _drop(cursor, cursor.execute(_pend(moments) + " RETURNING width, start").fetchall())


def floor(at: str, width: int) -> str:
    """The start of the hour or day of a moment, before 1970, too."""
    return f"({at} - (({at} % {width}) + {width}) % {width})"


def _hours_of(condition: str) -> str:
    return f"SELECT DISTINCT {floor(_MOMENT, HOUR)} AS moment FROM records WHERE kind = 'request' AND {condition}"


def _pend(moments: str) -> str:
    """Insert the times of every width that the `moment` of a query is in and that are not pending already."""
    both = " UNION ".join(
        f"SELECT {width} AS width, {floor('moment', width)} AS start FROM moments" for width in _PENDING
    )
    return (
        f"INSERT INTO rolled_pending WITH moments AS ({moments}), new AS ({both}) "
        "SELECT width, start FROM new ANTI JOIN rolled_pending USING (width, start)"
    )


def _drop(cursor: duckdb.DuckDBPyConnection, entries: Sequence[tuple[int, int]]) -> None:
    for width, dimension in ALL_TABLES:
        unit = max(width, HOUR)
        starts = [start for found, start in entries if found == unit]
        if starts:
            cursor.execute(
                f"DELETE FROM {table(width, dimension)} WHERE start BETWEEN {min(starts)} AND {max(starts) + unit - 1} "
                f"AND {floor('start', unit)} IN ({', '.join(map(str, starts))}); DELETE FROM rolled_thin "
                f"WHERE width = {width} AND dimension = '{dimension}' AND start IN ({', '.join(map(str, starts))})"
            )


def _roll_hours(cursor: duckdb.DuckDBPyConnection, hours: Sequence[int], until: int) -> int:
    """The cells of hours with requests enough: from the rows, or from other cells of theirs where there are any."""
    counted = _counted(cursor, hours, HOUR)
    made = {
        (width, dimension): {
            hour
            for hour, rows in counted.items()
            if rows >= ENOUGH[width, dimension] and (width != FINE or hour >= until - FINE_FOR)
        }
        for width, dimension in ENOUGH
        if width <= HOUR
    }
    for (width, dimension), some in made.items():
        _note_thin(cursor, width, dimension, counted.keys() - some)
    by_agent, fine, whole = made[HOUR, "agent_id"], made[FINE, ""], made[HOUR, ""]
    cells = _merge_rows(cursor, HOUR, "agent_id", by_agent) + _merge_rows(cursor, FINE, "", fine)
    for source, some in ((table(HOUR, "agent_id"), by_agent & whole), (table(FINE, ""), (fine - by_agent) & whole)):
        if some:
            cells += _merge(cursor, HOUR, "", f"SELECT * FROM {source} WHERE {_cells_of(some)}")
    cells += _merge_rows(cursor, HOUR, "", whole - by_agent - fine)
    _note_thin(cursor, HOUR, COARSE, counted.keys() - whole)
    if whole:
        place = " + ".join(f"(shortest_ms > {edge})::INT + (shortest_ms >= {edge})::INT" for edge in COARSE_EDGES)
        between = f"SELECT * REPLACE (({place})::DOUBLE AS bucket) FROM {table(HOUR, '')} WHERE {_cells_of(whole)}"
        cells += _merge(cursor, HOUR, COARSE, between)
    _not_pending(cursor, HOUR, hours)
    return cells


def _roll_sixes(cursor: duckdb.DuckDBPyConnection, sixes: Sequence[int]) -> int:
    hours = [hour for start in sixes for hour in range(start, start + SIX, HOUR)]
    counted = _counted(cursor, hours, SIX)
    some = [start for start in sixes if counted.get(start, 0) >= ENOUGH[SIX, "agent_id"]]
    _note_thin(cursor, SIX, "agent_id", set(sixes) - set(some))
    _not_pending(cursor, SIX, sixes)
    return _merge_agents(cursor, SIX, HOUR, some)


def _roll_days(cursor: duckdb.DuckDBPyConnection, days: Sequence[int]) -> int:
    cells = _merge_agents(cursor, DAY, SIX, days)
    cells += _merge(cursor, DAY, "", f"SELECT * FROM {table(DAY, 'agent_id')} WHERE start IN ({_listed(days)})")
    _not_pending(cursor, DAY, days)
    return cells


def _merge_agents(cursor: duckdb.DuckDBPyConnection, width: int, part: int, starts: Sequence[int]) -> int:
    """Cells by agent of these times, from the cells of their parts where none is thin, else from the rows."""
    found = cursor.execute(
        f"SELECT DISTINCT {floor('start', width)} FROM rolled_thin WHERE width = {part} AND dimension = 'agent_id'"
    ).fetchall()
    thin = {start for (start,) in found}
    of_rows, of_cells = (
        [hour for start in starts if (start in thin) is so for hour in range(start, start + width, HOUR)]
        for so in (True, False)
    )
    cells = _merge_rows(cursor, width, "agent_id", of_rows)
    if of_cells:
        source = f"SELECT * FROM {table(part, 'agent_id')} WHERE {_cells_of(of_cells)}"
        cells += _merge(cursor, width, "agent_id", source)
    return cells


def _counted(cursor: duckdb.DuckDBPyConnection, hours: Sequence[int], width: int) -> dict[int, int]:
    """The requests of these hours, by times of this width."""
    of_hours = f"kind = 'request' AND {_rows_of(hours)}"
    query = f"SELECT {floor(_MOMENT, width)}, count(*) FROM records WHERE {of_hours} GROUP BY 1"
    return dict(cursor.execute(query).fetchall())


def _drop_fine(cursor: duckdb.DuckDBPyConnection, until: int) -> None:
    """Let go of 5-minute cells of hours whose charts are over."""
    old = f"FROM {table(FINE, '')} WHERE start < {(until - FINE_FOR) // HOUR * HOUR}"
    hours = cursor.execute(f"SELECT DISTINCT {floor('start', HOUR)} {old}").fetchall()
    _note_thin(cursor, FINE, "", [hour for (hour,) in hours])
    cursor.execute(f"DELETE {old}")


def _not_pending(cursor: duckdb.DuckDBPyConnection, width: int, starts: Sequence[int]) -> None:
    cursor.execute(f"DELETE FROM rolled_pending WHERE width = {width} AND start IN ({_listed(starts)})")


def _note_thin(cursor: duckdb.DuckDBPyConnection, width: int, dimension: str, hours: Collection[int]) -> None:
    if hours:
        rows = ", ".join(f"({width}, '{dimension}', {hour})" for hour in hours)
        cursor.execute(f"INSERT INTO rolled_thin VALUES {rows}")


def _rows_of(hours: Collection[int]) -> str:
    within = f'"timestamp" >= make_timestamptz({min(hours)}) AND "timestamp" < make_timestamptz({max(hours) + HOUR})'
    return within + _if_broken(hours, floor(_MOMENT, HOUR))


def _cells_of(hours: Collection[int]) -> str:
    return f"start BETWEEN {min(hours)} AND {max(hours) + HOUR - 1}{_if_broken(hours, floor('start', HOUR))}"


def _if_broken(hours: Collection[int], hour: str) -> str:
    """The rest of a condition for hours that are not one after the other."""
    unbroken = len(hours) == (max(hours) - min(hours)) // HOUR + 1
    return "" if unbroken else f" AND {hour} IN ({_listed(hours)})"


def _listed(starts: Iterable[int]) -> str:
    return ", ".join(map(str, starts))


def _merge_rows(cursor: duckdb.DuckDBPyConnection, width: int, dimension: str, hours: Collection[int]) -> int:
    if not hours:
        return 0
    return _merge(cursor, width, dimension, rows_as_cells([_rows_of(hours)], columns(dimension)), "moment")


def _merge(cursor: duckdb.DuckDBPyConnection, width: int, dimension: str, cells: str, at: str = "start") -> int:
    """Insert cells of this width made of narrower ones, or of rows as cells; how many."""
    keys = ", ".join((*columns(dimension), *CELL))
    made = cursor.execute(
        f"INSERT INTO {table(width, dimension)} BY NAME "
        f"SELECT {floor(at, width)} AS start, {keys}, {MERGED} FROM ({cells}) GROUP BY ALL"
    ).fetchone()
    return int(made[0]) if made else 0
