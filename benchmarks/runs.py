"""Runs everybody: each run in a process of its own, the repeats as the outer loop.

So a busy minute of the machine falls on all peers alike, and none inherits another's memory or garbage.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .measure import Measured

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .cases import Case
    from .lineup import Peer

__all__ = ["Plan", "Run", "runs"]

CHECKOUT = Path(__file__).resolve().parent.parent
SMALLEST = 2


@dataclass(frozen=True)
class Plan:
    """Which cases of which peers to run, how often, with n times `scale`, for `timeout` seconds at most."""

    cases: tuple[Case, ...]
    peers: tuple[Peer, ...]
    repeat: int = 3
    scale: float = 1.0
    timeout: float = 300.0
    collect: bool = True
    """Whether Python collects its cyclic garbage."""
    loop: str = "asyncio"
    """The library whose event loop the peers in Python run on."""

    def steps(self) -> Iterator[tuple[int, Case, Peer]]:
        """Yields what to run, in order."""
        for repeat in range(self.repeat):
            for case in self.cases:
                for peer in self.peers:
                    if case.name in _programs(peer):
                        yield repeat, case, peer

    def size(self, case: Case, peer: Peer) -> int:
        """Returns n for a case of a peer."""
        return max(SMALLEST, round(peer.sizes.get(case.name, case.n) * self.scale))


@dataclass(frozen=True)
class Run:
    """What one process measured; or why it did not."""

    repeat: int
    case: str
    peer: str
    n: int
    measured: Measured | None
    error: str | None = None


def runs(plan: Plan) -> Iterable[Run]:
    """Carries a plan out; yields each run as it ends."""
    for repeat, case, peer in plan.steps():
        n = plan.size(case, peer)
        try:
            yield Run(repeat, case.name, peer.name, n, _measured(peer, case.name, n, plan))
        except (ValueError, TypeError) as error:
            yield Run(repeat, case.name, peer.name, n, None, str(error))


def _programs(peer: Peer) -> Iterable[str]:
    return importlib.import_module(f"benchmarks.peers.{peer.module}").PROGRAMS  # type: ignore[no-any-return]


def _measured(peer: Peer, case: str, n: int, plan: Plan) -> Measured:
    options = {"BENCHMARK_LOOP": plan.loop, **({} if plan.collect else {"BENCHMARK_NO_GC": "1"})}
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.one", peer.module, case, str(n)],
        cwd=CHECKOUT,
        env={**os.environ, **peer.environment, **options},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=plan.timeout)
    except subprocess.TimeoutExpired:
        raise ValueError(f"no end after {plan.timeout:g} s") from None
    finally:
        _end(process)
    if process.returncode:
        raise ValueError((err.strip().splitlines() or [f"exit code {process.returncode}"])[-1])
    return Measured(**json.loads(out.splitlines()[-1]))


def _end(process: subprocess.Popen[str]) -> None:
    """Ends a run that is not over, and whatever it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
