"""What pages may not do, checked on their source."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from string import Formatter

import pytest
import yaml
from starlette.applications import Starlette

import burnline
from core.text import missing_keys
from pages.shared import empty, theme
from pages.shared.text import TEXTS

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "pages").rglob("*.py"))
PAGES = [path for path in SOURCES if path.name == "page.py"]
CATALOGUES = [yaml.safe_load(path.read_text("utf-8")) for path in TEXTS]
CATALOGUE = {key: texts for catalogue in CATALOGUES for key, texts in catalogue.items()}


def test_there_are_pages_to_check():
    assert len(PAGES) >= 1


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_markup_is_let_through(path):
    assert "unsafe_allow" not in path.read_text("utf-8")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_colours_stand_in_the_theme_alone(path):
    found = re.findall(r"#[0-9A-Fa-f]{6}\b|#[0-9A-Fa-f]{3}\b", path.read_text("utf-8"))
    assert found == [] or path.name == "theme.py"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_html_and_caching_stand_in_one_place(path):
    source = path.read_text("utf-8")
    assert "st.html(" not in source or path == ROOT / "pages/main.py"
    assert "st.cache_" not in source or path in (ROOT / "pages/shared/data.py", ROOT / "pages/shared/kept.py")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_address_is_changed_in_one_place(path):
    written = re.search(r"query_params(\[[^]]*\] = |\.(update|pop|clear|from_dict)\()", path.read_text("utf-8"))
    assert written is None or path.name == "address.py"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_does_no_sums_and_writes_no_sql(path):
    source = path.read_text("utf-8")
    sums = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div | ast.FloorDiv | ast.Mod)
    ]
    assert sums == []
    assert re.search(r"\b(SELECT|FROM|WHERE)\b", source) is None


def test_every_sentence_is_in_every_language():
    assert missing_keys(CATALOGUE) == []


def test_a_sentence_has_the_same_placeholders_in_every_language():
    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    assert [key for key, texts in CATALOGUE.items() if names(texts["en"]) != names(texts["vi"])] == []


def test_no_sentence_is_written_twice():
    assert len(CATALOGUE) == sum(len(catalogue) for catalogue in CATALOGUES)


def test_every_sentence_is_used():
    """By its whole name, by a name made as f"prefix_{...}", or as the name of a filter or a page."""
    source = "".join(path.read_text("utf-8") for path in SOURCES)
    made = tuple(re.findall(r"""f["'](\w+_)\{""", source))
    filters = {"agent", "operation", "model", "environment", "user"}
    unused = [key for key in CATALOGUE if f'"{key}"' not in source and not key.startswith(made) and key not in filters]
    assert unused == []


def test_the_configured_palette_is_the_charts_palette():
    config = tomllib.loads((ROOT / ".streamlit/config.toml").read_text("utf-8"))["theme"]
    assert config["chartCategoricalColors"] == list(theme.BANDS)
    assert (config["light"]["grayTextColor"], config["dark"]["grayTextColor"]) == (
        theme.INK_ON_LIGHT,
        theme.INK_ON_DARK,
    )
    assert (config["light"]["primaryColor"], config["dark"]["primaryColor"]) == ("#0B6E99", "#58B4D9")


def test_readers_see_no_error_details():
    config = tomllib.loads((ROOT / ".streamlit/config.toml").read_text("utf-8"))
    assert config["client"]["showErrorDetails"] == "none"
    assert config["browser"]["gatherUsageStats"] is False


def test_the_lines_shown_to_newcomers_run(tmp_path):
    app = Starlette()
    exec(compile(empty.HELPER.format(directory=repr(str(tmp_path))), "helper", "exec"), {"app": app})
    assert [middleware.cls for middleware in app.user_middleware] == [burnline.asgi.RequestLog]
