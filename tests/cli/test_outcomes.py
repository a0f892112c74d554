"""An outcome as JSON, as text, and as an exit code."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import get_args

import pytest

from treeward.cli.failures import Code
from treeward.cli.outcomes import answer, code_of, to_json, verdict
from treeward.cli.screens import JsonLines, Plain, print_outcome
from treeward.runtime.task import Outcome, Part, Status, Usage

PARTS = (
    Part("support/billing", "ok", 2, {"refund": 8}, 0.25, None),
    Part("support/sales", "failed", 3, None, 1.0, "no such plan"),
)
OUTCOME = Outcome("7f", "partial", "An answer.", PARTS, Usage(tool_calls=3), "sales: no such plan", 1.25)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("ok", Code.DONE),
        ("fallback", Code.DONE),
        ("partial", Code.FAILED),
        ("needs_human", Code.FAILED),
        ("failed", Code.FAILED),
        ("canceled", Code.FAILED),
        ("dead_letter", Code.FAILED),
    ],
)
def test_a_status_has_an_exit_code(status, code):
    """0 where the task was done, be it by a fallback; 1 where it failed, or where a part or a person is missing."""
    assert code_of(Outcome("7f", status)) == code


def test_every_status_has_its_row():
    """The table above has all statuses that there are."""
    rows = next(mark for mark in test_a_status_has_an_exit_code.pytestmark if mark.name == "parametrize").args[1]
    assert {status for status, _ in rows} == set(get_args(Status))


NOTHING = {"model_calls": 0, "tool_calls": 0, "input_tokens": 0, "output_tokens": 0, "cost": 0.0}


def test_the_json_of_an_outcome():
    """One object on one line, with these fields and no others."""
    text = to_json(OUTCOME)
    assert "\n" not in text
    assert json.loads(text) == {
        "task_id": "7f",
        "status": "partial",
        "output": "An answer.",
        "parts": [
            {
                "agent": "support/billing",
                "status": "ok",
                "attempts": 2,
                "output": {"refund": 8},
                "seconds": 0.25,
                "error": None,
                "usage": NOTHING,
            },
            {
                "agent": "support/sales",
                "status": "failed",
                "attempts": 3,
                "output": None,
                "seconds": 1.0,
                "error": "no such plan",
                "usage": NOTHING,
            },
        ],
        "usage": {"model_calls": 0, "tool_calls": 3, "input_tokens": 0, "output_tokens": 0, "cost": 0.0},
        "error": "sales: no such plan",
        "seconds": 1.25,
        "rung": "first",
        "failure": None,
        "verdicts": [],
        "evidence": None,
    }


class Odd:
    """What JSON knows nothing of."""

    def __repr__(self):
        return "<odd>"


LOOP = [1]
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("output", "written"),
    [
        (Odd(), "<odd>"),
        ([Odd(), 1], ["<odd>", 1]),
        (float("inf"), None),
        ([float("nan")], [None]),
        ({1: "one"}, {"1": "one"}),
        ((1, 2), [1, 2]),
        (b"bytes", "bytes"),
        (b"\xff", r"b'\xff'"),
        (LOOP, "[1, [...]]"),
        (Usage(tool_calls=1), {"model_calls": 0, "tool_calls": 1, "input_tokens": 0, "output_tokens": 0, "cost": 0.0}),
        ("half \udc80", "half \udc80"),
    ],
    ids=repr,
)
def test_any_output_can_be_written(output, written):
    """An agent may return anything: what JSON cannot hold stands there as Python shows it."""
    assert json.loads(to_json(replace(OUTCOME, output=output)))["output"] == written


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (None, ""),
        ("text\n", "text"),
        ("a\x1b[2Jb\nc", "ab\nc"),
        ({"a": [1]}, '{\n  "a": [\n    1\n  ]\n}'),
        (True, "true"),
    ],
)
def test_the_answer_as_text(output, shown):
    """Text stands as it is, without control characters; everything else as JSON."""
    assert answer(replace(OUTCOME, output=output)) == shown


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome("7f", "ok", "fine"), ""),
        (Outcome("7f", "needs_human", error="ask\x1b[2J a\nperson"), "needs_human: ask a person"),
        (Outcome("7f", "failed"), "failed"),
    ],
)
def test_the_verdict_is_one_line(outcome, said):
    """What is missing stands on one line, and nothing where nothing is."""
    assert verdict(outcome) == said


def test_an_outcome_for_people():
    """The answer comes first, off a terminal in lines that are not broken; then what is missing; then who did what."""
    out = io.StringIO()
    long = "word " * 50
    print_outcome(replace(OUTCOME, output=long), out)
    lines = out.getvalue().splitlines()
    assert lines[:2] == [long.rstrip(), "partial: sales: no such plan"]
    assert [line.split() for line in lines[2:]] == [
        ["agent", "status", "attempts", "seconds", "said"],
        ["support/billing", "ok", "2", "0.25", '{"refund":', "8}"],
        ["support/sales", "failed", "3", "1.00", "no", "such", "plan"],
    ]


def test_markup_is_text():
    """Square brackets and colons in an answer are no markup."""
    out = io.StringIO()
    print_outcome(Outcome("7f", "ok", "[bold]:smile:[/bold]"), out)
    assert out.getvalue() == "[bold]:smile:[/bold]\n"


def test_a_pipe_gets_answers_only():
    """Where no person looks, an answer stands alone: no request before it, no table behind it."""
    out = io.StringIO()
    screen = Plain(out)
    screen.show("a request", OUTCOME)
    screen.show(ValueError("line 2 is not UTF-8"), Outcome("", "failed", error="line 2 is not UTF-8"))
    assert out.getvalue() == "An answer.\npartial: sales: no such plan\nfailed: line 2 is not UTF-8\n"


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self):
        return True


def test_a_terminal_gets_the_request_too(monkeypatch):
    """Where a person looks, the request stands before the answer, cleaned, and who did what behind it."""
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    Plain(out).show("a\x1b[2J request", OUTCOME)
    lines = out.getvalue().splitlines()
    assert lines[0] == "> a request"
    assert any("support/billing" in line for line in lines)


def test_on_a_terminal_lines_break_between_words(monkeypatch):
    """A person's window has a width: long lines are broken where a word ends."""
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    print_outcome(Outcome("7f", "ok", "one word after another word"), out)
    assert out.getvalue() == "one word after\nanother word\n"


def test_json_lines_are_lines():
    """Each outcome is one line, written at once."""
    out = io.StringIO()
    screen = JsonLines(out)
    screen.show("a", replace(OUTCOME, output="two\nlines"))
    screen.show("b", OUTCOME)
    assert [json.loads(line)["output"] for line in out.getvalue().splitlines()] == ["two\nlines", "An answer."]
