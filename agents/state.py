"""Where state lives: databases of desks and examples."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["VARIABLE", "state_dir", "state_path"]

VARIABLE = "TREEWARD_STATE_DIR"
"""The environment variable that names another directory."""


def state_dir() -> Path:
    """Returns the directory for state, which need not exist: the environment's, or else the platform's."""
    return Path(os.environ.get(VARIABLE) or platformdirs.user_state_path("treeward")).absolute()


def state_path(path: str | Path) -> Path:
    """Returns a path as it is if it is absolute, or else as one below the state directory."""
    return state_dir() / path
