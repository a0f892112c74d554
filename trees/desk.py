"""A running tree's desk, for people: list, read, answer, return and drop its cases, and hear of answers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from ..agents.calls import ToolCall, ask_owner
from ..agents.case import Case, case_of
from ..agents.desk import Listening
from ..agents.directory import directory_of
from ..agents.errors import NoDesk
from ..agents.waiting import audience_of
from ..runtime.errors import SystemClosed
from ..supervisors.escalation import DESK

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from ..agents.desk import Shown
    from ..runtime.ref import Ref
    from ..runtime.system import ActorSystem

__all__ = ["DeskHandle", "desks_of"]

TRIES = 3
"""How often a desk that crashes over a call is asked, each time with the same key: what it did is done once."""
LIMIT = 30.0
"""Seconds that a call may take."""


def desks_of(system: ActorSystem) -> tuple[str, ...]:
    """Returns the paths of the desks, those that are being restarted included. On the runtime's loop."""
    return tuple(ref.path for ref in directory_of(system).who(DESK))


class DeskHandle:
    """The calls of a desk, as `Runtime.desk` has them. As `Runtime.run`: awaited on a loop, blocking in a thread.

    Each call raises `NoDesk` if there is no desk there (or, where none is named, more than one), `UnknownCase` for an
    id that no case has, `ToolRefused` for what cannot be done any more, and `ToolUnavailable` if the desk does not
    answer within 30 s.
    """

    __slots__ = ("_here", "_path", "_system")

    def __init__(
        self, system: ActorSystem, here: Callable[[Coroutine[Any, Any, Any]], Any], path: str | None = None
    ) -> None:
        self._system = system
        self._here = here
        self._path = path

    def list(self, state: Shown = "open") -> Any:
        """Returns the cases in that state, or `all`, as a tuple of `Case`, oldest first."""
        return self._here(self._list(state))

    def show(self, case: str) -> Any:
        """Returns one `Case` by its id, such as `case-12`."""
        return self._here(self._decided("show", case=case))

    def answer(self, case: str, text: str, *, by: str) -> Any:
        """Answers a case; returns it. Whoever waits for it gets the text as the answer to the task."""
        return self._here(self._decided("answer", case=case, text=text, by=by))

    def return_(self, case: str, note: str, *, by: str) -> Any:
        """Has a case's task tried again, with the note as feedback; returns the case.

        Whoever waits for the case tries again; if nobody does, the desk gives the task to the agent that had it, and
        the case is answered with what comes of it, or open again.
        """
        return self._here(self._decided("return_case", case=case, note=note, by=by))

    def drop(self, case: str, reason: str, *, by: str) -> Any:
        """Closes a case without an answer; returns it. The task has failed."""
        return self._here(self._decided("drop", case=case, reason=reason, by=by))

    def on_answer(self, callback: Callable[[Case], object]) -> Callable[[], None]:
        """Calls `callback` with each case that is answered, returned or dropped from now on; returns what ends that.

        From any thread, at once. The callback runs on the runtime's loop; what it raises is reported, and changes
        nothing. What other processes do with a shared file of cases is heard of within a second.
        """
        errand = self._system.result_of(self._listen, callback)

        def forget() -> None:
            with contextlib.suppress(SystemClosed):
                self._system.call(errand.cancel)

        return forget

    def _listen(self, callback: Callable[[Case], object]) -> asyncio.Task[None]:
        ref = self._ref()
        audience = audience_of(self._system, ref.path)
        errand = self._system.errand(self._stay(), f"{ref.path} on_answer")
        audience.add(callback)
        errand.add_done_callback(lambda _: audience.remove(callback))
        ref.tell(Listening())
        return errand

    async def _stay(self) -> None:
        await self._system.loop.create_future()

    async def _list(self, state: Shown) -> tuple[Case, ...]:
        return tuple(case_of(case) for case in await self._call("list", state=state))

    async def _decided(self, tool: str, **arguments: str) -> Case:
        return case_of(await self._call(tool, **arguments))

    async def _call(self, tool: str, **arguments: str) -> Any:
        ref, clock = self._ref(), self._system.clock
        owner = directory_of(self._system).profile(ref).namespace or ref.path.rpartition("/")[2]
        key, until = self._system.entropy.new_id(), clock.monotonic() + LIMIT
        return await ask_owner(ref, ToolCall(f"{owner}.{tool}", arguments, key, deadline=until), TRIES, clock)

    def _ref(self) -> Ref[Any]:
        desks = {ref.path: ref for ref in directory_of(self._system).who(DESK)}
        if self._path is not None and self._path in desks:
            return desks[self._path]
        if self._path is not None or len(desks) != 1:
            raise NoDesk(tuple(desks), self._path)
        return next(iter(desks.values()))
