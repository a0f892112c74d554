"""Where a process begins and ends: `treeward` on the command line, and `python -m treeward`.

What is heavy to import is imported inside, so that Ctrl-C ends the start too without a traceback.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import NoReturn

__all__ = ["main"]

INTERRUPTED = 130
LAST_WAIT = 0.5


def main() -> NoReturn:
    """Runs the command line of this process, and exits."""
    try:
        _give_streams()
        from .app import app  # noqa: PLC0415 - see above

        app(prog_name="treeward")
    except KeyboardInterrupt:
        print("treeward: interrupted", file=sys.stderr)
        _leave(INTERRUPTED)
    except SystemExit as end:
        _leave(end.code if isinstance(end.code, int) else 0)
    _leave(0)


def _give_streams() -> None:
    """Sees to it that everything can be printed: on streams that are closed, in encodings that lack a character."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - it lasts as long as the process
        else:
            stream.reconfigure(errors="backslashreplace")


def _leave(code: int) -> NoReturn:
    """Exits; at once, if a thread is left that cannot be ended, or if there is nobody to write the rest to."""
    gone = False
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            gone = True
    if gone or _threads_stay():
        os._exit(code)
    sys.exit(code)


def _threads_stay() -> bool:
    with contextlib.suppress(KeyboardInterrupt):
        for thread in threading.enumerate():
            if thread is not threading.main_thread() and not thread.daemon:
                thread.join(LAST_WAIT)
                if thread.is_alive():
                    return True
    return False
