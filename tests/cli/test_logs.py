"""The log on stderr."""

from __future__ import annotations

import json
import logging
import re
import warnings

import pytest

from treeward.cli.logs import Level, logging_to_stderr
from treeward.runtime.telemetry import make_logger


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_one_json_object(capsys):
    """Time, level and event come first; what was bound and said comes after; a line break in a value breaks no line."""
    with logging_to_stderr():
        make_logger().bind(actor="office/clerk", incarnation=2).warning("child.restarting", reason="a\nb", group=["x"])
    (line,) = lines(capsys)
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == {
        "level": "warning",
        "event": "child.restarting",
        "actor": "office/clerk",
        "incarnation": 2,
        "reason": "a\nb",
        "group": ["x"],
    }


def test_an_exception_is_in_its_line(capsys):
    """A traceback is a field of its line."""
    with logging_to_stderr():
        try:
            raise ValueError("odd")
        except ValueError:
            make_logger().exception("it broke")
    (line,) = lines(capsys)
    assert line["exception"].endswith("ValueError: odd")


def test_what_is_no_json_is_shown(capsys):
    """A value that JSON cannot hold stands as Python shows it."""
    with logging_to_stderr():
        make_logger().info("odd", value={1, 2})
    assert lines(capsys)[0]["value"] == "{1, 2}"


def test_other_libraries_write_to_the_same_log(capsys):
    """What others log comes as lines too, from `warning` on; and so do Python's warnings."""
    with logging_to_stderr(Level.DEBUG):
        logging.getLogger("other").info("not this one")
        logging.getLogger("other").error("broken %s", "pipe")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("careful", stacklevel=1)
    first, second = lines(capsys)
    assert (first["level"], first["event"]) == ("error", "broken pipe")
    assert second["level"] == "warning"
    assert "careful" in second["event"]


@pytest.mark.parametrize(
    ("level", "pretty", "written"),
    [
        (None, False, ["info", "warning", "error"]),
        (None, True, ["warning", "error"]),
        (Level.DEBUG, False, ["debug", "info", "warning", "error"]),
        (Level.ERROR, True, ["error"]),
    ],
)
def test_levels(capsys, level, pretty, written):
    """Machines get everything from `info` on, people from `warning` on, if nothing else is asked for."""
    with logging_to_stderr(level, pretty=pretty):
        for name in ("debug", "info", "warning", "error"):
            getattr(make_logger(), name)(f"said at {name}")
    assert re.findall(r"said at (\w+)", capsys.readouterr().err) == written


def test_people_get_no_control_characters(capsys, monkeypatch):
    """What a customer says in a log line cannot give the terminal orders."""
    monkeypatch.setenv("NO_COLOR", "1")
    with logging_to_stderr(pretty=True):
        make_logger().error("odd", reason="\x1b[2Jgone\x1b]0;title\x07")
    text = capsys.readouterr().err
    assert "gone" in text
    assert not {"\x1b[2J", "\x07"} & set(re.findall(r"\x1b\[2J|\x07", text))


def test_people_get_short_numbers_and_ids(capsys, monkeypatch):
    """On a terminal, ids and fractions are cut to what people can compare."""
    monkeypatch.setenv("NO_COLOR", "1")
    with logging_to_stderr(pretty=True):
        make_logger().error("odd", task="0123456789abcdef", delay=0.0161420783, count=3)
    assert capsys.readouterr().err.split("odd")[1].split() == ["count=3", "delay=0.0161", "task=01234567"]


def test_nothing_is_left_behind():
    """After the block, logging is as it was: nothing is taken over for good."""
    ours, root = logging.getLogger("treeward"), logging.getLogger()
    before = [(log.level, log.propagate, list(log.handlers)) for log in (ours, root)]
    with logging_to_stderr(Level.DEBUG):
        assert len(root.handlers) == len(before[1][2]) + 1
    assert [(log.level, log.propagate, list(log.handlers)) for log in (ours, root)] == before


def test_a_closed_stderr_is_passed_over(monkeypatch):
    """Where nobody takes the log any more, the work goes on."""

    class Gone:
        def isatty(self):
            return False

        def write(self, text):
            raise BrokenPipeError

        def flush(self):
            raise BrokenPipeError

    monkeypatch.setattr("sys.stderr", Gone())
    with logging_to_stderr():
        make_logger().error("nobody hears it")
