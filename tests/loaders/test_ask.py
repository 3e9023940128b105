"""Questions in SQL: what is answered, what is refused, and that nothing but the tables meant for it is ever reached."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from filling import fill, line

from core.asked import MOST_CHARACTERS, VIEWS, QuestionRefused
from core.record import STATUSES
from core.selection import Selection
from core.slo import Limits
from loaders import ask
from loaders.ask_check import FUNCTIONS, ROWS
from metrics.latency import timed

LIMITS, ZONE, WITHIN = Limits(), ZoneInfo("Asia/Ho_Chi_Minh"), timedelta(seconds=20)


@pytest.fixture
def asked(store):
    """`asked(sql)` -> the frame; the store holds one or more records of every kind."""
    lines = [
        line(status=status, execution_time_ms=ms, timeout_ms=limit, sample_rate=rate)
        for status in STATUSES
        for ms in (None, 100.0, 6000.0, 8000.0, 8001.0)
        for limit, rate in ((None, 1.0), (7000.0, 0.5))
        if ms is not None or status in ("timeout", "failed")
    ]
    lines += [
        line(eval_score={"accuracy": 0.5}, feedback=1),
        line(kind="eval", request_id="r", eval_score={'a"b': 0.9, "tone": 7}, hallucination=True),
        line(kind="eval", request_id="r", hallucination=False),
        line(kind="feedback", request_id="r", feedback=-1),
        line(kind="llm", request_id="r", span_id="s", model="atlas"),
        line(kind="host", host="one", cpu_percent=50, memory_percent=120),
        line(kind="deploy", service="api", model_version="2"),
        line(kind="drops", dropped=3),
    ]
    fill(store, *lines)
    return lambda sql: store.ask(sql, LIMITS, ZONE, within=WITHIN).frame


@pytest.mark.parametrize("view", VIEWS)
def test_a_table_has_the_columns_it_is_said_to_have(asked, view):
    described = asked(f"DESCRIBE {view}")
    found = dict(zip(described["column_name"], described["column_type"], strict=True))
    assert found == {
        name: {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}.get(kind, kind) for name, kind in VIEWS[view].items()
    }
    assert asked(f"SELECT count(*) AS n FROM {view}")["n"][0] > 0


def test_class_latency_and_weight_are_those_of_the_metrics(asked, store):
    columns = ["request_id", "status", "execution_time_ms", "timeout_ms", "sample_rate"]
    expected = timed(store.requests(Selection(), columns), LIMITS.limit_ms).select(
        "request_id", pl.col("class").cast(pl.String), "latency_ms", "cut", "weight"
    )
    found = asked("SELECT request_id, class, latency_ms, cut, weight FROM requests")
    assert found.sort("request_id").equals(expected.sort("request_id"))
    assert set(found["class"]) == {"success", "timeout", "failed", "excluded"}


def test_near_is_a_success_from_three_quarters_of_the_limit_on(asked):
    assert set(asked("SELECT execution_time_ms AS ms, class FROM requests WHERE near").rows()) == {
        (6000.0, "success"),
        (8000.0, "success"),
    }


def test_a_score_is_a_row_and_one_that_is_none_is_null(asked):
    found = asked("SELECT name, score, hallucination FROM evals ORDER BY ALL")
    assert found.rows() == [
        ('a"b', 0.9, True), ("accuracy", 0.5, None), ("tone", None, True), (None, None, False),
    ]  # fmt: skip


def test_a_gauge_out_of_its_range_is_unknown(asked):
    assert asked("SELECT host, cpu_percent, memory_percent FROM hosts").rows() == [("one", 50.0, None)]


def test_days_are_those_of_the_readers_zone(asked):
    """09:00 UTC is 16:00 in Ho Chi Minh City; a day there begins at 17:00 UTC."""
    found = asked("SELECT DISTINCT date_trunc('day', timestamp) AS day, hour(timestamp) AS hour FROM requests")
    assert found["hour"].to_list() == [16]
    assert found["day"].dt.convert_time_zone("UTC").dt.hour().to_list() == [17]


ANSWERED = {
    "a condition and an order": "SELECT agent_id, count(*) FROM requests WHERE class = 'timeout' GROUP BY 1 ORDER BY 2",
    "names made with WITH": "WITH slow AS (SELECT * FROM requests WHERE near) SELECT count(*) FROM slow",
    "a name from WITH that another needs": "WITH a AS (FROM spans), b AS (FROM a) SELECT count(*) FROM b",
    "a name made with WITH that the store has, too": "WITH records AS (SELECT 1 AS x) SELECT x FROM records",
    "a query that calls itself": "WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM t WHERE x < 5) FROM t",
    "windows and QUALIFY": "FROM requests QUALIFY row_number() OVER (PARTITION BY agent_id ORDER BY timestamp) < 3",
    "percentiles": "SELECT quantile_cont(latency_ms, 0.95) FILTER (class = 'success') FROM requests",
    "other fields of a line": "SELECT extra->>'$.host', count(*) FROM hosts GROUP BY ALL",
    "a join of two tables": "SELECT count(*) FROM requests JOIN spans USING (request_id)",
    "hours without requests": "SELECT h FROM generate_series(now() - INTERVAL 3 HOUR, now(), INTERVAL 1 HOUR) AS t(h)",
    "a summary": "SUMMARIZE requests",
    "a pivot of named values": "PIVOT requests ON class IN ('timeout', 'success') USING count(*) GROUP BY agent_id",
    "a comment and a semicolon at the end": "SELECT 1; -- that is all",
    "numbers in a text left out": "SELECT regexp_replace(error_message, '[0-9]+', 'N', 'g') FROM requests",
    "any case of a name": "Select COUNT(*) From REQUESTS",
    "what is in a word only": "SELECT 'COPY x TO y; DROP TABLE records' AS text",
}


@pytest.mark.parametrize("what", ANSWERED)
def test_what_people_ask_is_answered(asked, what):
    assert asked(ANSWERED[what]).width > 0


HOSTILE = {
    "a file as a table": ("table", "SELECT * FROM '/etc/passwd'"),
    "a file as a table, known by its ending": ("table", "FROM 'logs/a.jsonl'"),
    "a file by a function": ("function", "SELECT * FROM read_csv('/etc/passwd')"),
    "the text of a file": ("function", "SELECT content FROM read_text('/etc/passwd')"),
    "names of files": ("function", "SELECT * FROM glob('/**')"),
    "a file of another format": ("function", "SELECT * FROM parquet_scan('x.parquet')"),
    "another database": ("read", "ATTACH '/tmp/other.duckdb' AS other"),
    "the web": ("table", "FROM 'https://example.org/x.csv'"),
    "writing a file": ("read", "COPY (SELECT * FROM requests) TO '/tmp/x.csv'"),
    "writing all files": ("read", "EXPORT DATABASE '/tmp/x'"),
    "an extension": ("read", "INSTALL httpfs"),
    "loading an extension": ("read", "LOAD '/tmp/x.duckdb_extension'"),
    "the environment": ("function", "SELECT getenv('HOME')"),
    "a setting read": ("function", "SELECT current_setting('temp_directory')"),
    "settings as a table": ("function", "SELECT * FROM duckdb_settings()"),
    "secrets": ("function", "FROM duckdb_secrets()"),
    "a setting changed": ("read", "SET memory_limit = '100GB'"),
    "a pragma": ("read", "PRAGMA database_list"),
    "a pragma that answers like a query": ("read", "PRAGMA version"),
    "a call": ("read", "CALL pragma_database_size()"),
    "deleting": ("read", "DELETE FROM records"),
    "changing": ("read", "UPDATE store SET version = 0"),
    "inserting with an answer": ("read", "INSERT INTO quarantine_counts VALUES (1, 'x', 1) RETURNING *"),
    "dropping": ("read", "DROP TABLE records"),
    "a table of one's own": ("read", "CREATE TABLE mine AS SELECT 1"),
    "a macro that shadows a function": ("read", "CREATE MACRO count_star() AS 1"),
    "a transaction": ("read", "BEGIN"),
    "a checkpoint": ("read", "CHECKPOINT"),
    "a checkpoint as a table": ("function", "SELECT * FROM force_checkpoint()"),
    "a second statement": ("one", "SELECT 1; DROP TABLE records"),
    "a second statement behind a comment": ("one", "SELECT 1 /* ; */ ; SELECT 2"),
    "a prepared statement": ("read", "PREPARE x AS SELECT 1"),
    "a plan with a query that runs": ("read", "EXPLAIN ANALYZE SELECT 1"),
    "the table behind": ("table", "SELECT prompt FROM records"),
    "the table behind, with its schema": ("table", "SELECT * FROM main.records"),
    "a table of the catalogue": ("table", "FROM information_schema.tables"),
    "a view of the catalogue": ("table", "FROM duckdb_tables"),
    "a catalogue of another database": ("table", "FROM sqlite_master"),
    "all tables": ("read", "SHOW ALL TABLES"),
    "the table behind in a condition": ("table", "SELECT 1 WHERE EXISTS (FROM generations)"),
    "the table behind under a name of WITH": ("table", "WITH records AS (FROM records) FROM records"),
    "a name of WITH from another place": ("table", "FROM records, (WITH records AS (SELECT 1) FROM records)"),
    "a name of WITH before it is made": ("table", "WITH a AS (FROM store), store AS (SELECT 1) FROM a"),
    "the beginning of a recursion": (
        "table", "WITH RECURSIVE store AS (FROM store UNION ALL SELECT * FROM store) FROM store"),
    "a description of what is hidden": ("table", "DESCRIBE records"),
    "a query in a text": ("function", "FROM query('SELECT * FROM records')"),
    "a table in a text": ("function", "FROM query_table('records')"),
    "a table in a text, by a macro": ("function", "FROM histogram(records, line)"),
    "a query in JSON": ("function", "FROM json_execute_serialized_sql('{}')"),
    "an address in memory": ("function", "FROM arrow_scan(1::POINTER, 2::POINTER, 3::POINTER)"),
    "the log of the process": ("function", "SELECT write_log('x')"),
    "waiting": ("function", "SELECT sleep_ms(100000)"),
    "a function with its schema": ("function", "SELECT main.getvariable('x')"),
    "a function called like a method": ("function", "SELECT agent_id.repeat(1000000000) FROM requests"),
    "a function in a list comprehension": ("function", "SELECT [repeat('x', 1000000000) FOR i IN [1]]"),
    "a text of four gigabytes": ("function", "SELECT repeat('x', 4000000000)"),
    "a list of a thousand million": ("function", "SELECT unnest(range(1000000000))"),
    "a text padded": ("function", "SELECT lpad('x', 2000000000, 'y')"),
    "a number printed wide": ("function", "SELECT printf('%02000000000d', 1)"),
    "a text doubled again and again": (
        "large", "SELECT a || a AS a FROM (" * 9 + "SELECT 'x' AS a" + ")" * 9),
    "a text replaced by longer ones": ("large", f"SELECT replace(replace('aaaa', 'a', '{'a' * 900}'), 'a', '{'a' * 900}')"),
    "a text replaced by one that is made": ("large", "SELECT replace(agent_id, 'a', error_message) FROM requests"),
    "columns doubled again and again": ("large", "SELECT *, * FROM (" * 9 + "SELECT 1" + ")" * 9),
    "queries in queries in queries": ("large", "SELECT (" * 13 + "SELECT 1" + ")" * 13),
    "a tower of signs": ("large", "SELECT " + "NOT " * 700 + "true"),
    "a question too long": ("long", "SELECT '" + "x" * MOST_CHARACTERS + "'"),
    "nothing at all": ("empty", " -- "),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_what_a_question_may_not_do_is_refused(asked, store, what):
    reason, sql = HOSTILE[what]
    before = store.size(), store.version, store.ledger()
    with pytest.raises(QuestionRefused) as refused:
        asked(sql)
    assert refused.value.reason == reason, str(refused.value)
    assert (store.size(), store.version, store.ledger()) == before


@pytest.mark.parametrize("sql", ["FROM read_text('/etc/passwd')", "COPY (SELECT 1) TO '/tmp/x.csv'", "INSTALL httpfs"])
def test_what_came_past_the_check_still_reaches_no_file(store, sql):
    """The second wall: the connection itself."""
    with pytest.raises(ask.duckdb.PermissionException), store._database.cursor() as cursor:
        cursor.execute(sql)
    with pytest.raises(ask.duckdb.Error), store._database.cursor() as cursor:
        cursor.execute("SET enable_external_access = true")


def test_a_function_that_stands_for_a_table_is_never_one_of_those_for_values():
    """A name in both lists must be as tame in both places."""
    assert {"unnest"} == FUNCTIONS & ROWS


WRONG = {
    "a name nobody has": ("SELECT nothing FROM requests", "nothing"),
    "a slip of the pen": ("SELEC 1", "syntax error"),
    "a text that is no number": ("SELECT agent_id::INTEGER FROM requests", "planner"),
    "a value that is missing": ("SELECT $1", "parameter"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_mistake_is_told_in_one_line_without_a_place_on_this_machine(asked, store, what):
    sql, piece = WRONG[what]
    with pytest.raises(QuestionRefused) as refused:
        asked(sql)
    said = refused.value.what
    assert refused.value.reason == "wrong"
    assert piece in said
    assert "\n" not in said
    assert str(store._database.path.parent) not in said


def test_an_endless_question_ends_with_its_time(asked, store):
    with pytest.raises(QuestionRefused) as refused:
        store.ask("SELECT count(*) FROM range(1000000000000)", LIMITS, ZONE, within=timedelta(seconds=0.2))
    assert (refused.value.reason, refused.value.what) == ("time", "0.2")


def test_a_question_that_needs_the_memory_of_others_is_stopped(asked, monkeypatch):
    monkeypatch.setattr(ask, "MOST_MEMORY", 1 << 20)
    with pytest.raises(QuestionRefused) as refused:
        asked("SELECT count(DISTINCT hash(r)) FROM range(1000000000) AS t(r)")
    assert refused.value.reason == "memory"


def test_logs_are_read_while_a_question_is_answered(store):
    """A question holds nothing the reading waits for."""
    fill(store, line())
    began, said = threading.Event(), list[str]()

    def ask_long() -> None:
        began.set()
        try:
            store.ask("SELECT count(*) FROM range(1000000000000)", LIMITS, ZONE, within=timedelta(seconds=1.5))
        except QuestionRefused as refused:
            said.append(refused.reason)

    asking = threading.Thread(target=ask_long)
    asking.start()
    began.wait()
    stored = 0
    while asking.is_alive() and stored < 1000:
        fill(store, line())
        stored += 1
    asking.join()
    assert stored > 3
    assert said == ["time"]


def test_a_second_question_waits_for_the_first_and_is_told_when_that_takes_too_long(store):
    with store._asking, pytest.raises(QuestionRefused) as refused:
        store.ask("SELECT 1", LIMITS, ZONE, within=timedelta(seconds=0.01))
    assert refused.value.reason == "busy"
    assert store.ask("SELECT 1 AS one", LIMITS, ZONE, within=WITHIN).frame.item() == 1


@pytest.mark.parametrize(("rows", "cut"), [(2, True), (3, False), (4, False)])
def test_more_rows_than_wanted_are_cut_and_it_is_said(store, rows, cut):
    found = store.ask("FROM (VALUES (1), (2), (3)) AS t(x) ORDER BY x DESC", LIMITS, ZONE, within=WITHIN, rows=rows)
    assert (found.frame["x"].to_list(), found.cut) == ([3, 2, 1][:rows], cut)


def test_rows_that_are_too_large_are_cut(store, monkeypatch):
    monkeypatch.setattr(ask, "MOST_BYTES", 50_000)
    found = store.ask("SELECT r FROM range(100000) AS t(r)", LIMITS, ZONE, within=WITHIN)
    assert found.cut
    assert 0 < found.frame.height < 10_000


def test_every_kind_of_value_can_be_shown(asked):
    found = asked(
        "SELECT 1 AS n, sum(1::HUGEINT) AS n, 1.5::DECIMAL(4,1) AS d, INTERVAL '26:03:04' AS span, [1, 2] AS list, "
        "{'a': 'ệ'} AS part, 'x'::BLOB AS bytes, TIME '12:00' AS clock, DATE '2026-11-24' AS day, NULL AS nothing, "
        "true AS truth"
    )
    assert found.columns[:2] == ["n", "n_2"]
    assert found.row(0)[:6] == (1, 1, 1.5, "1 day, 2:03:04", "[1, 2]", '{"a": "ệ"}')
    assert all(kind.is_numeric() or kind in (pl.String, pl.Date, pl.Boolean, pl.Null) for kind in found.dtypes)


def test_what_was_said_to_a_model_is_in_no_table(store):
    fill(store, line(prompt="secret words", response="more of them", error_stack="at line 1"))
    for view in VIEWS:
        found = store.ask(f"FROM {view}", LIMITS, ZONE, within=WITHIN).frame
        assert "secret" not in json.dumps(found.to_dicts(), default=str)


def test_a_store_that_was_just_made_answers_with_no_rows(store):
    assert store.ask("FROM requests", LIMITS, ZONE, within=WITHIN).frame.height == 0
