"""What the business says no to, and what goes wrong around it.

ToolRefused
└── Refused            understood, and must not be done; its text is a sentence for the customer
TreewardError
├── KeyReused          one idempotency key, two different effects: a fault of the caller
└── StoreUnusable      the database file cannot be used: `path`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....agents.errors import ToolRefused
from ....runtime.errors import TreewardError
from .records import Facts

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KeyReused", "Refused", "StoreUnusable"]


class Refused(ToolRefused):
    """The request is understood and must not be done; nothing was written.

    Its text is a sentence for the customer. `rule` is one word for programs and tables, such as
    `already_refunded`; `known` are the facts that the sentence rests on.
    """

    def __init__(self, rule: str, sentence: str, known: Facts | None = None) -> None:
        super().__init__(sentence)
        self.rule = rule
        self.known = known or Facts()


class KeyReused(TreewardError):
    """An idempotency key came back with another effect than the one it was first used for."""

    def __init__(self, key: str, first: str, now: str) -> None:
        super().__init__(f"idempotency key {key!r} stands for {first}, and now came with {now}; give each its own key")
        self.key = key


class StoreUnusable(TreewardError):
    """The file at `path` is not a support database, or one of another version."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}; move it away, or name another file")
        self.path = path
