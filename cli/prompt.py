"""The line that is being typed: keys come in, finished lines go out. It knows no terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from .text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Prompt"]

_KEYS = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO[@-~]|\x1b[^\[O]"  # keys that come as a sequence
    r"|[\x00-\x1f\x7f]"  # Enter, Backspace, and what is typed with Ctrl
    r"|[^\x00-\x1f\x7f]+"  # text
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O)?$")

_ACTIONS: Mapping[str, str] = {
    **dict.fromkeys(("\x7f", "\x08"), "_backspace"),
    **dict.fromkeys(("\x1b[D", "\x1bOD", "\x02"), "_left"),
    **dict.fromkeys(("\x1b[C", "\x1bOC", "\x06"), "_right"),
    **dict.fromkeys(("\x1b[H", "\x1bOH", "\x1b[1~", "\x01"), "_home"),
    **dict.fromkeys(("\x1b[F", "\x1bOF", "\x1b[4~", "\x05"), "_end"),
    **dict.fromkeys(("\x1b[A", "\x1bOA", "\x10"), "_older"),
    **dict.fromkeys(("\x1b[B", "\x1bOB", "\x0e"), "_newer"),
    "\x1b[3~": "_delete",
    "\x04": "_delete_or_end",
    "\x15": "_cut_to_start",
    "\x0b": "_cut_to_end",
    "\x17": "_cut_word",
}
"""Keys that do something else than to be typed. All other sequences and control characters type nothing."""

_PASTE_BEGINS, _PASTE_ENDS = "\x1b[200~", "\x1b[201~"

REMEMBERED = 500


class Prompt:
    """A line with a cursor, and a history of the lines before it.

    Keys are those of a shell: arrows, Home, End, Backspace, Delete, Ctrl-A, E, B, F, P, N, K, U, W, and Ctrl-D for the
    end of the input on an empty line. Lines that are pasted at once (bracketed paste) become one.
    """

    def __init__(self) -> None:
        self.text = ""
        self.cursor = 0
        self.ended = False
        """Whether Ctrl-D came on an empty line."""
        self._history: list[str] = []
        self._place = 0
        self._draft = ""
        self._unfinished = ""
        self._pasting = False

    def feed(self, keys: str) -> list[str]:
        """Takes what the keyboard sent, and returns the lines that were finished by it."""
        keys = self._unfinished + keys
        cut = _UNFINISHED.search(keys)
        keys, self._unfinished = (keys[: cut.start()], cut[0]) if cut else (keys, "")
        return [line for key in _KEYS.findall(keys) if (line := self._press(key)) is not None]

    def _press(self, key: str) -> str | None:
        if key in (_PASTE_BEGINS, _PASTE_ENDS):
            self._pasting = key == _PASTE_BEGINS
        elif key in ("\r", "\n"):
            if not self._pasting:
                return self._finish()
            self._insert(" ")
        elif key in _ACTIONS:
            getattr(self, _ACTIONS[key])()
        elif key == "\t" or key[0] >= " ":
            self._insert(clean(key).replace("\t", " "))
        return None

    def _finish(self) -> str | None:
        line = self.text.strip()
        self.text, self.cursor = "", 0
        if line and self._history[-1:] != [line]:
            self._history = [*self._history, line][-REMEMBERED:]
        self._place = len(self._history)
        return line or None

    def _insert(self, text: str) -> None:
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)

    def _left(self) -> None:
        self.cursor = max(0, self.cursor - 1)

    def _right(self) -> None:
        self.cursor = min(len(self.text), self.cursor + 1)

    def _home(self) -> None:
        self.cursor = 0

    def _end(self) -> None:
        self.cursor = len(self.text)

    def _backspace(self) -> None:
        self._cut(max(0, self.cursor - 1), self.cursor)

    def _delete(self) -> None:
        self._cut(self.cursor, self.cursor + 1)

    def _delete_or_end(self) -> None:
        if self.text:
            self._delete()
        else:
            self.ended = True

    def _cut_to_start(self) -> None:
        self._cut(0, self.cursor)

    def _cut_to_end(self) -> None:
        self._cut(self.cursor, len(self.text))

    def _cut_word(self) -> None:
        before = self.text[: self.cursor].rstrip()
        self._cut(before.rfind(" ") + 1, self.cursor)

    def _cut(self, begin: int, end: int) -> None:
        self.text = self.text[:begin] + self.text[end:]
        self.cursor = begin

    def _older(self) -> None:
        self._recall(-1)

    def _newer(self) -> None:
        self._recall(1)

    def _recall(self, step: int) -> None:
        place = self._place + step
        if not 0 <= place <= len(self._history):
            return
        if self._place == len(self._history):
            self._draft = self.text
        self._place = place
        self.text = self._draft if place == len(self._history) else self._history[place]
        self.cursor = len(self.text)

    def draw(self, width: int, lead: str = "> ") -> Text:
        """Returns the line in `width` cells: the part around the cursor, where it is longer."""
        line, room = self.text + " ", max(4, width - cell_len(lead) - 1)
        begin = 0
        while cell_len(line[begin : self.cursor + 1]) > room:
            begin += 1
        end = self.cursor + 1
        while end < len(line) and cell_len(line[begin : end + 1]) <= room:
            end += 1
        drawn = Text(lead, style="bold cyan", no_wrap=True, end="")
        drawn.append(line[begin : self.cursor], style="not bold default")
        drawn.append(line[self.cursor], style="reverse not bold default")
        drawn.append(line[self.cursor + 1 : end], style="not bold default")
        return drawn
