"""Who takes part: the peers that are on this machine, each with its Python, its version and its programs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .environments import interpreter, lacking
from .process import ProgramFailed, answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .lineup import Peer

__all__ = ["Absent", "Entrant", "entrant"]

PATIENCE = 120.0
"""Seconds within which a peer has to be imported."""


class Absent(Exception):
    """A peer cannot take part; one line says why."""


@dataclass(frozen=True)
class Entrant:
    """A peer that is here. `modules` says where each of its cases is; `environment` is of variables, None for none."""

    peer: Peer
    python: Path
    environment: Mapping[str, str | None]
    version: str
    modules: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its peer's."""
        return self.peer.name


def entrant(peer: Peer, into: Path) -> Entrant:
    """Returns a peer as it is here; `into` has the environments.

    Raises:
        Absent: its program or its environment is not there, or does not work.
    """
    if not peer.present:
        raise Absent(f"{peer.needs} is not installed")
    if peer.venv is None:
        return _described(peer, Path(sys.executable), peer.environment)
    why = lacking(peer.venv, into)
    if why is not None:
        raise Absent(why)
    return _described(peer, interpreter(peer.venv, into), {**peer.environment, "PYTHONPATH": None})


def _described(peer: Peer, python: Path, environment: Mapping[str, str | None]) -> Entrant:
    try:
        said = answer(python, ("describe", *peer.modules), environment, PATIENCE)
    except (ProgramFailed, OSError, ValueError) as error:
        raise Absent(f"it does not work: {error}") from error
    return Entrant(peer, python, environment, said["version"], said["modules"])
