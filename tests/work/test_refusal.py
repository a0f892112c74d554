"""What a server said when it said no: its status, its codes, and when to come back."""

from __future__ import annotations

import email.utils
import io
import json
import time
import urllib.error
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.supervisors.failures.refusal import LONGEST_WAIT, refusal_of, retry_after

NOW = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT
LATER = "Sun, 06 Nov 1994 08:49:47 GMT"


class Bag:
    """Whatever attributes it is given."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


class Refused(Exception):
    def __init__(self, **attributes):
        super().__init__("no")
        vars(self).update(attributes)


class Untouchable(Exception):
    """Somebody else's exception, whose properties have opinions."""

    @property
    def response(self):
        raise RuntimeError("not yet")

    @property
    def status_code(self):
        raise KeyError("no")


def http_message(**headers):
    message = Message()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return message


# --- Retry-After ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({"Retry-After": "7"}, 7.0, id="seconds"),
        pytest.param({"retry-after": " 1.5 "}, 1.5, id="fractions"),
        pytest.param({"RETRY-AFTER": "0"}, 0.0, id="at_once"),
        pytest.param({"Retry-After": 3}, 3.0, id="a_number"),
        pytest.param({"Retry-After-Ms": "250"}, 0.25, id="milliseconds"),
        pytest.param({"retry-after-ms": "250", "retry-after": "7"}, 0.25, id="milliseconds_go_first"),
        pytest.param({"retry-after-ms": "soon", "retry-after": "7"}, 7.0, id="unless_they_make_no_sense"),
        pytest.param({"Retry-After": LATER}, 10.0, id="a_date_counts_from_now"),
        pytest.param(
            {"Retry-After": LATER, "Date": "Sun, 06 Nov 1994 08:49:40 GMT"}, 7.0, id="or_from_the_servers_date"
        ),
        pytest.param({"Retry-After": "Sun, 06 Nov 1994 08:49:30 GMT"}, 0.0, id="a_date_in_the_past_is_now"),
        pytest.param({"Retry-After": "86400"}, LONGEST_WAIT, id="a_day_is_an_hour"),
        pytest.param({"Retry-After": "9" * 400}, LONGEST_WAIT, id="for_ever_is_an_hour"),
        pytest.param({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, LONGEST_WAIT, id="a_date_at_the_end_of_time"),
        pytest.param({"Retry-After": "-5"}, None, id="negative"),
        pytest.param({"Retry-After": "inf"}, None, id="infinite"),
        pytest.param({"Retry-After": "nan"}, None, id="no_number"),
        pytest.param({"Retry-After": "soon"}, None, id="a_word"),
        pytest.param({"Retry-After": ""}, None, id="nothing"),
        pytest.param({"Retry-After": "Sun, 99 Nov 1994 08:49:47 GMT"}, None, id="no_date"),
        pytest.param({"Retry-After": float("nan")}, None, id="nan"),
        pytest.param({"Retry-After": True}, None, id="true"),
        pytest.param({7: "x", "X-Other": "7"}, None, id="other_headers"),
        pytest.param({}, None, id="no_headers"),
        pytest.param(None, None, id="none"),
        pytest.param("Retry-After: 7", None, id="no_mapping"),
    ],
)
def test_retry_after(headers, seconds):
    """Seconds, milliseconds or a date, whatever the name's case; bounded to an hour; nonsense says nothing."""
    assert retry_after(headers, NOW) == seconds


def test_a_date_without_a_zone_is_utc(monkeypatch):
    """Wherever the computer is."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert retry_after({"Retry-After": "Sun, 06 Nov 1994 08:49:47 -0000"}, NOW) == 10.0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_date_needs_another_to_count_from():
    """Without the server's own date, and without the time, a date says nothing."""
    assert retry_after({"Retry-After": LATER}) is None
    assert retry_after({"Retry-After": LATER, "Date": LATER}) == 0.0


def test_the_headers_of_the_standard_library_are_read():
    """Headers that are no mapping, but have a `get` that knows no case."""
    assert retry_after(http_message(Retry_After="7"), NOW) == 7.0


@given(st.one_of(st.text(), st.floats(), st.integers(), st.none(), st.booleans(), st.binary()), st.floats(0, 4e9))
def test_whatever_a_server_sends_the_wait_is_bounded(value, now):
    """Nothing raises, and nothing makes anybody wait for less than no time or more than an hour."""
    seconds = retry_after({"retry-after": value}, now)
    assert seconds is None or 0.0 <= seconds <= LONGEST_WAIT


@given(st.integers(0, 3600), st.integers(0, 2_000_000_000))
def test_a_date_and_seconds_say_the_same(seconds, now):
    """A date that many seconds from now is worth as much as the number."""
    date = email.utils.formatdate(now + seconds, usegmt=True)
    assert (
        retry_after({"retry-after": date}, float(now)) == retry_after({"retry-after": str(seconds)}) == float(seconds)
    )


# --- where it stands --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({"status_code": 429}, id="its_own"),
        pytest.param({"status": 429}, id="aiohttp"),
        pytest.param({"code": 429}, id="google"),
        pytest.param({"http_status": 429}, id="http_status"),
        pytest.param({"response": Bag(status_code=429)}, id="httpx_and_requests"),
        pytest.param({"response": Bag(status=429)}, id="response_status"),
        pytest.param({"response": {"ResponseMetadata": {"HTTPStatusCode": 429}}}, id="botocore"),
    ],
)
def test_the_status_is_found(attributes):
    """Wherever client libraries keep it."""
    assert refusal_of(Refused(**attributes)).status == 429


@pytest.mark.parametrize("status", [1006, 99, 600, "429", True, 429.0, None, lambda: 429])
def test_what_is_no_status_is_none(status):
    """A number of another kind, a text, a method."""
    assert refusal_of(Refused(status_code=status, code=status)).status is None


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({"code": "insufficient_quota"}, id="openai_code"),
        pytest.param({"type": "Insufficient-Quota"}, id="openai_type"),
        pytest.param({"body": {"code": "insufficient_quota"}}, id="openai_body"),
        pytest.param({"body": {"type": "error", "error": {"type": "insufficient_quota"}}}, id="anthropic_body"),
        pytest.param({"body": {"error": {"details": {"error_code": "insufficient_quota"}}}}, id="anthropic_details"),
        pytest.param({"details": {"error": {"status": "INSUFFICIENT_QUOTA"}}}, id="google"),
        pytest.param({"response": {"Error": {"Code": "InsufficientQuota"}}}, id="botocore"),
        pytest.param({"response": Bag(_content=b'{"error": {"code": "insufficient_quota"}}')}, id="httpx_body"),
    ],
)
def test_codes_are_found(attributes):
    """Wherever client libraries keep them, in small letters and without what separates words."""
    assert "insufficientquota" in refusal_of(Refused(**attributes)).words


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({"retry_after": 7}, id="its_own"),
        pytest.param({"headers": {"Retry-After": "7"}}, id="its_own_headers"),
        pytest.param({"response": Bag(headers={"retry-after": "7"})}, id="the_responses"),
        pytest.param({"response": {"ResponseMetadata": {"HTTPHeaders": {"retry-after": "7"}}}}, id="botocore"),
    ],
)
def test_the_wait_is_found(attributes):
    """On the exception, or in the headers of the response."""
    assert refusal_of(Refused(**attributes), NOW).retry_after == 7.0


def test_an_own_wait_is_bounded_too():
    """An exception cannot ask for more than a header."""
    assert refusal_of(Refused(retry_after=1e9)).retry_after == LONGEST_WAIT


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<html>", id="no_json"),
        pytest.param(b"[1]", id="no_object"),
        pytest.param(b'{"code": "slow_down", "pad": "' + b"x" * 70_000 + b'"}', id="too_much"),
        pytest.param(b"[" * 60_000, id="too_deep"),
        pytest.param(b"\xff\xfe\xff", id="no_text"),
        pytest.param(False, id="not_read_yet"),
        pytest.param("text", id="no_bytes"),
    ],
)
def test_a_body_that_says_nothing_is_passed_over(content):
    """It may be anything, and it is never read from the network for this."""
    assert refusal_of(Refused(response=Bag(_content=content, status_code=500))).words == frozenset()


def test_properties_that_raise_are_passed_over():
    """Somebody else's exception does not get in the way of what it is about."""
    assert refusal_of(Untouchable("no")) == refusal_of(ValueError("no"))


def test_details_of_details_come_to_an_end():
    """A body that contains itself is looked at three deep."""
    body = {"code": "x"}
    body["error"] = body
    assert refusal_of(Refused(body=body)).words == {"x"}


def test_urllibs_own_error():
    """The standard library's client: status and headers, with no more than it has read."""
    error = urllib.error.HTTPError("http://h", 503, "no", http_message(Retry_After="7"), io.BytesIO(b"{}"))
    refusal = refusal_of(error)
    error.close()
    assert (refusal.status, refusal.retry_after) == (503, 7.0)


def test_httpxs_own_error():
    """A response that httpx has made an exception of: status, headers, body."""
    httpx = pytest.importorskip("httpx")
    body = {"error": {"message": "too much", "type": "tokens", "code": "rate_limit_exceeded"}}
    request = httpx.Request("POST", "http://h")
    response = httpx.Response(429, headers={"Retry-After": "7"}, content=json.dumps(body).encode(), request=request)
    with pytest.raises(httpx.HTTPStatusError) as raised:
        response.raise_for_status()
    refusal = refusal_of(raised.value)
    assert (refusal.status, refusal.retry_after, refusal.text) == (429, 7.0, "too much")
    assert refusal.words == {"ratelimitexceeded", "tokens"}
