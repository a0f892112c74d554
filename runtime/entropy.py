"""Randomness and ids, from one seed. No other file asks for either."""

from __future__ import annotations

import random

__all__ = ["Entropy"]


class Entropy:
    """A seeded source of random streams and of ids.

    Each named stream has its own sequence, so that a further draw in one place does not change what another
    place sees. Without a seed, the operating system gives one; `seed` shows it, so that a run can be
    repeated.
    """

    __slots__ = ("_ids", "_streams", "seed")

    def __init__(self, seed: int | None = None) -> None:
        self.seed = random.SystemRandom().getrandbits(64) if seed is None else seed
        self._streams: dict[str, random.Random] = {}
        self._ids = self.stream("ids")

    def stream(self, name: str) -> random.Random:
        """Returns the random stream of that name; the same one at every call."""
        found = self._streams.get(name)
        if found is None:
            found = self._streams[name] = random.Random(f"{self.seed}/{name}")
        return found

    def new_id(self) -> str:
        """Returns 128 random bits as 32 hexadecimal digits."""
        return f"{self._ids.getrandbits(128):032x}"
