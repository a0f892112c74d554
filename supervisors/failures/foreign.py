"""What the exceptions of others mean: of servers, by status and code, of libraries, by the names of their classes.

The tables are data. What is missing in them is for a user's classifier to add.
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from .failure import WORST_FIRST, Kind
from .refusal import look

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .refusal import Refusal

__all__ = ["foreign_kind"]


def _by_word(table: Mapping[Kind, str]) -> dict[str, Kind]:
    return {word: kind for kind, words in table.items() for word in words.split()}


SURE_WORDS = _by_word(
    {
        "credentials": """
            insufficientquota creditbalanceexhausted organizationspendlimitexceeded projectspendlimitexceeded
            organizationusagelimitexceeded enforcedspendlimitreached billingerror billinghardlimitreached
            billingnotactive invalidapikey authenticationerror permissionerror accountdeactivated unauthenticated
            permissiondenied invalidgrant accessdenied accessdeniedexception expiredtokenexception
            unrecognizedclientexception""",
        "context_overflow": """
            contextlengthexceeded contextwindowexceeded modelcontextwindowexceeded exceedcontextsizeerror
            stringabovemaxlength requesttoolarge""",
        "rate_limited": """
            ratelimitexceeded ratelimiterror userratelimitexceeded slowdown toomanyrequests toomanyrequestsexception
            resourceexhausted throttling throttlingexception requestlimitexceeded""",
    }
)
"""Codes of errors that say more than the status they come with: a 429 for want of money is not waited for."""

VAGUE_WORDS = _by_word(
    {
        "deterministic": """
            invalidrequesterror invalidargument notfounderror modelnotfound contentfilter contentpolicyviolation""",
        "transient": """
            overloadederror serverisoverloaded engineoverloaded apierror servererror internalservererror internal
            serviceunavailable unavailable deadlineexceeded timeouterror""",
    }
)
"""Codes that count where there is no status that says how it is meant, as in the middle of a stream."""

STATUSES: dict[int, Kind] = {
    401: "credentials",
    402: "credentials",
    403: "credentials",
    407: "credentials",
    408: "transient",
    409: "transient",
    413: "context_overflow",
    425: "transient",
    429: "rate_limited",
    501: "deterministic",
    505: "deterministic",
}
"""HTTP statuses that are not as the others of their hundred: 4xx `deterministic`, 5xx `transient`."""

OVERFLOW = re.compile(
    r"""maximum\ context\ length
    | (?:prompt|input)\ is\ too\ long
    | reduce\ the\ length\ of\ the\ (?:messages|prompt|input)
    | context\ (?:length|window|limit|size)\b[^.]{0,40}\bexceed
    | \bexceed\w*[^.]{0,40}\bcontext\ (?:length|window|limit|size)
    | token\ count\b[^.]{0,40}\bexceeds\ the\ maximum""",
    re.IGNORECASE | re.VERBOSE,
)
"""How servers say it that have no code for it."""

CLASS_NAMES = _by_word(
    {
        "deterministic": """
            UnsupportedProtocol LocalProtocolError InvalidURL TooManyRedirects SSLCertVerificationError BadRequestError
            NotFoundError UnprocessableEntityError ContentPolicyViolationError""",
        "credentials": """
            AuthenticationError PermissionDeniedError PermissionDenied Unauthenticated Unauthorized
            NoCredentialsError""",
        "rate_limited": "RateLimitError RateLimitExceeded TooManyRequests ResourceExhausted",
        "context_overflow": "ContextWindowExceededError",
        "transient": """
            ConnectionError ConnectError ReadError WriteError CloseError NetworkError ProxyError RemoteProtocolError
            TransportError APIConnectionError InternalServerError ServiceUnavailable ServiceUnavailableError
            OverloadedError DeadlineExceeded ClientConnectionError ClientPayloadError ServerDisconnectedError
            ChunkedEncodingError IncompleteRead IncompleteReadError EndpointConnectionError ConnectionClosedError
            URLError SSLError gaierror""",
    }
)
"""Classes of the standard library and of the clients of others; the nearest of an exception's classes counts."""

TIMED_OUT = re.compile(r"(?:Timeout(?:Error|Exception|Expired)?|TimedOut)$")

PASSING = """EAGAIN EINTR EBUSY EMFILE ENFILE ENOBUFS EPIPE ESHUTDOWN ETIMEDOUT ECONNREFUSED ECONNRESET ECONNABORTED
    EHOSTDOWN EHOSTUNREACH ENETDOWN ENETUNREACH ENETRESET"""
"""What the operating system says that may be otherwise in a moment; some systems do not have all of them."""

ERRNOS = frozenset(getattr(errno, name) for name in PASSING.split() if hasattr(errno, name))

LOCKED = ("SQLITE_BUSY", "SQLITE_LOCKED")


def foreign_kind(error: Exception, refusal: Refusal, text: str) -> Kind | None:
    """Returns the kind of an exception that is not the runtime's, with what it says; None if nobody knows it."""
    return _kind_of_refusal(refusal, f"{text} {refusal.text}") or _kind_of_class(error)


def _kind_of_refusal(refusal: Refusal, text: str) -> Kind | None:
    status = refusal.status
    sure = _worst(SURE_WORDS, refusal.words)
    if sure is not None:
        return sure
    too_much_asked = status is None or (400 <= status < 500 and status != 429)
    if too_much_asked and OVERFLOW.search(text):
        return "context_overflow"
    if status == 403 and refusal.retry_after is not None:
        return "rate_limited"  # who may not at all is not told when to come back
    if status is not None and status >= 400:
        return STATUSES.get(status, "transient" if status >= 500 else "deterministic")
    return _worst(VAGUE_WORDS, refusal.words)


def _worst(table: Mapping[str, Kind], words: frozenset[str]) -> Kind | None:
    return min((table[word] for word in words if word in table), key=WORST_FIRST.index, default=None)


def _kind_of_class(error: Exception) -> Kind | None:
    for cls in type(error).__mro__:
        kind = CLASS_NAMES.get(cls.__name__) or ("transient" if TIMED_OUT.search(cls.__name__) else None)
        if kind is not None:
            return kind
    locked = str(look(error, "sqlite_errorname")).startswith(LOCKED)
    busy = isinstance(error, OSError) and error.errno in ERRNOS
    return "transient" if locked or busy else None
