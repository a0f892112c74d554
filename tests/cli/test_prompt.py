"""The line that is being typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from treeward.cli.prompt import Prompt

LEFT, RIGHT, UP, DOWN = "\x1b[D", "\x1b[C", "\x1b[A", "\x1b[B"
HOME, END, DELETE, BACKSPACE, ENTER = "\x1b[H", "\x1b[F", "\x1b[3~", "\x7f", "\r"


def typed(keys):
    """Returns a prompt after those keys, with the cursor as `|` in its text."""
    prompt = Prompt()
    prompt.feed(keys)
    return f"{prompt.text[: prompt.cursor]}|{prompt.text[prompt.cursor :]}"


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("hello", "hello|"),
        ("ünï 漢字 🙂", "ünï 漢字 🙂|"),
        ("a\tb", "a b|"),
        ("hello" + LEFT * 2 + "X", "helX|lo"),
        ("hello" + LEFT * 9, "|hello"),
        ("hello" + LEFT + RIGHT * 9, "hello|"),
        ("hello" + HOME + "X", "X|hello"),
        ("hello\x01X", "X|hello"),
        ("hello" + HOME + END + "X", "helloX|"),
        ("hello\x01\x05X", "helloX|"),
        ("hello\x02\x02\x06", "hell|o"),
        ("hello" + BACKSPACE, "hell|"),
        ("hello\x08", "hell|"),
        (BACKSPACE, "|"),
        ("hello" + HOME + DELETE, "|ello"),
        ("hello" + DELETE, "hello|"),
        ("hello\x01\x04", "|ello"),
        ("one two  \x17", "one |"),
        ("one two\x17\x17\x17", "|"),
        ("one two" + LEFT + "\x17", "one |o"),
        ("one two" + LEFT * 3 + "\x15", "|two"),
        ("one two" + LEFT * 3 + "\x0b", "one |"),
        ("a\x1bOHb\x1bOFc\x1bOD", "ba|c"),
        ("a\x1b[1;5Cb\x1b[Zc\x1b[200Xd", "abcd|"),
        ("a\x1bxb\x0cc\x00d", "abcd|"),
        ("a\x1b[31mb", "ab|"),
    ],
)
def test_keys(keys, line):
    """Each key does what it does in a shell; one that has no meaning types nothing."""
    assert typed(keys) == line


def test_enter_finishes_a_line():
    """Enter gives the line, without white space at its ends, and begins a new one; an empty line is none."""
    prompt = Prompt()
    assert prompt.feed(f"  one {ENTER}{ENTER}two\nthr") == ["one", "two"]
    assert prompt.text == "thr"


def test_what_is_pasted_is_one_line():
    """Several lines that come at once as a paste become one: a customer's letter is one request."""
    prompt = Prompt()
    assert prompt.feed("\x1b[200~Dear all,\r\rhelp\n\x1b[31mme\x1b[201~ now\r") == ["Dear all,  help me now"]


def test_keys_come_in_pieces():
    """A key that is sent in two pieces is one key."""
    prompt = Prompt()
    for piece in ("ab", "\x1b", "[", "D", "\x1b[", "1~", "X", "\x1bO", "FY"):
        prompt.feed(piece)
    assert prompt.text == "XabY"


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (UP, "three|"),
        (UP * 2, "two|"),
        (UP * 9, "one|"),
        (UP * 2 + DOWN, "three|"),
        (UP + DOWN, "draft|"),
        (UP * 3 + DOWN * 9, "draft|"),
        ("\x10\x10\x0e", "three|"),
        (UP + "!", "three!|"),
    ],
)
def test_history(keys, line):
    """Up and Down go through the lines before; what was begun is there again below the last of them."""
    prompt = Prompt()
    prompt.feed("one\rtwo\rthree\rthree\rdraft")
    prompt.feed(keys)
    assert f"{prompt.text[: prompt.cursor]}|{prompt.text[prompt.cursor :]}" == line


def test_ctrl_d_ends_the_input_on_an_empty_line_only():
    """Ctrl-D on an empty line is the end of the input; on any other it deletes."""
    prompt = Prompt()
    prompt.feed("a\x04")
    assert not prompt.ended
    prompt.feed("\x15\x04")
    assert prompt.ended


@given(st.lists(st.text(st.sampled_from("ab 漢\x1b[~O0123ABCDHF\x7f\x15\x17\x04\r\n\t\x01\x05\x10\x0e;"))))
def test_no_keys_break_it(pieces):
    """Whatever is sent, in whatever pieces: the cursor stays in the text, and no control character gets into it."""
    prompt = Prompt()
    lines = [line for piece in pieces for line in prompt.feed(piece)]
    assert 0 <= prompt.cursor <= len(prompt.text)
    assert all(text.isprintable() for text in (*lines, prompt.text))
    assert all(lines)


@given(st.text("ab漢🙂 ", max_size=60), st.integers(0, 60), st.integers(8, 40))
def test_it_fits_its_width(text, cursor, width):
    """The drawing is never wider than its room, and the cursor is always in it."""
    prompt = Prompt()
    prompt.feed(text)
    prompt.cursor = min(cursor, len(prompt.text))
    drawn = prompt.draw(width)
    assert cell_len(drawn.plain) <= width
    assert [span for span in drawn.spans if "reverse" in str(span.style)]
    assert drawn.plain.startswith("> ")
