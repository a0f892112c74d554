"""Which seeds a test runs with: from its marker, from the command line, from those that have failed before."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_POLICY", "POLICIES", "InvalidMarker", "Run", "Seeds", "marked", "seed_of", "seeds_of"]

POLICIES = ("fifo", "random", "pct")
DEFAULT_POLICY = "random"
DEFAULT_SEEDS = 20

_RANGE = re.compile(r"\s*(\d+)\s*\.\.\s*(\d+)\s*")
_LEGAL = "a number of them such as 200, a range such as '100..199' (both ends included), or a list of numbers"
_KNOWN = ("seeds", "policy")


class InvalidMarker(ValueError):
    """The marker `chaos`, or an option of the command line, says something that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a test: its seed, and how ready tasks take turns."""

    seed: int = 0
    policy: str = DEFAULT_POLICY


@dataclass(frozen=True, slots=True)
class Seeds:
    """What a marker says: the seeds of its test, in their order, and the policy."""

    seeds: tuple[int, ...] = (0,)
    policy: str = DEFAULT_POLICY

    def runs(self, kept: Iterable[Run] = ()) -> tuple[Run, ...]:
        """Returns the runs, none twice: those that were kept first."""
        return tuple(dict.fromkeys([*kept, *(Run(seed, self.policy) for seed in self.seeds)]))


def marked(args: tuple[Any, ...], options: Mapping[str, Any]) -> Seeds:
    """Returns what `@pytest.mark.chaos(*args, **options)` says. Raises `InvalidMarker`."""
    unknown = sorted(set(options) - set(_KNOWN))
    if args or unknown:
        what = f"positional arguments {args!r}" if args else f"{', '.join(unknown)}"
        raise InvalidMarker(f"the marker chaos takes {' and '.join(f'{name}=' for name in _KNOWN)}, not {what}")
    return Seeds(seeds_of(options.get("seeds", DEFAULT_SEEDS)), policy_of(options.get("policy", DEFAULT_POLICY)))


def policy_of(given: Any) -> str:
    """Returns the name of a policy. Raises `InvalidMarker` for one that is not there."""
    if given not in POLICIES:
        raise InvalidMarker(f"policy is one of {', '.join(POLICIES)}, not {given!r}")
    return str(given)


def seeds_of(given: Any) -> tuple[int, ...]:
    """Returns the seeds that a number of them, a range as text, or a list means. Raises `InvalidMarker`."""
    if isinstance(given, str):
        return _in_range(given) if ".." in given else _so_many(given)
    if isinstance(given, int) and not isinstance(given, bool) and given > 0:
        return tuple(range(given))
    if isinstance(given, Iterable):
        found = tuple(given)
        if found and all(isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 for seed in found):
            return found
    raise InvalidMarker(f"seeds is {_LEGAL}, not {given!r}")


def _in_range(text: str) -> tuple[int, ...]:
    found = _RANGE.fullmatch(text)
    seeds = range(int(found[1]), int(found[2]) + 1) if found else range(0)
    if not seeds:
        raise InvalidMarker(f"seeds is {_LEGAL}, not {text!r}")
    return tuple(seeds)


def _so_many(text: str) -> tuple[int, ...]:
    number = int(text) if text.strip().isdecimal() else 0
    if not number:
        raise InvalidMarker(f"seeds is {_LEGAL}, not {text!r}")
    return tuple(range(number))


def seed_of(text: str) -> int:
    """Returns one seed, as the command line has it. Raises `InvalidMarker`."""
    if not text.strip().isdecimal():
        raise InvalidMarker(f"a seed is a number, 0 or more, not {text!r}")
    return int(text)
