"""What the README and the documents show is what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
FIGURES = "performance.md"  # what the benchmarks measured: they take their time, and say something else every time
DOCUMENTS = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]


@pytest.mark.realtime
@pytest.mark.timeout(180)
@pytest.mark.parametrize("document", [path for path in DOCUMENTS if path.name != FIGURES], ids=lambda path: path.name)
def test_examples_do_what_is_shown(document, documented):
    """Every block of Python, every tree and every command of a document does what the document shows."""
    documented(document)
