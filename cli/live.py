"""The living tree on a terminal, with a line to type in below it; answers go above, into the scrollback."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ..agents.events import CaseAnswered, CaseOpened
from ..cli import cases, letters
from ..runtime.errors import TreewardError, describe
from ..trees.desk import desks_of
from .board import board
from .commands import Mistake, person
from .outcomes import details
from .prompt import Prompt
from .terminal import Terminal
from .text import one_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from rich.console import RenderableType

    from ..runtime.task import Outcome
    from ..runtime.telemetry import Event
    from ..trees.runtime import Runtime
    from .activity import Activity
    from .interrupts import Interrupts
    from .session import Request

__all__ = ["LiveScreen"]

SOON = 0.05
"""Seconds from an event to the drawing of it, so that a burst is drawn once."""
TICK = 0.25
"""Seconds between two drawings while a task is in hand: how long it has been is on the board."""
COSTLY = 10
"""A drawing that took long makes the next one wait so many times as long: the tree goes before its picture."""

HELP = f"""\
Type a request, and Enter; several lines that are pasted become one.
/tree                    the whole tree, as it is now
{cases.HELP}
{letters.HELP}
/quit                    finish what is in hand, and stop (Ctrl-D and Ctrl-C do the same; Ctrl-C twice stops at once)
/help                    this"""


class LiveScreen:
    """Shows the tree and the answers, and gives the requests that are typed: `async for text in screen`.

    Drawn on events, and every `TICK` seconds while something is in hand. On the event loop's thread.
    """

    def __init__(self, title: str, interrupts: Interrupts, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, markup=False, emoji=False)
        self._title = title
        self._interrupts = interrupts
        self._prompt = Prompt()
        self._typed: asyncio.Queue[str | None] = asyncio.Queue()
        self._ended = False
        self._commands: set[asyncio.Task[None]] = set()
        self._live: Live | None = None
        self._board: RenderableType = Text("")
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._earliest = 0.0

    # Requests.

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        text = await self._typed.get()
        if text is None:
            await asyncio.gather(*self._commands)  # what a command has begun is in hand, too
            self._ended = False
            raise StopAsyncIteration
        self._draw_soon()
        return text

    # The block in which it is on the terminal.

    @contextlib.contextmanager
    def running(self, runtime: Runtime, activity: Activity) -> Iterator[None]:
        """Takes the terminal for the block."""
        self._runtime, self._activity = runtime, activity
        self._loop = asyncio.get_running_loop()
        terminal = Terminal(self._press, self._put_aside, self._take_up, self._draw)
        forget = runtime.observe(self._happened)
        try:
            with terminal:
                self._interrupts.restore, self._interrupts.hint = terminal.abandon, False
                self._take_up()
                yield
        finally:
            forget()
            for command in self._commands:
                command.cancel()
            self._put_aside()
            self._say_what_was_not_begun()

    def _take_up(self) -> None:
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            vertical_overflow="crop",
            get_renderable=self._view,
        )
        self._live.start()
        self._draw()

    def _put_aside(self) -> None:
        live, self._live = self._live, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if live is not None:
            live.stop()

    def _say_what_was_not_begun(self) -> None:
        while not self._typed.empty():
            text = self._typed.get_nowait()
            if text is not None:
                self.note(f"not begun: {text}")

    # What is shown.

    def show(self, request: Request, outcome: Outcome) -> None:
        """Puts a request and its outcome above the board."""
        lead = Text(f"> {one_line(str(request))}", style="bold")
        self._console.print(Group(lead, details(outcome), Text("")))
        self._draw_soon()

    def stopping(self) -> None:
        """Says so."""
        self.note("finishing what is in hand; once more stops it at once")

    def note(self, text: str, *, style: str = "dim") -> None:
        """Puts a remark above the board."""
        self._console.print(Text(one_line(text), style=style))

    def _happened(self, event: Event) -> None:
        self._loop.call_soon_threadsafe(self._draw_soon)
        if isinstance(event, CaseOpened | CaseAnswered):
            self._loop.call_soon_threadsafe(self._announce, event)

    def _announce(self, event: CaseOpened | CaseAnswered) -> None:
        """Tells of a case in one line, but for what is done here: that has its own."""
        several = len(desks_of(self._runtime.system)) > 1
        if isinstance(event, CaseOpened):
            self.note(cases.opened(event, several=several), style="yellow")
        elif event.by != person():
            self.note(cases.closed(event, several=several))

    def _draw_soon(self, delay: float = SOON) -> None:
        now = self._loop.time()
        due = max(now + delay, self._earliest)
        if self._live is None or (self._timer is not None and self._due <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due, self._timer = due, self._loop.call_at(due, self._draw)

    def _draw(self) -> None:
        """Draws the board anew, and again in a while if a task is in hand."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._live is None:
            return
        begun = self._loop.time()
        tree = self._runtime.snapshot()
        if tree is not None:
            now, size = self._runtime.system.clock.monotonic(), self._console.size
            self._board = board(tree, self._activity, now, width=size.width, height=max(3, size.height - 4))
        self._live.refresh()
        ended = self._loop.time()
        self._earliest = ended + COSTLY * (ended - begun)
        if self._activity.in_hand:
            self._draw_soon(TICK)

    def _view(self) -> RenderableType:
        waiting = self._typed.qsize() - self._ended
        title = Text(self._title, style="bold")
        title.append(f"   {waiting} waiting" if waiting else "", style="yellow not bold")
        title.append("   /help", style="dim not bold")
        return Group(Text(""), title, self._board, self._prompt.draw(self._console.width))

    # What is typed.

    def _press(self, keys: str) -> None:
        for line in self._prompt.feed(keys):
            self._obey(line) if line.startswith("/") else self._typed.put_nowait(line)
        if not keys or self._prompt.ended:
            self._end()
        if self._live is not None:
            self._live.refresh()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._typed.put_nowait(None)

    def _obey(self, command: str) -> None:
        verb, _, words = command.partition(" ")
        match verb:
            case "/quit" | "/exit":
                self._end()
            case "/tree":
                self._print_tree()
            case "/desk":
                self._begin(command, cases.desk(self._runtime, words))
            case "/dlq":
                self._begin(command, letters.dlq(self._runtime, words))
            case "/help":
                self._console.print(Text(HELP, style="dim"))
            case _:
                self.note(f"{command}: there is no such command; /help lists them")

    def _print_tree(self) -> None:
        tree = self._runtime.snapshot()
        if tree is not None:
            self._console.print(board(tree, self._activity, self._runtime.system.clock.monotonic()))

    def _begin(self, command: str, work: AsyncIterator[RenderableType]) -> None:
        """Does what takes its time, while tasks run and others are typed."""
        task = asyncio.create_task(self._carry_out(command, work), name=command)
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)

    async def _carry_out(self, command: str, work: AsyncIterator[RenderableType]) -> None:
        self._console.print(Text(f"> {one_line(command)}", style="bold"))
        try:
            async for shown in work:
                self._console.print(shown)
        except (Mistake, TreewardError) as error:
            self.note(str(error), style="red")
        except Exception as error:  # noqa: BLE001 - whatever the recipient of a redriven message has answered with
            self.note(describe(error), style="red")
