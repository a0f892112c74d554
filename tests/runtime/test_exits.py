"""Exit reasons: which are orderly, which pass a link, how they read."""

from __future__ import annotations

import pytest

from treeward.runtime.exits import Exit, Shutdown, is_abnormal, is_orderly, reason_text

TABLE = [
    # reason, stays down if transient, passes a link, text
    (Exit.NORMAL, True, False, "normal"),
    (Exit.SHUTDOWN, True, True, "shutdown"),
    (Shutdown("drained"), True, True, "shutdown: drained"),
    (Exit.KILLED, False, True, "killed"),
    (ValueError("bad"), False, True, "ValueError: bad"),
    (KeyError(), False, True, "KeyError"),
    (SystemExit(3), False, True, "SystemExit: 3"),
    (ValueError("two\n lines"), False, True, "ValueError: two lines"),
]
IDS = [text for *_, text in TABLE]


@pytest.mark.parametrize(("reason", "orderly", "abnormal", "text"), TABLE, ids=IDS)
def test_reasons(reason, orderly, abnormal, text):
    """Normal, shutdown and Shutdown(detail) are orderly; all but normal pass a link; each reads as one line."""
    assert is_orderly(reason) is orderly
    assert is_abnormal(reason) is abnormal
    assert reason_text(reason) == text


def test_shutdown_is_a_value():
    """Two shutdowns with the same detail are equal, and neither can be changed."""
    assert Shutdown("a") == Shutdown("a") != Shutdown("b")
    with pytest.raises(AttributeError):
        Shutdown("a").detail = "b"
