"""The recovery ladder: its rungs, which of them is next, how long it waits, what the next attempt is told."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.supervisors.errors import InvalidSpec
from treeward.supervisors.failures.failure import AWAY, OWN, REACTIONS, Failure, Kind
from treeward.supervisors.work.ladder import (
    DEFAULT,
    NAMES,
    Climb,
    Escalate,
    Fallback,
    Restart,
    Retry,
    Revise,
    Skip,
    Step,
    bounded,
    check_ladder,
    describe,
)
from treeward.supervisors.work.memory import Memory

KINDS = get_args(Kind)
FULL = (Retry(2), Revise(2), Restart(1), Fallback(("rules",)), Fallback(("cheap", "clerk")), Escalate("desk"))


ORDER = "expected retry, revise and restart before fallback, and one escalate or skip at the end"


class Dice:
    """Draws always the same share of the range."""

    def __init__(self, share):
        self.share = share

    def uniform(self, low, high):
        return low + self.share * (high - low)


def fail(kind, text="it", **more):
    return Failure(kind, f"{kind} {text}", **more)


def different(kind, count):
    """Returns failures of a kind that are all different."""
    return [fail(kind, word, feedback=(word,)) for word in words(count)]


def name_of(rung):
    return NAMES[type(rung)]


def words(count):
    return ["abcdefghijklmnopqrstuvwxyz"[n % 26] * (1 + n // 26) for n in range(count)]


def steps(ladder, failures):
    """Returns the names of the steps that a climb takes over failures, until there is none."""
    climb, names = Climb(ladder), []
    for failure in failures:
        step = climb.next(failure)
        if step is None:
            break
        names.append(f"{step.name} {step.to}".strip())
    return names


# --- the rungs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Retry(0), "retry times is 0: expected a whole number, 1 or more"),
        (lambda: Retry(True), "retry times is True"),
        (lambda: Retry(1.5), "retry times is 1.5"),
        (lambda: Retry(initial=0), "retry initial is 0: expected seconds, more than 0"),
        (lambda: Retry(initial="1s"), "retry initial is '1s'"),
        (lambda: Retry(factor=0.5), "retry factor is 0.5: expected a number, 1 or more"),
        (lambda: Retry(initial=5), "retry max is 4.0: expected seconds, not less than initial, which is 5"),
        (lambda: Retry(max=float("inf")), "retry max is inf"),
        (lambda: Retry(jitter="some"), "retry jitter is 'some': expected full, none, or seconds"),
        (lambda: Retry(jitter=-1), "retry jitter is -1"),
        (lambda: Revise(0), "revise times is 0"),
        (lambda: Revise(feedback=-1), "revise feedback is -1: expected characters: a whole number, 0 or more"),
        (lambda: Revise(changes=["x"]), "revise changes is ['x']: expected a mapping from names of facts to values"),
        (lambda: Revise(changes={1: "x"}), "revise changes is {1: 'x'}"),
        (lambda: Restart(0), "restart times is 0"),
        (lambda: Fallback(()), "fallback to is (): expected a tuple of ids or paths, at least one"),
        (lambda: Fallback("rules"), "fallback to is 'rules': expected a tuple of ids or paths"),
        (lambda: Fallback(("rules", "")), "fallback to is ('rules', '')"),
        (lambda: Fallback(("rules", "rules")), "fallback to is ('rules', 'rules'): expected each of them once"),
        (lambda: Escalate(""), "escalate to is '': expected the id of a desk, or None"),
        (lambda: Escalate(wait=0), "escalate wait is 0: expected seconds, more than 0, or None"),
    ],
)
def test_what_is_no_rung(make, message):
    """A value that is not legal is named, with those that are."""
    with pytest.raises(InvalidSpec) as raised:
        make()
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    "ladder",
    [
        (),
        DEFAULT,
        FULL,
        (Restart(), Retry()),
        (Retry(1), Restart(1), Retry(1)),
        (Fallback(("a",)), Fallback(("b",)), Skip()),
        (Escalate(),),
        (Retry(), Skip()),
    ],
)
def test_what_is_a_ladder(ladder):
    """Rungs in any order, as long as each of them can be reached; also none at all."""
    check_ladder("recovery of billing", ladder)
    Climb(ladder)


@pytest.mark.parametrize(
    ("ladder", "expected"),
    [
        ([Retry()], "expected a tuple of rungs: Retry, Revise, Restart, Fallback, Escalate, Skip"),
        ("retry", "expected a tuple of rungs"),
        ((Retry(), "escalate"), "expected a tuple of rungs"),
        (None, "expected a tuple of rungs"),
        ((Skip(), Escalate()), ORDER),
        ((Escalate(), Skip()), ORDER),
        ((Escalate(), Escalate("desk")), ORDER),
        ((Escalate(), Fallback(("a",))), ORDER),
        ((Escalate(), Revise()), ORDER),
        ((Skip(), Retry()), ORDER),
        ((Fallback(("a",)), Retry()), ORDER),
        ((Retry(), Fallback(("a",)), Restart()), ORDER),
    ],
)
def test_what_is_no_ladder(ladder, expected):
    """A rung that nothing would ever reach is a mistake, and found when it is written down."""
    for check in (lambda: check_ladder("recovery of billing", ladder), lambda: Climb(ladder)):
        with pytest.raises(InvalidSpec) as raised:
            check()
        assert expected in str(raised.value)
    with pytest.raises(InvalidSpec, match=r"^recovery of billing is"):
        check_ladder("recovery of billing", ladder)


@pytest.mark.parametrize(
    ("ladder", "line"),
    [
        ((), "none"),
        (DEFAULT, "restart 2"),
        ((Retry(), Fallback(("billing-rules",)), Escalate("desk")), "retry 3 > fallback billing-rules > desk"),
        ((Escalate(),), "escalate"),
        ((Skip("sorry"),), "skip"),
        (FULL, "retry 2 > revise 2 > restart 1 > fallback rules > fallback cheap, clerk > desk"),
    ],
)
def test_a_ladder_as_one_line(ladder, line):
    """As trees are drawn."""
    assert describe(ladder) == line


# --- which is next ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("transient", ["retry", "retry", "restart"]),
        ("rate_limited", ["retry", "retry"]),
        ("deterministic", []),
        ("invalid_output", ["revise", "revise"]),
        ("context_overflow", ["revise", "revise"]),
        ("credentials", []),
        ("unavailable", []),
        ("exhausted", []),
        ("unknown", ["retry", "retry", "restart"]),
    ],
)
def test_a_whole_climb(kind, expected):
    """The child's own rungs as far as they answer the kind, then the others from the first to the last."""
    others = ["fallback rules", "fallback cheap", "fallback clerk", "escalate desk"]
    assert steps(FULL, different(kind, 20)) == expected + others


def test_a_cancelled_task_is_left_alone():
    """No rung answers: who has cancelled it does not want it done."""
    climb = Climb(FULL)
    assert [climb.next(fail("cancelled")) for _ in range(3)] == [None] * 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rung", [Retry(), Revise(), Restart(), Fallback(("a",)), Escalate(), Skip()], ids=name_of)
def test_each_rung_answers_by_the_table(kind, rung):
    """Alone on a ladder, a rung answers what the table says; retry also stands in where there is no revise."""
    name = NAMES[type(rung)]
    answers = Climb((rung,)).next(fail(kind)) is not None
    assert answers is (name in REACTIONS[kind].rungs or (kind, name) == ("invalid_output", "retry"))


@pytest.mark.parametrize(
    ("ladder", "expected"),
    [
        ((Retry(2),), ["retry", "retry"]),
        ((Retry(2), Restart(2)), ["retry", "retry"]),
        ((Retry(2), Revise(1)), ["revise"]),
        ((Revise(1), Retry(2)), ["revise"]),
    ],
)
def test_retry_stands_in_for_revise(ladder, expected):
    """An output that was rejected is retried only if the ladder has no revise rung, used up or not."""
    assert steps(ladder, different("invalid_output", 9)) == expected


def test_the_order_of_the_ladder_decides():
    """The first rung that answers and has tries left is next, for each failure anew."""
    ladder = (Restart(1), Retry(1), Revise(1))
    failures = [fail("invalid_output"), fail("unknown", "a"), fail("transient"), fail("unknown", "b")]
    assert steps(ladder, failures) == ["revise", "restart", "retry"]


def test_a_rung_of_the_same_name_is_another_rung():
    """Each rung has its own tries."""
    climb = Climb((Retry(1), Restart(1), Retry(2)))
    taken = [climb.next(fail("transient")) for _ in range(4)]
    assert [(step.index, step.name, step.tries) for step in taken] == [
        (0, "retry", 1),
        (1, "restart", 1),
        (2, "retry", 1),
        (2, "retry", 2),
    ]


def test_a_step_says_what_it_is():
    """Its rung, its place, how often it was used; and who gets the task."""
    rung, desk = Fallback(("rules", "cheap")), Escalate("desk", 5)
    climb = Climb((rung, desk))
    taken = [climb.next(fail("credentials")) for _ in range(4)]
    assert taken == [
        Step(0, rung, "fallback", "rules", 1),
        Step(0, rung, "fallback", "cheap", 2),
        Step(1, desk, "escalate", "desk", 1),
        None,
    ]


@pytest.mark.parametrize("away", [(Fallback(("a", "b", "c")), Skip()), (Escalate(),), (Skip(),)])
@pytest.mark.parametrize("kind", ["transient", "unknown", "rate_limited", "invalid_output"])
def test_who_gave_the_task_away_does_not_get_it_back(away, kind):
    """After a fallback or an escalation, whatever fails there: no retry, no revise, no restart."""
    climb = Climb((Retry(3), Revise(3), Restart(3), *away))
    assert climb.next(fail("credentials")).name in AWAY
    rest = [climb.next(failure) for failure in different(kind, 5)]
    assert {step.name for step in rest if step is not None}.isdisjoint(OWN)


def test_whoever_was_asked_is_not_asked_again():
    """Two rungs that name the same child ask it once."""
    ladder = (Fallback(("rules", "cheap")), Fallback(("cheap", "desk-bot")))
    assert steps(ladder, different("transient", 9)) == ["fallback rules", "fallback cheap", "fallback desk-bot"]


# --- the same again ---------------------------------------------------------------------------------

PATIENT = (Retry(9), Revise(9), Restart(9), Skip())


@pytest.mark.parametrize("kind", ["unknown", "invalid_output"])
def test_the_same_twice_is_not_tried_a_third_time(kind):
    """Without a revision in between, the second of the same failure is deterministic, whatever tries are left."""
    climb = Climb((Retry(9), Restart(9), Skip()))
    assert climb.next(fail(kind, "row 7")).name == "retry"
    assert (climb.memory.failure.kind, climb.memory.same_twice) == (kind, False)
    again = fail(kind, "row 7", retry_after=3.0)
    assert climb.next(again).name == "skip"
    assert (climb.memory.failure, climb.memory.same_twice) == (replace(again, kind="deterministic"), True)


@pytest.mark.parametrize("kind", ["transient", "rate_limited"])
def test_what_passes_may_come_as_often_as_it_likes(kind):
    """A server that is down says nothing about the input: all the tries are used."""
    assert steps((Retry(5),), [fail(kind)] * 9) == ["retry"] * 5


def test_numbers_and_ids_do_not_make_it_another_failure():
    """The same but for its numbers is the same."""
    assert steps((Restart(9),), [fail("unknown", "row 7"), fail("unknown", "row 8"), fail("unknown", "row 9")]) == [
        "restart"
    ]


def test_other_failures_in_between_do_not_make_it_another_failure():
    """Twice is twice, also if something else was between."""
    between = [
        fail("unknown", "a"),
        fail("transient"),
        fail("unknown", "b"),
        fail("unknown", "a"),
        fail("unknown", "c"),
    ]
    assert steps((Restart(9),), between) == ["restart"] * 3


def test_a_revision_makes_another_input():
    """What failed before it counts apart: over the new input it is the first time."""
    climb = Climb(PATIENT)
    told = fail("invalid_output", feedback=("add the amount",))
    names = [climb.next(failure).name for failure in (fail("unknown", "x"), told, fail("unknown", "x"))]
    assert names == ["retry", "revise", "retry"]
    assert climb.next(fail("unknown", "x")).name == "skip"


def test_the_same_revision_makes_the_same_input():
    """Told the same once more, an attempt that fails the same way over it is the second, and the last."""
    told = fail("invalid_output", feedback=("add the amount",))
    assert steps(PATIENT, [told] * 9) == ["revise", "revise", "skip"]


def test_a_revision_with_other_feedback_goes_on():
    """Something else is wrong each time: as many revisions as there are."""
    assert steps((Revise(5),), different("invalid_output", 9)) == ["revise"] * 5


def test_the_same_text_with_other_feedback_is_another_failure():
    """A number that is wrong in another way is worth another try."""
    failures = [fail("invalid_output", "amount", feedback=(f"{n} is more than 500",)) for n in (900, 800, 700)]
    assert steps((Revise(5),), failures) == ["revise"] * 3
    assert steps((Retry(5),), failures) == ["retry"] * 3


def test_an_overflow_is_tried_once_more_with_less_and_no_more():
    """Told to be shorter and given the rung's changes, what still does not fit will not fit."""
    overflow = fail("context_overflow", feedback=("shorter",))
    ladder = (Revise(5, changes={"history": None}), Skip())
    assert steps(ladder, [overflow] * 9) == ["revise", "revise", "skip"]


def test_other_changes_make_another_input():
    """Two rungs that change different things are two inputs; each of them may fail twice."""
    overflow = fail("context_overflow", feedback=("shorter",))
    one, other = ({"history": None}, {"notes": None})
    ladder = (Revise(1, changes=one), Revise(1, changes=other), Revise(9, changes=one), Skip())
    assert steps(ladder, [overflow] * 9) == ["revise", "revise", "revise", "skip"]


# --- poison -----------------------------------------------------------------------------------------


def crash(text, kind="unknown"):
    return fail(kind, text, crashed=True)


@pytest.mark.parametrize(
    ("failures", "poison"),
    [
        pytest.param([crash("a")], False, id="one"),
        pytest.param([crash("a"), crash("a")], True, id="the_same_twice"),
        pytest.param([crash("a"), crash("b")], False, id="two_of_them"),
        pytest.param([crash("a"), crash("b"), crash("c")], True, id="three_of_them"),
        pytest.param([crash("a"), fail("unknown", "a")], False, id="twice_but_not_twice_a_crash"),
        pytest.param([crash("a"), crash("b"), crash("b")], True, id="the_same_after_another"),
        pytest.param([crash("x", "transient")] * 5, False, id="a_server_that_is_down"),
        pytest.param([fail("unknown", "a")] * 2, False, id="no_crash"),
        pytest.param([crash("a"), crash("x", "transient"), crash("a")], True, id="with_another_in_between"),
    ],
)
def test_who_is_to_blame_for_crashes(failures, poison):
    """A task that ends incarnations twice the same way, or three in ways that nobody knows, is poison."""
    climb = Climb((Restart(9),))
    for failure in failures:
        climb.next(failure)
    assert climb.memory.poison is poison


def test_crashes_of_others_are_not_the_childs():
    """What happens to a fallback is in its own books."""
    climb = Climb((Fallback(("a", "b")), Skip()))
    for failure in (fail("credentials"), crash("a"), crash("a")):
        climb.next(failure)
    assert (climb.memory.poison, climb.memory.same_twice) == (False, False)


# --- the ladders above ------------------------------------------------------------------------------


def test_tries_do_not_multiply_over_layers():
    """The ladder of a supervisor, after an escalation, does not give the child more tries."""
    climb = Climb((Retry(1), Escalate()))
    assert climb.next(fail("transient")).name == "retry"
    assert climb.next(fail("transient")).name == "escalate"
    above = climb.up((Retry(5), Restart(5), Fallback(("rules",)), Escalate("desk")))
    failures = different("transient", 5)
    taken = [above.next(failure) for failure in failures]
    assert [step and step.name for step in taken] == ["fallback", "escalate", None, None, None]


def test_the_ladder_above_knows_who_was_asked():
    """A fallback that has failed on the ladder below is passed over."""
    climb = Climb((Fallback(("rules",)), Escalate()))
    for failure in different("transient", 2):
        climb.next(failure)
    above = climb.up((Fallback(("rules", "cheap")),))
    assert above.next(fail("transient")).to == "cheap"


def test_the_failure_that_led_up_is_not_counted_twice():
    """It is one failure, looked at from two ladders; as it was weighed below, it is weighed above."""
    climb = Climb((Restart(1), Escalate()))
    climb.next(crash("a"))
    up = crash("a")
    assert climb.next(up).name == "escalate"
    above = climb.up((Fallback(("rules",)), Skip()))
    assert above.next(up).to == "rules"
    assert above.memory.failure.kind == "deterministic"
    assert (above.memory.same_twice, above.memory.poison) == (True, True)


def test_the_escalation_that_is_left():
    """The rung that escalates, also before its turn; and not once it was taken."""
    climb = Climb((Retry(1), Escalate("desk")))
    assert (climb.escalation, climb.escalates) == (Escalate("desk"), True)
    climb.next(fail("credentials"))
    assert (climb.escalation, climb.escalates) == (None, False)


@pytest.mark.parametrize("ladder", [(), (Retry(), Fallback(("a",))), (Skip(),)])
def test_a_ladder_that_does_not_escalate(ladder):
    """It says so."""
    assert (Climb(ladder).escalation, Climb(ladder).escalates) == (None, False)


# --- waits ------------------------------------------------------------------------------------------


def waits(rung, failure, share=0.0):
    climb = Climb((rung,))
    taken = [climb.next(failure) for _ in range(rung.times)]
    return [climb.wait(step, failure, Dice(share)) for step in taken]


@pytest.mark.parametrize(
    ("rung", "share", "seconds"),
    [
        (Retry(), 0.0, [1, 2, 4]),
        (Retry(), 0.5, [1.5, 2.5, 4]),
        (Retry(), 1.0, [2, 3, 4]),
        (Retry(5, jitter="none"), 1.0, [1, 2, 4, 4, 4]),
        (Retry(3, jitter="full"), 0.5, [0.5, 1, 2]),
        (Retry(4, initial=0.5, factor=3, max=60, jitter="none"), 0.0, [0.5, 1.5, 4.5, 13.5]),
        (Retry(2, initial=2, factor=1, max=60, jitter=10), 0.5, [7, 7]),
    ],
)
def test_the_waits_of_a_retry(rung, share, seconds):
    """The default is 3 tries, 1, 2 and 4 s apart, with up to a second of jitter, and 4 s at most."""
    assert waits(rung, fail("transient"), share) == seconds


@pytest.mark.parametrize(
    ("asked", "seconds"), [(7.0, 7.0), (0.0, 0.0), (0.25, 0.25), (3600.0, 3600.0), (1e9, 3600.0), (-1.0, 0.0)]
)
def test_what_was_asked_for_goes_before_the_arithmetic(asked, seconds):
    """A Retry-After is waited for exactly, also if it is more than the rung's own longest, up to an hour."""
    assert waits(Retry(2), fail("rate_limited", retry_after=asked), 0.7) == [seconds] * 2
    assert waits(Restart(1), fail("transient", retry_after=asked)) == [seconds]


@pytest.mark.parametrize("last", [Escalate(), Skip()], ids=name_of)
def test_who_does_not_have_to_wait_does_not(last):
    """A restart has its supervisor's backoff; a revision has another input; somebody else is not who asked to wait."""
    climb = Climb((Revise(1), Restart(1), Fallback(("a",)), last))
    limited = fail("transient", retry_after=9.0)
    for failure in (fail("invalid_output"), fail("transient"), limited, limited):
        step = climb.next(failure)
        assert climb.wait(step, failure, Dice(1.0)) == 0.0
    assert step.rung is last


# --- feedback ---------------------------------------------------------------------------------------


def told(rung, *feedback, came_with=()):
    """Returns what each attempt after a revision is told."""
    climb, all_of_it = Climb((rung,), Memory(came_with)), []
    for texts in feedback:
        failure = fail("invalid_output", feedback=texts)
        all_of_it.append(climb.feedback(climb.next(failure), failure))
    return all_of_it


def test_an_attempt_is_told_all_that_was_wrong():
    """Oldest first, each thing once: mending the second must not bring back the first."""
    assert told(Revise(3), ("a", "b"), ("c",), ("a", "d")) == [("a", "b"), ("a", "b", "c"), ("b", "c", "a", "d")]


def test_what_the_task_came_with_is_kept():
    """Feedback of a person's, or of the layer above, is not lost over a revision."""
    assert told(Revise(1), ("b",), came_with=("a",)) == [("a", "b")]


@pytest.mark.parametrize(
    ("old", "new", "limit", "kept"),
    [
        (["aaaa"], ["bbbb"], 8, ("aaaa", "bbbb")),
        (["aaaa"], ["bbbb"], 7, ("aa…", "bbbb")),
        (["aaaa"], ["bbbb"], 5, ("bbbb",)),
        (["aaaa"], ["bbbb"], 3, ("bb…",)),
        (["aa", "cc"], ["bb"], 4, ("cc", "bb")),
        ([], ["aaaa", "bbbb"], 6, ("aaaa", "b…")),
        (["aaaa"], ["bbbb"], 0, ()),
        (["aaaa"], [], 3, ("aa…",)),
    ],
)
def test_feedback_is_cut_to_the_rungs_size(old, new, limit, kept):
    """The newest is kept; what is cut ends with an ellipsis; what there is no room for is left out."""
    assert bounded(old, new, limit) == kept


@given(st.lists(st.text()), st.lists(st.text()), st.integers(0, 50))
def test_feedback_never_exceeds_its_size(old, new, limit):
    """Whatever judges write."""
    assert sum(map(len, bounded(old, new, limit))) <= limit


# --- whatever fails ---------------------------------------------------------------------------------

OWN_RUNGS = st.one_of(
    st.builds(Retry, st.integers(1, 4)),
    st.builds(Revise, st.integers(1, 4), st.integers(0, 40), st.dictionaries(st.sampled_from("ab"), st.integers(0, 2))),
    st.builds(Restart, st.integers(1, 4)),
)
FALLBACKS = st.builds(
    lambda names: Fallback(tuple(names)), st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True)
)
LADDERS = st.builds(
    lambda own, others, last: (*own, *others, *last),
    st.lists(OWN_RUNGS, max_size=4),
    st.lists(FALLBACKS, max_size=3),
    st.sampled_from([(), (Escalate(),), (Escalate("desk"),), (Skip(),)]),
)
FAILURES = st.builds(
    Failure,
    st.sampled_from(KINDS),
    st.sampled_from("xyz"),
    retry_after=st.one_of(st.none(), st.floats(0, 1e6)),
    feedback=st.lists(st.sampled_from(["f", "g"]), max_size=2).map(tuple),
    crashed=st.booleans(),
)


def tries_of(rung):
    return len(rung.to) if isinstance(rung, Fallback) else getattr(rung, "times", 1)


@given(LADDERS, st.lists(FAILURES, min_size=40, max_size=40), st.integers())
def test_whatever_fails_a_climb_keeps_its_promises(ladder, failures, seed):
    """It ends; no rung is used too often, or against the table, or after the task has left; each waits in bounds."""
    climb, used, gone = Climb(ladder), [0] * len(ladder), False
    for failure in failures:
        step = climb.next(failure)
        weighed = climb.memory.failure
        assert weighed.kind in (failure.kind, "deterministic")
        if step is None:
            continue
        used[step.index] += 1
        assert step.rung is ladder[step.index]
        assert used[step.index] == step.tries <= tries_of(step.rung)
        stands_in = (weighed.kind, step.name) == ("invalid_output", "retry")
        assert step.name in REACTIONS[weighed.kind].rungs or stands_in
        assert not (gone and step.name in OWN)
        assert not (stands_in and any(isinstance(rung, Revise) for rung in ladder))
        assert 0.0 <= climb.wait(step, failure, random.Random(seed)) <= 3600.0
        if isinstance(step.rung, Revise):
            assert sum(map(len, climb.feedback(step, failure))) <= step.rung.feedback
        gone = gone or step.name in AWAY
    assert sum(used) <= sum(map(tries_of, ladder))


@given(LADDERS, st.lists(FAILURES, min_size=40, max_size=40))
def test_no_input_that_failed_the_same_way_twice_is_tried_a_third_time(ladder, failures):
    """Against a model of its own: the inputs that the child has seen, and what came of each."""
    climb, tried, heard, changes = Climb(ladder), [], (), ()
    for failure in failures:
        given_to = (changes, frozenset(heard))
        passes = failure.kind in ("transient", "rate_limited", "unavailable", "cancelled")
        if not passes:
            tried.append((given_to, failure.kind, failure.error, failure.feedback))
            assert tried.count(tried[-1]) <= 2
        step = climb.next(failure)
        if step is None or step.name in AWAY:
            return
        assert passes or tried.count(tried[-1]) < 2
        if isinstance(step.rung, Revise):
            heard = (*heard, *failure.feedback)
            changes = tuple(sorted(step.rung.changes.items()))


@given(st.lists(LADDERS, min_size=1, max_size=4), st.lists(FAILURES, min_size=60, max_size=60))
def test_the_tries_of_a_child_are_those_of_its_own_ladder(ladders, failures):
    """However many ladders there are above: the child is tried as often as its own says, and every climb ends."""
    climb, above, own = Climb(ladders[0]), iter(ladders[1:]), 0
    for failure in failures:
        step = climb.next(failure)
        if step is None:
            break
        own += step.name in OWN
        if step.name == "escalate":
            ladder = next(above, None)
            if ladder is None:
                break
            climb = climb.up(ladder)
    assert own <= sum(tries_of(rung) for rung in ladders[0] if NAMES[type(rung)] in OWN)
