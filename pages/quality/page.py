"""Quality: how the answers stand against their targets, how that moves, and which answers to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.text import moment, number
from metrics.scorecard import sentence
from pages.quality import charts
from pages.quality.reading import quality
from pages.quality.table import drift_table, poor_table, scores_table
from pages.quality.words import advice, judged, missing
from pages.shared import theme
from pages.shared.draw import draw
from pages.shared.figures import figures
from pages.shared.frame import nothing_yet
from pages.shared.selected import nothing_selected
from pages.shared.text import plain, t

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamlit.navigation.page import Page

    from pages.quality.reading import Quality
    from pages.shared.axes import Spec
    from pages.shared.frame import Frame


def render(frame: Frame, pages: Mapping[str, Page]) -> None:
    """Draw the page, or say why there is nothing to draw."""
    if nothing_yet(frame) or nothing_selected(frame):
        return
    found = quality(frame)
    if found is None:
        return
    _headline(found, frame)
    figures(judged(found, frame.settings, frame.language), "quality", frame.language)
    _advice(found, frame)
    _over_time(found, frame)
    _scores(found, frame)
    _poor(found, frame, pages)
    _drift(found, frame)
    _missing(found, frame)


def _headline(found: Quality, frame: Frame) -> None:
    language = frame.language
    known = any(figure is not None for figure in found.figures.values())
    said = sentence(tuple(found.standings.values()), language) if known else t("quality_nothing", language)
    st.header(plain(said), anchor=False)
    count, total = number(found.read, language), number(found.total, language)
    since = moment(found.span.start, frame.settings.zone, language)
    key = "quality_about" if found.read == found.total else "quality_about_newest"
    st.markdown(plain(t(key, language, count=count, total=total, since=since)))


def _advice(found: Quality, frame: Frame) -> None:
    """What to do about each target that is missed."""
    if told := advice(found, frame.language):
        with st.container(border=True, key="quality-advice"):
            st.markdown(f"**{plain(t('quality_advice', frame.language))}**")
            for text in told:
                st.markdown(f"- {plain(text)}")


def _over_time(found: Quality, frame: Frame) -> None:
    language, look, targets = frame.language, frame.look, {each.metric: each for each in frame.settings.targets}
    shown: list[tuple[str, Spec, object]] = []
    if found.figures["hallucination_rate"] is not None:
        spec = charts.hallucinations(look, found.width, targets.get("hallucination_rate"))
        shown.append(("hallucinations", spec, found.hallucinations))
    if found.scores:
        shown.append(("score_means", charts.score_means(look, found.width, targets.get("accuracy")), found.score_means))
    if found.figures["nps"] is not None:
        shown.append(("thumb_means", charts.thumb_means(look, found.width, targets.get("nps")), found.thumb_means))
    if found.confidence.height:
        shown.append(("confidences", charts.confidence(look), found.confidence))
    for pair in (shown[:2], shown[2:]):
        columns = st.columns(len(pair), border=True) if pair else []
        for column, (name, spec, rows) in zip(columns, pair, strict=True):
            with column:
                st.markdown(
                    f"**{plain(t(f'quality_{name}', language))}**", help=plain(t(f"quality_help_{name}", language))
                )
                draw(spec, theme.CHART_HEIGHT, f"quality-{name}", t(f"quality_{name}", language), rows=rows)  # type: ignore[arg-type] # a frame


def _scores(found: Quality, frame: Frame) -> None:
    if not found.scores:
        return
    st.subheader(t("quality_scores", frame.language), anchor=False)
    scores_table(found.scores, frame.settings.targets, frame.language)


def _poor(found: Quality, frame: Frame, pages: Mapping[str, Page]) -> None:
    language = frame.language
    if not found.scores and found.figures["hallucination_rate"] is None and found.figures["nps"] is None:
        return
    st.subheader(t("quality_poor", language), anchor=False)
    if not found.poor.height:
        st.markdown(plain(t("quality_poor_none", language)))
        return
    st.caption(plain(t("quality_poor_more", language)))
    poor_table(found.poor, frame, pages["request"])


def _drift(found: Quality, frame: Frame) -> None:
    language = frame.language
    st.subheader(t("quality_drift", language), help=plain(t("quality_help_drift", language)), anchor=False)
    if not found.drifts:
        st.markdown(plain(t("quality_drift_none", language)))
        return
    drift_table(found.drifts, language)


def _missing(found: Quality, frame: Frame) -> None:
    """What nobody logs yet, and the lines that would."""
    if told := missing(found, frame.language):
        st.subheader(t("quality_missing", frame.language), anchor=False)
        for text, line in told:
            st.markdown(plain(text))
            st.code(line, language="json")
