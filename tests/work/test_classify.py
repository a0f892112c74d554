"""Classification: the reaction that is wanted, whatever was raised and however it was wrapped."""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import http.client
import json
import socket
import sqlite3
import ssl
import subprocess
import urllib.error
from typing import ClassVar, get_args

import pydantic
import pykka
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.runtime.errors import (
    ActorCrashed,
    ActorStopped,
    AskTimeout,
    MailboxFull,
    StartFailed,
    SystemClosed,
)
from treeward.runtime.evidence import Verdict
from treeward.runtime.exits import Exit, Shutdown
from treeward.runtime.task import Outcome
from treeward.supervisors.errors import FailedToStart
from treeward.supervisors.failures.classify import TOO_LONG, classify, classify_outcome
from treeward.supervisors.failures.failure import Failure, Kind
from treeward.supervisors.work_errors import (
    BreakerOpen,
    BudgetExceeded,
    LoopDetected,
    ModelRetry,
    OutputRejected,
    Quarantined,
    TaskHung,
    Unhealthy,
)

KINDS = get_args(Kind)


class Refund(pydantic.BaseModel):
    amount: float
    currency: str


class Said(Exception):
    """A client library's exception, with the attributes that the case needs."""

    def __init__(self, text="no", **attributes):
        super().__init__(text)
        vars(self).update(attributes)


class Broken(Exception):
    def __str__(self):
        raise RuntimeError("no text either")


def named(*names, base=Exception):
    """Returns an exception of a class of the last name, with the others above it."""
    for name in names:
        base = type(name, (base,), {})
    return base("no")


def problem():
    with pytest.raises(pydantic.ValidationError) as raised:
        Refund(amount="a secret")
    return raised.value


def no_json():
    with pytest.raises(json.JSONDecodeError) as raised:
        json.loads("Sure! Here it is")
    return raised.value


def locked():
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorname = "SQLITE_BUSY_SNAPSHOT"
    return error


def from_(error, cause):
    error.__cause__ = cause
    return error


def over(error, context):
    error.__context__ = context
    return error


REJECTED = OutputRejected(
    (
        Verdict("schema", False, reason="amount is missing", feedback="add the amount"),
        Verdict("rules", False, reason="currency is not legal"),
        Verdict("tone", True, feedback="be kinder"),
    )
)


# --- one exception ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        # what the runtime raises
        (asyncio.CancelledError(), "cancelled"),
        (KeyboardInterrupt(), "cancelled"),
        (ModelRetry("too short"), "invalid_output"),
        (REJECTED, "invalid_output"),
        (BreakerOpen("billing", 3.0), "unavailable"),
        (Quarantined("support/billing", "t1"), "unavailable"),
        (ActorStopped("support/billing"), "unavailable"),
        (MailboxFull("support/billing", 3), "unavailable"),
        (SystemClosed("it has ended"), "unavailable"),
        (pykka.ActorDeadError("gone"), "unavailable"),
        (BudgetExceeded("support", "cost"), "exhausted"),
        (LoopDetected("round and round"), "deterministic"),
        (TaskHung("no answer", 3.0), "transient"),
        (AskTimeout("support/billing", 3.0), "transient"),
        (Unhealthy("too slow"), "transient"),
        (pykka.Timeout("late"), "transient"),
        # what the standard library raises
        (TimeoutError(), "transient"),
        (ConnectionResetError("reset"), "transient"),
        (ConnectionRefusedError("refused"), "transient"),
        (BrokenPipeError("pipe"), "transient"),
        (OSError(errno.EHOSTUNREACH, "no route"), "transient"),
        (OSError(errno.EMFILE, "too many files"), "transient"),
        (OSError(errno.ENOSPC, "disk full"), "unknown"),
        (FileNotFoundError(errno.ENOENT, "no file"), "unknown"),
        (PermissionError(errno.EACCES, "not yours"), "unknown"),
        (socket.gaierror(socket.EAI_AGAIN, "no name now"), "transient"),
        (ssl.SSLEOFError("eof"), "transient"),
        (ssl.SSLCertVerificationError("expired"), "deterministic"),
        (asyncio.IncompleteReadError(b"", 3), "transient"),
        (http.client.RemoteDisconnected("gone"), "transient"),
        (http.client.IncompleteRead(b""), "transient"),
        (urllib.error.URLError("down"), "transient"),
        (subprocess.TimeoutExpired("ls", 3), "transient"),
        (locked(), "transient"),
        (sqlite3.OperationalError("no such table: refunds"), "unknown"),
        (problem(), "invalid_output"),
        (no_json(), "invalid_output"),
        # what a handler raises that has a bug
        (TypeError("no"), "unknown"),
        (KeyError("no"), "unknown"),
        (ValueError("no"), "unknown"),
        (AssertionError(), "unknown"),
        (ZeroDivisionError("no"), "unknown"),
        (MemoryError(), "unknown"),
        (RecursionError("too deep"), "unknown"),
        (SystemExit(3), "unknown"),
        (concurrent.futures.CancelledError(), "unknown"),
        (Broken(), "unknown"),
        # what the clients of others raise, by the names of their classes
        (named("HTTPError", "RequestError", "TransportError", "NetworkError", "ConnectError"), "transient"),
        (named("HTTPError", "RequestError", "TransportError", "TimeoutException", "ReadTimeout"), "transient"),
        (named("HTTPError", "RequestError", "TransportError", "ProtocolError", "RemoteProtocolError"), "transient"),
        (named("HTTPError", "RequestError", "TransportError", "UnsupportedProtocol"), "deterministic"),
        (named("RequestException", "ConnectionError", "ConnectTimeout", base=OSError), "transient"),
        (named("ClientError", "ClientConnectionError", "ServerDisconnectedError"), "transient"),
        (named("APIError", "APIConnectionError"), "transient"),
        (named("APIError", "APIConnectionError", "APITimeoutError"), "transient"),
        (named("APIError", "APIStatusError", "RateLimitError"), "rate_limited"),
        (named("APIError", "APIStatusError", "AuthenticationError"), "credentials"),
        (named("APIError", "APIStatusError", "BadRequestError"), "deterministic"),
        (named("APIError", "BadRequestError", "ContextWindowExceededError"), "context_overflow"),
        (named("RequestTimedOut"), "transient"),
        (named("TimeoutIsTooShort"), "unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_kinds_of_exceptions(error, kind):
    """Each exception has the kind of the reaction that it wants."""
    assert classify(error).kind == kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "deterministic"),
        (401, "credentials"),
        (402, "credentials"),
        (403, "credentials"),
        (404, "deterministic"),
        (405, "deterministic"),
        (407, "credentials"),
        (408, "transient"),
        (409, "transient"),
        (413, "context_overflow"),
        (422, "deterministic"),
        (425, "transient"),
        (429, "rate_limited"),
        (451, "deterministic"),
        (500, "transient"),
        (501, "deterministic"),
        (502, "transient"),
        (503, "transient"),
        (504, "transient"),
        (505, "deterministic"),
        (529, "transient"),
        (302, "unknown"),
        (200, "unknown"),
    ],
)
def test_kinds_of_statuses(status, kind):
    """What a server answers has its kind by the status, whatever class the client makes of it."""
    assert classify(Said(status_code=status)).kind == kind


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        pytest.param({"status_code": 429, "code": "insufficient_quota"}, "credentials", id="no_money"),
        pytest.param(
            {"status_code": 429, "body": {"error": {"details": {"error_code": "enforced_spend_limit_reached"}}}},
            "credentials",
            id="spend_limit",
        ),
        pytest.param({"status_code": 400, "type": "billing_error"}, "credentials", id="billing"),
        pytest.param({"status_code": 429, "code": "rate_limit_exceeded"}, "rate_limited", id="rate"),
        pytest.param({"status_code": 403, "code": "userRateLimitExceeded"}, "rate_limited", id="rate_as_403"),
        pytest.param({"status_code": 403, "retry_after": 60}, "rate_limited", id="a_403_that_says_when"),
        pytest.param({"status_code": 400, "code": "context_length_exceeded"}, "context_overflow", id="overflow"),
        pytest.param({"code": "invalid_api_key"}, "credentials", id="key_without_a_status"),
        pytest.param({"status_code": 200, "type": "overloaded_error"}, "transient", id="in_a_stream"),
        pytest.param({"type": "invalid_request_error"}, "deterministic", id="request_without_a_status"),
        pytest.param({"status_code": 500, "type": "invalid_request_error"}, "transient", id="the_status_goes_first"),
        pytest.param(
            {"status_code": 429, "type": "rate_limit_error", "code": "insufficient_quota"},
            "credentials",
            id="the_worst",
        ),
        pytest.param({"code": "E4711"}, "unknown", id="a_code_that_nobody_knows"),
    ],
)
def test_kinds_of_codes(attributes, kind):
    """A code says more than the status it comes with."""
    assert classify(Said(**attributes)).kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
        "prompt is too long: 208310 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "Input is too long for requested model.",
        "the request exceeds the available context size, try increasing it",
        "Your input exceeds the context window of this model.",
        "Please reduce the length of the messages.",
    ],
)
@pytest.mark.parametrize("attributes", [{}, {"status_code": 400, "type": "invalid_request_error"}])
def test_context_overflows_by_what_they_say(text, attributes):
    """Servers that have no code for it say it in words; `revise` is told to make the input shorter."""
    failure = classify(Said(text, **attributes))
    assert (failure.kind, failure.feedback) == ("context_overflow", (TOO_LONG,))


def test_words_do_not_outdo_a_status():
    """A rate limit that talks of contexts is one, and so is a broken server."""
    text = "too much: maximum context length times calls a minute"
    assert classify(Said(text, status_code=429)).kind == "rate_limited"
    assert classify(Said(text, status_code=500)).kind == "transient"


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Said(status_code=429, headers={"retry-after": "7"}), 7.0),
        (Said(status_code=503, headers={"Retry-After": "Sun, 06 Nov 1994 08:49:47 GMT"}), 10.0),
        (Said(status_code=429), None),
        (BreakerOpen("billing", 12.0), 12.0),
        (BreakerOpen("billing"), None),
        (ConnectionError(), None),
    ],
)
def test_the_wait_that_was_asked_for(error, seconds):
    """`Retry-After` comes along, and so does the time until an open breaker tries again."""
    assert classify(error, now=784_111_777.0).retry_after == seconds


# --- wrappers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind", "crashed"),
    [
        pytest.param(ActorCrashed("a/b", 1, KeyError("x")), "unknown", True, id="a_crash"),
        pytest.param(ActorCrashed("a/b", 1, ConnectionError("x")), "transient", True, id="a_crash_of_a_connection"),
        pytest.param(ActorCrashed("a", 1, ActorCrashed("b", 1, TimeoutError())), "transient", True, id="of_a_crash"),
        pytest.param(
            ActorCrashed("a/b", 1, StartFailed("a/b", OSError(errno.EAGAIN, "x"))), "transient", True, id="start"
        ),
        pytest.param(ActorCrashed("a/b", 1, Exit.KILLED), "transient", True, id="killed"),
        pytest.param(ActorCrashed("a/b", 1, Exit.SHUTDOWN), "transient", True, id="shut_down"),
        pytest.param(ActorCrashed("a/b", 1, Shutdown("reload")), "transient", True, id="shut_down_with_words"),
        pytest.param(ActorCrashed("a/b", 1, asyncio.CancelledError()), "unknown", True, id="something_was_cancelled"),
        pytest.param(ActorCrashed("a/b", 1, KeyboardInterrupt()), "cancelled", True, id="interrupted"),
        pytest.param(StartFailed("a/b", ConnectionError("x")), "transient", False, id="a_start"),
        pytest.param(StartFailed("a/b", "it took too long"), "transient", False, id="a_late_start"),
        pytest.param(FailedToStart("b", StartFailed("a/b", Said(status_code=401))), "credentials", False, id="a_child"),
        pytest.param(from_(RuntimeError("no price"), ConnectionError("x")), "transient", False, id="raised_from"),
        pytest.param(over(RuntimeError("no price"), Said(status_code=429)), "rate_limited", False, id="raised_over"),
        pytest.param(from_(ValueError("a"), from_(KeyError("b"), TimeoutError())), "transient", False, id="far_behind"),
        pytest.param(
            from_(RuntimeError("a"), ActorCrashed("x", 1, TimeoutError())), "transient", False, id="another's"
        ),
        pytest.param(from_(ModelRetry("b"), ConnectionError("x")), "invalid_output", False, id="the_outer_one_says_it"),
        pytest.param(from_(TimeoutError(), asyncio.CancelledError()), "transient", False, id="a_timeout"),
        pytest.param(over(RuntimeError("x"), asyncio.CancelledError()), "unknown", False, id="over_a_cancellation"),
        pytest.param(from_(RuntimeError("a"), KeyError("b")), "unknown", False, id="nobody_says_anything"),
    ],
)
def test_wrappers_are_looked_through(error, kind, crashed):
    """What died is not the point, but of what; and what says nothing is what was behind it."""
    failure = classify(error)
    assert (failure.kind, failure.crashed) == (kind, crashed)


def test_what_was_raised_from_none_has_nothing_behind_it():
    """`raise ... from None` says that the exception before it is nobody's business."""

    def translate():
        try:
            raise ConnectionError("x")
        except ConnectionError:
            raise RuntimeError("no price") from None

    with pytest.raises(RuntimeError) as raised:
        translate()
    assert isinstance(raised.value.__context__, ConnectionError)
    assert classify(raised.value).kind == "unknown"


def test_a_circle_of_causes_comes_to_an_end():
    """Exceptions may be each other's cause."""
    one, other = RuntimeError("a"), RuntimeError("b")
    one.__cause__, other.__cause__ = other, one
    assert classify(one).kind == "unknown"


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ([ConnectionError("a"), TimeoutError()], "transient"),
        ([ConnectionError("a"), Said(status_code=429)], "rate_limited"),
        ([ConnectionError("a"), KeyError("b")], "unknown"),
        ([KeyError("b"), ModelRetry("c")], "invalid_output"),
        ([ModelRetry("c"), Said(status_code=413)], "context_overflow"),
        ([Said(status_code=413), MailboxFull("a", 1)], "unavailable"),
        ([MailboxFull("a", 1), Said(status_code=404)], "deterministic"),
        ([Said(status_code=404), BudgetExceeded("a", "b")], "exhausted"),
        ([BudgetExceeded("a", "b"), Said(status_code=401)], "credentials"),
        ([ConnectionError("a"), ExceptionGroup("in", [TimeoutError(), KeyError("deep")])], "unknown"),
        ([from_(RuntimeError("x"), ConnectionError("a")), TimeoutError()], "transient"),
    ],
)
def test_a_group_is_its_worst(errors, kind):
    """Of several exceptions at once the one with the least hope decides, in whatever order they come."""
    assert classify(ExceptionGroup("several", errors)).kind == kind
    assert classify(ActorCrashed("a", 1, ExceptionGroup("several", errors[::-1]))).kind == kind


def test_being_cancelled_says_nothing_in_a_group():
    """The siblings of what failed are cancelled: that is not why it failed."""
    assert classify(BaseExceptionGroup("x", [asyncio.CancelledError(), TimeoutError()])).kind == "transient"
    assert classify(BaseExceptionGroup("x", [asyncio.CancelledError()])).kind == "cancelled"


def test_a_group_keeps_what_its_worst_say():
    """The longest of the waits, the feedback of all of the kind, and how many there were."""
    limited = [Said(status_code=429, retry_after=seconds) for seconds in (3, 9, 5)]
    assert classify(ExceptionGroup("x", limited)).retry_after == 9.0
    rejected = classify(ExceptionGroup("x", [ModelRetry("too short"), REJECTED, TimeoutError()]))
    assert rejected.feedback == ("too short", "add the amount", "currency is not legal")
    assert rejected.error == "ModelRetry: too short (and 2 more at once)"


def test_a_group_behind_an_exception_is_found():
    """A handler that translates a group has still failed for the group's reason."""
    group = ExceptionGroup("several", [TimeoutError(), ConnectionError()])
    assert classify(from_(RuntimeError("x"), group)).kind == "transient"


# --- feedback ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "feedback"),
    [
        (ModelRetry("name the invoice"), ("name the invoice",)),
        (ModelRetry(), ("ModelRetry",)),
        (REJECTED, ("add the amount", "currency is not legal")),
        (no_json(), ("the output is not valid JSON: Expecting value: line 1 column 1 (char 0)",)),
        (
            problem(),
            (
                "amount: Input should be a valid number, unable to parse string as a number",
                "currency: Field required",
            ),
        ),
        (ActorCrashed("a", 1, ModelRetry("name the invoice")), ("name the invoice",)),
        (KeyError("x"), ()),
        (TimeoutError(), ()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_feedback(error, feedback):
    """An output that is not as it should be says what would mend it; other failures say nothing to the model."""
    assert classify(error).feedback == feedback


def test_feedback_is_bounded():
    """Who raises a book gets a chapter."""
    assert len(classify(ModelRetry("x" * 10_000)).feedback[0]) == 4000
    many = pydantic.create_model("Many", **{f"field_{n}": (int, ...) for n in range(100)})
    with pytest.raises(pydantic.ValidationError) as raised:
        many()
    assert len(classify(raised.value).feedback) == 20


def test_what_did_not_fit_a_model_is_not_shown():
    """A validation error tells what is wrong with which field, not what was in it."""
    failure = classify(problem())
    assert failure.error.startswith("ValidationError: Refund: amount: Input should be a valid number")
    assert "a secret" not in failure.error + str(failure.feedback)


# --- what people see --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyError("amount"), "KeyError: 'amount'"),
        (AssertionError(), "AssertionError"),
        (ActorCrashed("a/b", 3, KeyError("amount")), "KeyError: 'amount'"),
        (ActorCrashed("a/b", 3, Exit.KILLED), "ActorCrashed: a/b (incarnation 3) crashed: killed"),
        (from_(RuntimeError("no price"), ConnectionError("down")), "RuntimeError: no price (ConnectionError: down)"),
        (from_(ModelRetry("no"), ConnectionError("down")), "ModelRetry: no"),
        (Said("Bearer abcdefgh is not valid", status_code=401), "Said: Bearer *** is not valid"),
        (Broken(), "Broken"),
    ],
)
def test_the_text_for_people(error, text):
    """One line: what it was, and what was behind it where that was the reason."""
    assert classify(error).error == text


def test_the_same_failure_has_the_same_signature():
    """However it was wrapped, and whichever incarnation it ended."""
    first = classify(ActorCrashed("a/b", 1, KeyError("order 7")))
    again = classify(ActorCrashed("a/b", 2, KeyError("order 8")))
    assert first.signature == again.signature == classify(KeyError("order 9")).signature
    assert first.signature != classify(KeyError("customer 7")).signature


# --- the user's own ---------------------------------------------------------------------------------


class OutOfStock(Exception):
    treeward_kind: ClassVar[str] = "deterministic"


class Misspelt(Exception):
    treeward_kind: ClassVar[str] = "transiet"


def test_classifiers_are_asked_first_and_in_order():
    """The first one that says something is taken, though the rest would know as well."""
    asked = []

    def one(error):
        asked.append("one")

    def two(error):
        asked.append("two")
        return "rate_limited"

    def three(error):
        asked.append("three")
        return "credentials"

    assert classify(TimeoutError(), (one, two, three)).kind == "rate_limited"
    assert asked == ["one", "two"]


def test_a_classifier_may_say_all_of_it():
    """A whole failure is taken as it is; what it leaves out is filled in."""
    said = Failure("transient", "", retry_after=3.0, signature="mine")
    failure = classify(ActorCrashed("a", 1, KeyError("x")), [lambda _: said])
    assert failure == Failure("transient", "KeyError: 'x'", "mine", 3.0, (), crashed=True)


def test_a_classifier_sees_what_was_raised():
    """Not the wrapper around it, but each of what is behind it, until it says something."""
    seen = []
    cause = ConnectionError("x")
    error = from_(RuntimeError("y"), cause)
    classify(ActorCrashed("a", 1, error), [seen.append])
    assert seen == [error, cause]


def test_a_classifier_sees_each_of_a_group():
    """Also if it has nothing to say of the group itself."""

    def stock(error):
        return "credentials" if isinstance(error, KeyError) else None

    assert classify(ExceptionGroup("x", [TimeoutError(), KeyError("y")]), [stock]).kind == "credentials"


def test_a_kind_from_a_classifier_comes_with_the_rest():
    """Wait and feedback are read off the exception all the same."""
    limited = classify(Said("slow", retry_after=7), [lambda _: "rate_limited"])
    assert (limited.kind, limited.retry_after) == ("rate_limited", 7.0)
    assert classify(Said("too long"), [lambda _: "invalid_output"]).feedback == ("too long",)


def test_an_exception_may_say_its_kind_itself():
    """By an attribute of its class; a classifier goes before it, and it before everything else."""
    assert classify(OutOfStock("x")).kind == "deterministic"
    assert classify(from_(RuntimeError("y"), OutOfStock("x"))).kind == "deterministic"
    assert classify(OutOfStock("x"), [lambda _: "transient"]).kind == "transient"
    assert classify(Said(treeward_kind="transient", status_code=401)).kind == "transient"


@pytest.mark.parametrize(
    ("classifier", "problem"),
    [
        (lambda error: error.nothing, "AttributeError"),
        (lambda error: "transiet", "'transiet' is no kind of failure: expected one of transient,"),
        (lambda error: 7, "7 is no kind of failure"),
    ],
)
def test_a_classifier_that_fails_is_passed_over_and_reported(classifier, problem):
    """The failure is classified without it, and says what was wrong with it."""
    failure = classify(TimeoutError("late"), [classifier])
    assert failure.kind == "transient"
    assert failure.error.startswith("TimeoutError: late; classifier ")
    assert problem in failure.error


def test_who_wants_to_be_told_of_failing_classifiers_is():
    """With `report`, the text for people is about the failure alone."""
    told = []

    def wrong(error):
        raise LookupError("oops")

    failure = classify(TimeoutError("late"), [wrong], report=lambda *said: told.append(said))
    assert failure.error == "TimeoutError: late"
    assert [(classifier, type(problem)) for classifier, problem in told] == [(wrong, LookupError)]


def test_a_misspelt_kind_is_reported():
    """An exception whose own kind does not exist is what it is without, and says so."""
    failure = classify(Misspelt("x"))
    assert failure.kind == "unknown"
    assert "'transiet' is no kind of failure" in failure.error


def test_a_failing_classifier_does_not_change_the_signature():
    """Two failures are the same, whatever is wrong with who looked at them."""
    assert classify(KeyError("x"), [lambda error: error.nothing]).signature == classify(KeyError("x")).signature


# --- outcomes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["ok", "partial", "fallback", "needs_human"])
def test_outcomes_to_go_on_with(status):
    """Something is there, or somebody is asked: that is no failure."""
    assert classify_outcome(Outcome("t", status, error="not all of it")) is None


@pytest.mark.parametrize(
    ("status", "failure", "kind"),
    [
        ("failed", None, "deterministic"),
        ("failed", "transient", "transient"),
        ("failed", "unavailable", "unavailable"),
        ("failed", "something else", "unknown"),
        ("dead_letter", None, "deterministic"),
        ("dead_letter", "unknown", "unknown"),
        ("canceled", None, "cancelled"),
        ("canceled", "transient", "cancelled"),
    ],
)
def test_kinds_of_outcomes(status, failure, kind):
    """An outcome's own word counts; an agent that only says that it failed would say so again."""
    found = classify_outcome(Outcome("t", status, error="no such customer", failure=failure))
    assert (found.kind, found.error, found.crashed) == (kind, "no such customer", False)


def test_an_outcome_without_words():
    """Something stands there for people in any case."""
    assert classify_outcome(Outcome("t", "failed")).error == "failed"


def test_an_outcome_that_was_rejected_says_what_would_mend_it():
    """The verdicts' feedback comes along."""
    outcome = Outcome("t", "failed", error="rejected", failure="invalid_output", verdicts=REJECTED.verdicts)
    assert classify_outcome(outcome).feedback == ("add the amount", "currency is not legal")


# --- whatever comes ---------------------------------------------------------------------------------

BODIES = st.dictionaries(
    st.sampled_from(["error", "code", "type", "details", "retry-after"]), st.text(max_size=20), max_size=3
)
SIMPLE = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=50), st.binary(max_size=50))
VALUES = st.one_of(SIMPLE, BODIES)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["status_code", "code", "type", "body", "response", "headers", "retry_after", "treeward_kind"]),
    VALUES,
)
ERRORS = st.recursive(
    st.builds(lambda text, attributes: Said(text, **attributes), st.text(max_size=600), ATTRIBUTES),
    lambda inner: st.one_of(
        st.builds(lambda error: ActorCrashed("a", 1, error), inner),
        st.builds(lambda error: StartFailed("a", error), inner),
        st.builds(from_, inner, inner),
        st.builds(lambda errors: ExceptionGroup("x", errors), st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)


@given(ERRORS)
def test_everything_has_a_kind(error):
    """Whatever is raised, with whatever in it: a kind, bounded texts, a bounded wait, and the same again."""
    failure = classify(error)
    assert failure.kind in KINDS
    assert 0 < len(failure.error) <= 500
    assert len(failure.signature) <= 300
    assert failure.retry_after is None or 0 <= failure.retry_after <= 3600
    assert failure.crashed is isinstance(error, ActorCrashed)
    assert classify(error) == failure
