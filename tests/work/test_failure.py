"""Failures: which rungs answer which kind, what is equal of two that are the same, what people get to see."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.supervisors.failures.failure import (
    AWAY,
    OWN,
    REACTIONS,
    SHOWN,
    WORST_FIRST,
    Failure,
    Kind,
    RungName,
    shown,
    signature_of,
)

KINDS = get_args(Kind)


# --- the reactions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        ("transient", {"retry", "restart"}),
        ("rate_limited", {"retry"}),
        ("deterministic", set()),
        ("invalid_output", {"revise"}),
        ("context_overflow", {"revise"}),
        ("credentials", set()),
        ("unavailable", set()),
        ("exhausted", set()),
        ("cancelled", set()),
        ("unknown", {"retry", "restart"}),
    ],
)
def test_which_rungs_of_the_childs_own_answer(kind, own):
    """Each kind has its reactions among retry, revise and restart."""
    assert own == set(REACTIONS[kind].rungs) & set(OWN)


@pytest.mark.parametrize("kind", KINDS)
def test_somebody_else_answers_every_kind_but_cancelled(kind):
    """Fallback, escalate and skip answer whatever failed, but not what was cancelled."""
    assert set(AWAY) & set(REACTIONS[kind].rungs) == (set() if kind == "cancelled" else set(AWAY))


def test_the_tables_are_whole():
    """Every kind has a reaction and a place in the order of the worst; every rung is the child's or another's."""
    assert set(REACTIONS) == set(WORST_FIRST) == set(KINDS)
    assert len(WORST_FIRST) == len(KINDS)
    assert set(OWN) | set(AWAY) == set(get_args(RungName))


def test_only_what_depends_on_the_world_outside_passes():
    """That these come again says nothing about the input; everything else does."""
    passing = {"transient", "rate_limited", "unavailable", "cancelled"}
    assert {kind for kind in KINDS if REACTIONS[kind].passes} == passing


RECOVERY = (Path(__file__).resolve().parents[2] / "docs" / "recovery.md").read_text()


def table(first):
    """Returns the rows of the document's table whose first heading is followed by this one."""
    lines = RECOVERY.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith(first))
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines[begin:])
    cells = [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows]
    return cells[0], cells[2:]


def test_the_documented_reactions_are_these():
    """docs/recovery.md has the same table."""
    heading, rows = table("| kind | `retry` |")
    documented = {row[0]: dict(zip(heading[1:], row[1:], strict=True)) for row in rows}
    assert set(heading[1:]) == set(get_args(RungName))
    for kind, reaction in REACTIONS.items():
        yes = {rung for rung, said in documented[kind].items() if said == "yes"}
        instead = {rung for rung, said in documented[kind].items() if said == "without revise"}
        assert (yes, instead) == (set(reaction.rungs), set(reaction.instead))
    assert set(documented) == set(REACTIONS)


def test_the_documented_kinds_and_rungs_are_all():
    """docs/recovery.md says of each kind and of each rung what it is."""
    assert [row[0] for row in table("| kind | is |")[1]] == list(KINDS)
    assert [row[0] for row in table("| rung |")[1]] == list(get_args(RungName))


# --- signatures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("KeyError: 12", "KeyError: 7", id="numbers"),
        pytest.param("took 1.5 s", "took 12 s", id="fractions"),
        pytest.param("balance -5", "balance 1,234.50", id="signs_and_thousands"),
        pytest.param("got 1e-05", "got 3.14e+10", id="exponents"),
        pytest.param("order 'ord-77'", "order 'inv-9a'", id="quoted_ids"),
        pytest.param("<Row at 0x7f00ab>", "<Row at 0x1>", id="addresses_in_memory"),
        pytest.param("from 10.1.2.3:80", "from 192.168.0.1:8080", id="addresses_of_hosts"),
        pytest.param("from [::1]:80", "from [fe80::abcd:1]:9", id="addresses_of_hosts_6"),
        pytest.param("key deadbeefcafe", "key 00ff00ff00ff", id="hexadecimal"),
        pytest.param(
            "task 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "task aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", id="uuids"
        ),
        pytest.param("at 2026-11-20T10:11:12.5Z", "at 2025-01-02 03:04:05+01:00", id="times"),
        pytest.param("until Sun, 06 Nov 1994 08:49:37 GMT", "until Fri, 20 Mar 2026 00:00:00 GMT", id="http_dates"),
        pytest.param("a\n  b", "a b", id="white_space"),
    ],
)
def test_what_changes_is_not_in_a_signature(one, other):
    """Numbers, ids, addresses and times do not set two failures apart."""
    assert signature_of("unknown", one) == signature_of("unknown", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("unknown", "KeyError: 'amount'"), ("unknown", "KeyError: 'currency'"), id="words"),
        pytest.param(("unknown", "KeyError: 1"), ("unknown", "IndexError: 1"), id="types"),
        pytest.param(("unknown", "KeyError: 1"), ("transient", "KeyError: 1"), id="kinds"),
        pytest.param(("unknown", "no way to Sunday"), ("unknown", "no way to Monday"), id="days_without_a_date"),
        pytest.param(("unknown", f"{'x ' * 300}a"), ("unknown", f"{'x ' * 300}b"), id="far_behind"),
    ],
)
def test_what_differs_is_in_a_signature(one, other):
    """Kind, type and words set two failures apart, however long they are."""
    assert signature_of(*one) != signature_of(*other)


def test_a_signature_is_the_same_in_another_process():
    """It depends on nothing that a process begins with, such as the seed of hashes."""
    text = f"ValueError: row 7 of {'an unusually long list of things, ' * 20}is bad"
    code = f"from treeward.supervisors.failures.failure import signature_of; print(signature_of('unknown', {text!r}))"
    run = [sys.executable, "-c", code]
    told = subprocess.run(run, capture_output=True, text=True, check=True, timeout=30)
    assert told.stdout.strip() == signature_of("unknown", text)


@given(st.text(max_size=2000), st.integers(), st.integers())
def test_signatures_are_bounded_and_blind_for_numbers(text, one, other):
    """However long a text is, its signature is not; and no number in it matters."""
    assert len(signature_of("unknown", text)) <= 300
    assert signature_of("unknown", f"{text} {one} end") == signature_of("unknown", f"{text} {other} end")


def test_a_failure_makes_its_signature_itself():
    """A failure that is given none has that of its kind and its error."""
    assert Failure("unknown", "row 7").signature == Failure("unknown", "row 8").signature
    assert Failure("unknown", "row 7", "mine").signature == "mine"


# --- what people see --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("401 for Authorization: Bearer abcdef.123-x=", "401 for Authorization: Bearer ***"),
        ("authorization: Basic dXNlcjpwdw== sent", "authorization: Basic *** sent"),
        ("{'Authorization': 'abc123'}", "{'Authorization': '***'}"),
        ("Incorrect API key provided: sk-proj-abc_def123.", "Incorrect API key provided: ***."),
        ("header x-api-key=4711abc; x", "header x-api-key=***; x"),
        ("{'api_key': 'xyz', 'a': 1}", "{'api_key': '***', 'a': 1}"),
        ("OPENAI_API_KEY=abc def", "OPENAI_API_KEY=*** def"),
        ("access_token=abc&b=1", "access_token=***&b=1"),
        ("GET https://h/x?token=abc&b=1", "GET https://h/x?token=***&b=1"),
        ("postgresql://shop:hunter2@db:5432/x", "postgresql://***@db:5432/x"),
        ('password: "hunter2"', 'password: "***"'),
        ("Set-Cookie: sid=abc", "Set-Cookie: ***"),
        ("AKIAIOSFODNN7EXAMPLE is no key", "*** is no key"),
        ("jwt eyJhbGciOi.eyJzdWIi.sig-nature", "jwt ***"),
        ("ghp_abcdefghijkl", "***"),
        ("xoxb-1234-abcdef", "***"),
    ],
)
def test_secrets_are_masked(text, seen):
    """What looks like a key, a token or a password is not shown, and is in no signature."""
    assert shown(text) == seen
    assert signature_of("unknown", text) == signature_of("unknown", seen)


@pytest.mark.parametrize(
    "text",
    [
        "JSONDecodeError: Unexpected token: }",
        "max_tokens: 4096",
        "the basic plan is enough",
        "task-runner: no such task",
        "https://example.org/a@b",
        "the risk-free rate",
    ],
)
def test_what_is_no_secret_is_shown(text):
    """Ordinary words are left alone."""
    assert shown(text) == text


def test_a_secret_is_masked_before_the_text_is_cut():
    """No first half of a key is left over where the text ends."""
    text = shown(f"{'x' * (SHOWN - 12)} sk-abcdefghijklmnopqrstuvwxyz and more")
    assert "sk-" not in text


@given(st.text(max_size=3000))
def test_people_see_one_line_of_500_characters_at_most(text):
    """Whatever an error says, what is shown is one line, and bounded."""
    line = shown(text)
    assert len(line) <= SHOWN == 500
    assert len(line.splitlines()) <= 1


def test_what_is_cut_says_so():
    """A text that is too long ends with an ellipsis; one that just fits does not."""
    assert shown("y" * 501) == "y" * 499 + "…"
    assert shown("y" * 500) == "y" * 500
