"""The process's randomness: within a simulation it comes from the seed.

Each kind has a stream of its own, so that a further id changes neither what the world draws nor the order of steps.
"""

from __future__ import annotations

import contextlib
import os
import random
import uuid  # noqa: TID251 - what it replaces
from typing import TYPE_CHECKING, Any

from .place import here

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .loop import SimLoop
    from .patching import Patches

__all__ = ["patch_entropy", "seeded_random"]

GREGORIAN = 0x01B21DD213814000
"""The beginning of 1970, as version 1 of a UUID counts: in steps of 100 nanoseconds since 1582 (RFC 9562, 5.1)."""

STEPS_PER_SECOND = 10_000_000


def patch_entropy(patches: Patches) -> None:
    """Replaces `os.urandom`, on which `secrets`, `SystemRandom` and `uuid4` stand, `uuid1`, and the seedless seed."""
    seed, uuid1 = random.Random.seed, uuid.uuid1
    urandom = os.urandom  # noqa: TID251 - what it replaces

    def sim_urandom(size: int, /) -> bytes:
        place = here()
        return urandom(size) if place is None else place.loop.entropy.randbytes(size)

    def sim_uuid1(node: int | None = None, clock_seq: int | None = None) -> uuid.UUID:
        place = here()
        return uuid1(node, clock_seq) if place is None else _uuid1(place.loop, node, clock_seq)

    def sim_seed(self: random.Random, a: Any = None, version: int = 2) -> None:
        place = here()
        seed(self, place.loop.entropy.getrandbits(256) if a is None and place is not None else a, version)

    patches.everywhere(urandom, sim_urandom)
    patches.everywhere(uuid1, sim_uuid1)
    patches.set(random.Random, "seed", sim_seed)


def _uuid1(loop: SimLoop, node: int | None, clock_seq: int | None) -> uuid.UUID:
    ticks = round(loop.wall() * STEPS_PER_SECOND) + GREGORIAN
    node = loop.entropy.getrandbits(48) | 1 << 40 if node is None else node  # the bit says that it is no address
    clock_seq = loop.entropy.getrandbits(14) if clock_seq is None else clock_seq
    fields = (
        ticks & 0xFFFFFFFF,
        ticks >> 32 & 0xFFFF,
        ticks >> 48 & 0x0FFF,
        clock_seq >> 8 & 0x3F,
        clock_seq & 0xFF,
        node,
    )
    return uuid.UUID(fields=fields, version=1)


@contextlib.contextmanager
def seeded_random(loop: SimLoop) -> Iterator[None]:
    """Seeds the functions of the module `random`, and gives them back the state that they had."""
    state = random.getstate()
    random.seed(f"random/{loop.seed}")  # noqa: TID251 - others use it
    try:
        yield
    finally:
        random.setstate(state)
