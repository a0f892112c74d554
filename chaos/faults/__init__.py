"""What lets the faults of a plan happen: in a simulation, and in a tree that runs.

Read in this order; a file imports only files before it.

    fired         a fault that has happened
    corruption    changes a value as something that goes wrong would
    crashes       which exception, and when
    turn          one fault whose turn it is
    memory        values that were right once
    wall          a wall clock that jumps, or stands still
    waits         everything that hangs
    held          what is held back on its way
    ballast       memory that leaks
    poison        messages that kill
    delegation    tasks that are passed on without end
    armed         one fault of a plan while it is armed
    sends         what faults do with a value on its way
    calls         what faults do with a call
    timed         faults that come at their times
    injector      all of it, armed in one actor system
"""

from __future__ import annotations

from .fired import Fired, Occurrence
from .injector import Injector

__all__ = ["Fired", "Injector", "Occurrence"]
