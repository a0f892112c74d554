"""Measured tables come to their places in a document."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = CHECKOUT / "docs" / "performance.md"

PLACES = """\
# Figures

<!-- one -->
old
<!-- /one -->

between

<!-- two -->
<!-- /two -->
"""


def test_a_table_replaces_what_was_in_its_place(module):
    """Only the place that is named changes, and it can be filled again."""
    document = module("document")
    once = document.placed(PLACES, {"two": "| new |\n"})
    assert once == PLACES.replace("<!-- two -->\n", "<!-- two -->\n| new |\n")
    assert document.placed(once, {"two": "| new |"}) == once


def test_a_place_that_is_not_there_is_an_error(module):
    """Whoever names no place is told which ones there are."""
    with pytest.raises(ValueError, match="no place for three: the document has one, two"):
        module("document").placed(PLACES, {"three": ""})


def test_the_document_has_a_place_for_each_table(module):
    """docs/performance.md has a place for what each program prints."""
    groups = {case.group for case in module("cases").CASES.values()}
    expected = groups | {"uvloop", "features", "curves", "work"}
    assert set(module("document").places(DOCUMENT.read_text())) == expected


def test_the_document_shows_every_plot(module):
    """Each family's plot is shown, and lies beside the document."""
    shown = re.findall(r"\(performance/(\w+)\.svg\)", DOCUMENT.read_text())
    assert sorted(shown) == sorted(module("growth").FAMILIES)
    assert {name for name in shown if not (CHECKOUT / "docs" / "performance" / f"{name}.svg").exists()} == set()
