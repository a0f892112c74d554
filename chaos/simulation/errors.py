"""What a simulation says when it cannot go on.

Exception
├── SimulationEscape    the code wanted something that the simulation does not control
└── AssertionError
    ├── Deadlock        everything waits, and nothing can ever happen again
    └── Livelock        much happens, and time does not pass
"""

from __future__ import annotations

__all__ = ["Deadlock", "Livelock", "SimulationEscape"]


class SimulationEscape(Exception):
    """Code in a simulation wanted something real: a socket, a process, a sleep that holds the loop.

    It ends the run, whether or not the code that it was raised in lets it through.

    Attributes:
        wanted: what was tried, such as `socket.connect(('example.org', 80))`.
        who: the task, actor or thread that tried, and the line.
        instead: what to do.
    """

    def __init__(self, wanted: str, who: str, instead: str) -> None:
        self.wanted = wanted
        self.who = who
        self.instead = instead
        super().__init__(f"{wanted} is not simulated; it was tried by {who}. {instead}")


class Deadlock(AssertionError):
    """Nothing is ready and no timer is set: what waits will wait for ever. `waiting` has a line for each."""

    def __init__(self, now: float, waiting: tuple[str, ...]) -> None:
        self.now = now
        self.waiting = waiting
        lines = "".join(f"\n  {line}" for line in waiting) or "\n  (nothing waits: the loop runs for nobody)"
        super().__init__(f"at {now:g} s nothing can ever happen again; {len(waiting)} wait:{lines}")


class Livelock(AssertionError):
    """`steps` steps have been made and time has not passed. `waiting` says where everybody is."""

    def __init__(self, now: float, steps: int, waiting: tuple[str, ...]) -> None:
        self.now = now
        self.steps = steps
        self.waiting = waiting
        lines = "".join(f"\n  {line}" for line in waiting)
        super().__init__(f"at {now:g} s {steps} steps were made and time did not pass; who is there:{lines}")
