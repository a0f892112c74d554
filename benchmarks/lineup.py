"""Who takes part: each peer, the module that has its programs, and the sizes that it can manage."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PEERS", "Peer"]


@dataclass(frozen=True)
class Peer:
    """One way to have actors, or to orchestrate agents. `sizes` are its own n for cases whose usual n it cannot reach.

    `needs` is a program that has to be installed; `venv` the environment of its own, a name of `environments.PINNED`.
    """

    name: str
    caption: str
    modules: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    needs: str | None = None
    venv: str | None = None

    @property
    def present(self) -> bool:
        """Whether the program that it needs is on this machine."""
        return self.needs is None or shutil.which(self.needs) is not None


_THREADS = {"spawn": 1_000, "memory": 1_000, "memory_used": 1_000}

_ALL = (
    Peer("floor", "floor", ("floor",)),
    Peer("asyncio", "asyncio task + queue", ("asyncio_tasks",)),
    Peer("pykka", "pykka", ("pykka_threads",), sizes=_THREADS),
    Peer("erlang", "Erlang/OTP", ("erlang_otp",), needs="erlc"),
    Peer("erlang-1", "Erlang/OTP, 1 scheduler", ("erlang_otp",), {"BENCHMARK_SCHEDULERS": "1"}, needs="erlc"),
    Peer("treeward", "Treeward", ("treeward_actors",)),
)

PEERS = {peer.name: peer for peer in _ALL}
