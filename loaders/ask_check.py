"""What a question in SQL may hold: one SELECT over the tables meant for it, and functions that are known to be tame.

Checked on DuckDB's own parse of the text, by lists of what is allowed: what a later DuckDB adds is refused until
somebody adds it here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb

from core.asked import MOST_CHARACTERS, VIEWS, QuestionRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

OPERATORS = "+ - * / // % ** ^ & | ~ << >> || ->> -> ~~ !~~ ~~* !~~* ~~~ ^@ @> <@ && @ !__postfix"

AGGREGATES = """
    any_value approx_count_distinct approx_quantile arg_max arg_min array_agg avg bool_and bool_or corr count
    count_if count_star countif covar_pop covar_samp entropy favg first fsum geomean kurtosis last list mad max
    max_by mean median min min_by mode product quantile quantile_cont quantile_disc regr_count regr_intercept
    regr_r2 regr_slope skewness stddev stddev_pop stddev_samp string_agg group_concat listagg sum
    sum_no_overflow sumkahan var_pop var_samp variance histogram grouping grouping_id
"""

WINDOWS = """
    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank rank_dense row_number
"""

NUMBERS = """
    abs ceil ceiling exp floor greatest least isfinite isinf isnan ln log log10 log2 mod pow power round sign
    sqrt cbrt trunc divide multiply add subtract random hash pi sin cos tan atan atan2 radians degrees nullif
    coalesce
"""

TIMES = """
    age century date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc date_add day dayname
    dayofmonth dayofweek dayofyear epoch epoch_ms epoch_us hour isodow isoyear last_day make_date make_time
    make_timestamp make_timestamptz minute month monthname now get_current_timestamp current_date today quarter
    second strftime strptime try_strptime time_bucket timezone to_days to_hours to_milliseconds to_minutes
    to_months to_seconds to_timestamp to_weeks to_years transaction_timestamp week weekday weekofyear year
    yearweek millisecond microsecond
"""

TEXTS = """
    concat concat_ws contains ends_with suffix prefix starts_with instr strpos position left right len length
    char_length character_length lower lcase upper ucase ltrim rtrim trim md5 sha256 regexp_extract
    regexp_full_match regexp_matches regexp_replace regexp_split_to_array replace reverse split split_part
    string_split str_split string_to_array substr substring like_escape ilike_escape not_like_escape
    not_ilike_escape ascii chr strip_accents format_bytes typeof
"""

PARTS = """
    array_contains array_extract array_length element_at json_array_length json_contains json_exists
    json_extract json_extract_path json_extract_path_text json_extract_string json_keys json_type json_valid
    json_value list_contains list_distinct list_element list_extract list_has list_has_any list_position
    list_slice array_slice list_sort list_unique list_sum list_avg list_min list_max map_extract map_keys
    map_values list_value row struct_extract struct_pack unnest
"""

FUNCTIONS = frozenset(f"{OPERATORS} {AGGREGATES} {WINDOWS} {NUMBERS} {TIMES} {TEXTS} {PARTS}".split())
"""Left out: what looks at the machine, the settings or other tables, waits, writes, or makes much out of little
(`repeat`, `lpad`, `printf`, lists of numbers): DuckDB neither counts such text as memory nor stops in the middle."""

ROWS = frozenset({"range", "generate_series", "unnest", "json_each"})
"""Functions that can stand for a table."""

GROWING = frozenset({"||", "concat", "concat_ws", "list_value", "row", "struct_pack"})
REPLACING = frozenset({"replace", "regexp_replace"})
MOST_SELECTS, MOST_STARS, MOST_PIECES = 12, 6, 16
"""Each SELECT can double what the one inside it made: a short question must not become a huge answer."""


def check(cursor: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """The one statement of a question that may be asked.

    Raises:
        QuestionRefused: it may not; the reason names what is wrong.
    """
    if len(sql) > MOST_CHARACTERS:
        raise QuestionRefused("long", f"{MOST_CHARACTERS:,}")
    try:
        statements = cursor.extract_statements(sql)
    except duckdb.Error as error:
        raise QuestionRefused("wrong", first_line(error)) from error
    if not statements:
        raise QuestionRefused("empty")
    if len(statements) > 1:
        raise QuestionRefused("one")
    _check_parts(_parsed(cursor, sql))
    return statements[0]


def first_line(error: duckdb.Error) -> str:
    """What DuckDB says, without its excerpt of the question and its advice."""
    return str(error).strip().partition("\n")[0]


def _parsed(cursor: duckdb.DuckDBPyConnection, sql: str) -> Any:
    """DuckDB's tree of the question; it has one for a SELECT only."""
    found = cursor.execute("SELECT json_serialize_sql($1)", [sql]).fetchone()
    try:
        tree = json.loads(found[0]) if found else {"error": True}
    except RecursionError as error:
        raise QuestionRefused("large", f"{MOST_SELECTS} SELECTs") from error
    if tree["error"]:
        raise QuestionRefused("read")
    return tree["statements"]


def _check_parts(tree: Any) -> None:
    selects = stars = pieces = 0
    for node, known in _nodes(tree, frozenset(VIEWS)):
        kind, name = node.get("type"), str(node.get("function_name", "")).lower()
        if kind == "BASE_TABLE" and _name(node) not in known:
            raise QuestionRefused("table", _name(node))
        if kind == "SHOW_REF" and (node.get("table_name") or not node.get("query")):
            raise QuestionRefused("read")
        if kind == "TABLE_FUNCTION" and (function := _function(node)) not in ROWS:
            raise QuestionRefused("function", function)
        if node.get("class") in ("FUNCTION", "WINDOW") and name not in FUNCTIONS:
            raise QuestionRefused("function", name)
        selects += kind == "SELECT_NODE"
        stars += kind == "STAR"
        pieces += _pieces(name, node)
    for count, most, what in (
        (selects, MOST_SELECTS, "SELECTs"),
        (stars, MOST_STARS, "stars (*)"),
        (pieces, MOST_PIECES, "pieces of text to join"),
    ):
        if count > most:
            raise QuestionRefused("large", f"{most} {what}")


def _nodes(tree: Any, known: frozenset[str]) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """Every part, and the tables known where it stands: a name from WITH counts only where DuckDB looks for it."""
    if isinstance(tree, list):
        for part in tree:
            yield from _nodes(part, known)
    elif isinstance(tree, dict):
        for named in tree.get("cte_map", {}).get("map", ()):
            yield from _nodes(named["value"], known)
            known |= {named["key"].lower()}
        yield tree, known
        own = {str(tree["cte_name"]).lower()} if tree.get("type") == "RECURSIVE_CTE_NODE" else set[str]()
        for name, part in tree.items():
            if name == "function" and tree.get("type") == "TABLE_FUNCTION":
                yield from _nodes(part.get("children", part), known)  # that it is no table is looked at above
            elif name != "cte_map":
                yield from _nodes(part, known | own if name == "right" else known)


def _pieces(name: str, node: dict[str, Any]) -> int:
    """How many times as long a text or list can become: what is put in for each place counts by its length."""
    if name in GROWING:
        return len(node["children"])
    if name in REPLACING and len(node["children"]) > 2:
        value = node["children"][2].get("value")
        return len(str(value["value"])) if value else MOST_PIECES + 1
    return 0


def _name(table: dict[str, Any]) -> str:
    parts = (table["catalog_name"], table["schema_name"], table["table_name"])
    return ".".join(part for part in parts if part).lower()


def _function(table: dict[str, Any]) -> str:
    return str(table["function"].get("function_name", "")).lower()
