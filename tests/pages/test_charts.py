"""Charts as Vega-Lite: valid, the same for any data, with the limit drawn and times on the reader's wall."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import altair as alt
import polars as pl
import pyarrow as pa
import pytest
from fake_engine import FakeEngine, FakeReader, requests

from core.rows import Rows
from core.settings import Settings, parse
from core.slo import Limits
from metrics.heatmap import bands
from pages.overview import charts
from pages.overview.links import rows_of_cell
from pages.overview.tiles import Line
from pages.requests.view import read
from pages.shared import data, theme
from pages.shared.draw import FRAMES, _sent
from pages.shared.filters import Choice
from pages.shared.frame import Frame
from pages.shared.look import Look
from pages.shared.trend import trend

EN = Look("en", "UTC", dark=False)
VI = Look("vi", "Asia/Ho_Chi_Minh", dark=True)
LINES = [
    Line("success_rate", theme.QUIET, 0.99),
    Line("p99", theme.OVER, 8000.0),
    Line("average_ms", theme.QUIET, None),
]
SPECS = {
    "heatmap": lambda look: charts.heatmap(look, timedelta(minutes=5), 8000.0),
    "trend": lambda look: trend(look, timedelta(minutes=15), Limits()),
    **{f"sparkline {line.field}": lambda look, line=line: charts.sparkline(look, line) for line in LINES},
}


@pytest.mark.parametrize("look", [EN, VI], ids=["en", "vi"])
@pytest.mark.parametrize("name", SPECS)
def test_a_chart_is_valid_vega_lite(name, look):
    alt.Chart.from_dict(SPECS[name](look), validate=True)


def test_a_chart_stands_while_its_rows_change(visit):
    """The spec of a chart is the same bytes for other data: only then the browser keeps the chart."""
    drawn = []
    for count in (3000, 2500):
        page = visit(FakeEngine(FakeReader(requests(count), version=count)), lang="en")
        drawn.append([chart.proto.spec for chart in page.get("vega_lite_chart")])
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 8


def test_the_limit_and_the_near_line_are_drawn_and_named():
    limits = trend(EN, timedelta(minutes=15), Limits(limit_ms=8000.0, near=0.75))["layer"][0]
    assert [row["at"] for row in limits["data"]["values"]] == [8000.0, 6000.0]
    label = limits["encoding"]["y"]["axis"]["labelExpr"].replace("\xa0", " ")
    assert "limit 8 s" in label
    assert "near 6 s" in label


def test_bands_and_percentiles_share_their_hues():
    heat = charts.heatmap(EN, timedelta(minutes=5), 8000.0)["encoding"]["color"]["scale"]
    assert dict(zip(heat["domain"], heat["range"], strict=True)) == {
        "> 8\xa0s": theme.OVER, "5–8\xa0s": theme.NEAR, "2–5\xa0s": theme.SLOW, "< 2\xa0s": theme.QUICK,
    }  # fmt: skip
    line = trend(EN, timedelta(minutes=15), Limits())["layer"][2]["encoding"]["color"]["scale"]
    assert line == {"domain": ["P99", "P95", "P50"], "range": [theme.OVER, theme.NEAR, theme.QUICK]}


def test_every_band_of_the_metrics_has_a_name_in_the_chart():
    spec = json.dumps(charts.heatmap(EN, timedelta(minutes=5), 6500.0))
    for band in bands(6500.0):
        assert json.dumps(band.label)[1:-1] in spec


def frames(zone: str, end: datetime) -> data.Overview:
    settings = parse(f"timezone: {zone}")
    reader = FakeReader(
        requests(end=end, hours=23), deploys=({"timestamp": end - timedelta(hours=1), "service": "api"},)
    )
    return seen(reader, end, settings)


def seen(reader: FakeReader, now: datetime, settings: Settings) -> data.Overview:
    key = data.Key(1, now, "", demo=False)
    return data.overview(Frame(None, False, reader, settings, "en", Choice(), now, reader.freshness(), False, key))


def test_times_are_the_readers_wall_clock_with_no_zone_left_to_shift_them():
    found = frames("Asia/Ho_Chi_Minh", datetime(2026, 3, 1, 12, tzinfo=UTC))
    for frame in (found.spark, found.heat, found.trend, found.deploys):
        assert frame.schema["start"] == pl.Datetime("us", None)
    assert found.heat["start"][-1] == datetime.fromisoformat("2026-03-01T19:00")
    assert found.deploys["start"][-1] == datetime.fromisoformat("2026-03-01T18:00")
    assert found.deploys["label"].to_list() == [None, "api"]


def test_the_hour_that_summer_time_skips_is_not_drawn():
    found = frames("Europe/Berlin", datetime(2026, 3, 29, 12, tzinfo=UTC))
    assert not found.trend.filter(
        pl.col("start").is_between(
            datetime.fromisoformat("2026-03-29T02:00"), datetime.fromisoformat("2026-03-29T02:59")
        )
    ).height
    assert found.trend.height == 96


def test_a_chart_has_few_rows():
    found = frames("UTC", datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert max(frame.height for frame in (found.spark, found.heat, found.trend, found.deploys)) < 500


@pytest.mark.parametrize(("chart", "axis"), [("heatmap", 0), ("trend", 1)])
def test_a_time_axis_is_every_slot_of_the_rows_not_those_with_traffic(chart, axis):
    """The domain is read from the unfiltered rows, which list each slot: 6 h and 24 h whatever happened in them."""
    end = datetime(2026, 3, 1, 12, tzinfo=UTC)
    reader = FakeReader(requests(5, end=end, hours=0.01))
    found = seen(reader, end, Settings())
    length, width = (data.HEATMAP, data.TREND)[axis]
    starts = (found.heat, found.trend)[axis]["start"]
    assert starts.max() + width - starts.min() == length
    text = json.dumps(SPECS[chart](EN))
    assert "pluck(data('rows'), 'start')" in text
    assert f"+ {width // timedelta(milliseconds=1)}" in text


def test_rows_of_other_centuries_do_not_make_millions_of_slots():
    """A wrong clock at the sender is no reason to compute one slot a second from 1950 to 2999."""
    end = datetime(2026, 3, 1, 12, tzinfo=UTC)
    rows = requests(60, end=end)
    odd = [rows.head(1).with_columns(timestamp=pl.lit(datetime(year, 1, 1, tzinfo=UTC))) for year in (1950, 2999)]
    reader = FakeReader(pl.concat([rows, *(one.select(rows.columns).cast(rows.schema) for one in odd)]))
    found = seen(reader, end, Settings())
    assert max(frame.height for frame in (found.spark, found.heat, found.trend, found.deploys)) < 500


def test_the_charts_of_stale_data_end_with_the_data():
    end = datetime(2026, 3, 1, 12, tzinfo=UTC)
    reader = FakeReader(requests(end=end))
    now = end + timedelta(days=3)
    found = seen(reader, now, Settings())
    assert found.heat["start"][-1] == datetime.fromisoformat("2026-03-01T12:00")
    assert found.heat["requests"].sum() > 0


def test_a_cell_leads_to_its_five_minutes_and_its_band():
    start = datetime(2026, 3, 1, 10, 5, tzinfo=UTC)
    cell = {"at": start.timestamp() * 1000, "band": ">8"}
    found = rows_of_cell(Choice("24h", agent="a"), cell, {"lang": "vi", "agent": "a", "range": "24h", "page": "3"})
    assert found == {
        "lang": "vi", "agent": "a", "band": ">8",
        "start": "2026-03-01T10:05:00+00:00", "end": "2026-03-01T10:10:00+00:00",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("band", "rows"),
    [
        (">8", Rows("timeout", order="slowest")),
        ("2-5", Rows(took=(2000.0, 5000.0), order="slowest")),
        ("no band", Rows("failed")),
    ],
)
def test_a_band_of_an_address_is_its_rows_and_what_is_none_is_the_view(band, rows):
    assert read({"view": "failed", "band": band}).rows(8000.0) == rows


def test_a_kept_frame_is_turned_into_what_browsers_take_once_and_another_one_anew():
    """A page drawn a hundred times from one reading sends the very same bytes; they hold the frame's own rows."""
    first, second = pl.DataFrame({"n": [1]}), pl.DataFrame({"n": [2]})
    sent = [_sent(frame) for frame in (first, first, second)]
    assert sent[0] is sent[1]
    assert [pa.ipc.open_stream(one).read_all().to_pydict() for one in sent[1:]] == [{"n": [1]}, {"n": [2]}]


def test_frames_kept_for_browsers_are_bounded():
    frames = [pl.DataFrame({"n": [n]}) for n in range(FRAMES + 5)]
    first = _sent(frames[0])
    for frame in frames:
        _sent(frame)
    assert _sent(frames[0]) is not first
