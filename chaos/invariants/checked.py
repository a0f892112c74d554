"""A plain function of the run as an invariant: asked once, when the tree is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .invariant import Invariant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..world import World

__all__ = ["checked"]


def checked(check: Callable[[World], Iterable[str] | None]) -> type[Invariant]:
    """Returns the kind of invariant that asks a function of the run once the tree is closed.

        def refunds_are_made_once(world):
            '''A charge is refunded once at most.'''
            for charge, refunds in read(world.state):
                if len(refunds) > 1:
                    yield f"charge {charge} was refunded {len(refunds)} times"

    It returns or yields a text for each thing that does not hold: what was seen, and what was expected. The invariant's
    name is the function's, and what has to hold is the first line of the docstring. The files of the run are in
    `world.state`, its requests with their outcomes in `world.requests`.
    """
    words = (check.__doc__ or "").strip().partition("\n")[0]
    return type(check.__name__, (_Checked,), {"name": check.__name__, "what": words, "check": staticmethod(check)})


class _Checked(Invariant):
    check: Any

    def closed(self, world: World) -> None:
        """Asks the function."""
        for text in self.check(world) or ():
            self.violated(text)
