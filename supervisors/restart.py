"""Which death is followed by a restart. The table is that of OTP's `supervisor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..runtime.exits import ExitReason, is_orderly

if TYPE_CHECKING:
    from .spec import Restart

__all__ = ["is_restarted"]

_TABLE: dict[tuple[Restart, bool], bool] = {
    # restart type, orderly end: restarted?
    ("permanent", True): True,
    ("permanent", False): True,
    ("transient", True): False,
    ("transient", False): True,
    ("temporary", True): False,
    ("temporary", False): False,
}


def is_restarted(restart: Restart, reason: ExitReason) -> bool:
    """Tells whether a child of this restart type that ended by itself for this reason is started again."""
    return _TABLE[restart, is_orderly(reason)]
