"""For each part of the supervision of work there is an example that is read in one minute.

That it does what it shows is for `test_examples` to see.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
WORDS = 250  # that are read in a minute, or less
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

MINUTES = [
    ("judge", "judges.md", "In a minute", "judges:"),
    ("breaker", "breakers.md", "In a minute", "breaker:"),
    ("fallback", "recovery.md", "A fallback, in a minute", "fallback:"),
    ("escalation", "recovery.md", "An escalation, in a minute", "escalate:"),
    ("budget", "budgets.md", "In a minute", "budget:"),
]


def section(document, heading):
    """Returns the text below a heading, up to the next one."""
    text = (DOCS / document).read_text()
    begin = text.index(f"\n## {heading}\n")
    return text[begin : text.index("\n## ", begin + 1)]


@pytest.mark.parametrize(
    ("document", "heading", "key"), [each[1:] for each in MINUTES], ids=[each[0] for each in MINUTES]
)
def test_an_example_that_is_read_in_a_minute(document, heading, key):
    """The tree in YAML with what it is about, the Python around it, and what it prints: not more than 250 words."""
    text = section(document, heading)
    blocks = FENCED.findall(text)
    assert [language for language, _ in blocks][:4] == ["python", "yaml", "python", "text"]
    assert key in blocks[1][1]
    assert len(text.split()) <= WORDS
