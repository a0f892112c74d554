"""A running tree's dead letters, for people: list, show, redrive and purge them, from any thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ..runtime.errors import SystemClosed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from ..runtime.dead_letters import DeadLetter, DeadLetters
    from ..runtime.system import ActorSystem

__all__ = ["LettersHandle"]

T = TypeVar("T")


class LettersHandle:
    """The dead letters, as `Runtime.dead_letters` has them: see `runtime.dead_letters`.

    `redrive` and `redrive_all` are as `Runtime.run`: awaited on a loop, blocking in a thread. All else comes at once,
    from any thread, and also when the runtime has ended.
    """

    __slots__ = ("_here", "_system")

    def __init__(self, system: ActorSystem, here: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._system = system
        self._here = here

    def __len__(self) -> int:
        """The number of all dead letters so far, those no longer kept included."""
        return self._now(self._letters.__len__)

    def __iter__(self) -> Iterator[DeadLetter]:
        """The letters that are kept, oldest first."""
        return iter(self.list())

    @property
    def counts(self) -> dict[str, int]:
        """How many dead letters there have been, by reason; those that are gone again count too."""
        return self._now(lambda: dict(self._letters.counts))

    @property
    def dropped(self) -> int:
        """How many letters were not kept any longer, to make room for later ones."""
        return self._letters.dropped

    @property
    def redriven(self) -> int:
        """How many letters were given again."""
        return self._letters.redriven

    @property
    def purged(self) -> int:
        """How many letters were thrown away."""
        return self._letters.purged

    def list(self, reason: str | None = None) -> tuple[DeadLetter, ...]:
        """Returns the letters that are kept, oldest first: all of them, or those of one reason."""
        return self._now(self._letters.list, reason)

    def show(self, letter: str) -> DeadLetter:
        """Returns one letter by its id, such as `dl-12`. Raises `UnknownLetter`."""
        return self._now(self._letters.show, letter)

    def redrive(self, letter: str) -> Any:
        """Gives a letter's message to its recipient again; returns the reply, of a task its `Outcome`.

        A task gets all its attempts again, and a quarantine that it is in is lifted. What fails once more is a new
        letter.

        Raises:
            UnknownLetter: there is no such letter.
            CannotRedrive: the recipient is gone; the letter stays.
            ActorError: what became of the message this time; so does what the recipient answers with.
        """
        return self._here(self._letters.redrive(letter))

    def redrive_all(self, reason: str | None = None) -> Any:
        """Redrives all letters that are kept, or those of one reason, at once.

        Returns a mapping of what became of each by its id: the reply, or the exception.
        """
        return self._here(self._letters.redrive_all(reason))

    def purge(self, letter: str | None = None, *, reason: str | None = None) -> int:
        """Throws letters away, and returns how many: one by its id, those of one reason, or else all.

        Raises:
            UnknownLetter: there is no letter of that id.
        """
        return self._now(lambda: self._letters.purge(letter, reason=reason))

    @property
    def _letters(self) -> DeadLetters:
        return self._system.dead_letters

    def _now(self, func: Callable[..., T], *args: Any) -> T:
        try:
            return self._system.result_of(func, *args)
        except SystemClosed:  # nothing runs any more that could be in the way
            return func(*args)
