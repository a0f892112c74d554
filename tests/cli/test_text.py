"""What may be shown on a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from treeward.cli.text import clean, json_text, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with ümlauts, 漢字 and 🙂", "plain, with ümlauts, 漢字 and 🙂"),
        ("lines\nand\ttabs\r\nstay", "lines\nand\ttabs\nstay"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hat home", "at home"),
        ("\x1b]0;another title\x07text", "text"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;never ended", "0;never ended"),
        ("\x1bPq#0;2;0;0;0\x1b\\after", "after"),
        ("\x1bcreset", "reset"),
        ("\x9b31mC1", "31mC1"),
        ("bell\x07 back\x08 null\x00 delete\x7f", "bell back null delete"),
        ("over\rwritten", "overwritten"),
        ("abc\u202egnp.exe", "abcgnp.exe"),
        ("half \udc80 a character", "half  a character"),
        ("ends with \x1b", "ends with "),
    ],
)
def test_what_gives_a_terminal_orders_is_left_out(text, shown):
    """Escape sequences, control characters and changes of direction go; everything else stays."""
    assert clean(text) == shown


@given(st.text(st.characters(codec=None)))
@example("\x1b\x1b[[31m")
@example("\x1b[\x1b[31m1m")
def test_nothing_is_left_that_a_terminal_would_obey(text):
    """Whatever comes in, no control character but tab and line break comes out, and no half of a character."""
    kinds = {unicodedata.category(character) for character in clean(text) if character not in "\n\t"}
    assert kinds.isdisjoint({"Cc", "Cs"})


@given(st.text(st.characters(codec=None)))
def test_one_line_is_one_line(text):
    """`one_line` has no line break of any kind, and no white space at its ends."""
    line = one_line(text)
    assert line.splitlines() in ([], [line])
    assert line == line.strip()


@given(st.recursive(st.none() | st.booleans() | st.text(st.characters(codec=None)), st.lists))
def test_json_is_printable_ascii(data):
    """JSON comes out in ASCII, so that no encoding and no terminal minds what is in it."""
    text = json_text(data)
    assert text.isascii()
    assert text.isprintable()
