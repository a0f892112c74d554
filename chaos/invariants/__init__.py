"""What has to hold in every run, and what is seen of one.

Read in this order; a file imports only files before it.

    log            what was seen, and queries over it
    invariant      the base of all invariants; a violation
    checked        a function of the run as an invariant
    watch          all invariants of one run together
    held           for how long nothing could run
    tasks          I1, I2: tasks end, once, in time, after no more attempts than they may have
    messages       I1: what is in a mailbox is not lost
    replies        I2: a reply is settled once
    judged         I2: what goes on has been accepted
    breakers       I2: what is behind a breaker stays there
    budgets        I2: what is spent stays within limits
    lives          I4: one life at an address, and no orphans
    families       our own model of supervision
    kin            the lives of all children, followed from outside
    restarts       I5, I6, I9: who is restarted, with whom, how often, and why
    recovery       I7: after healing, all is well again
    leftovers      I8: nothing is left
    standard       the ones that every run is checked for
    assertions     claims that code makes about itself
    catalogue      the claims in a program's source
    parity         what is the same with faults as without
"""

from __future__ import annotations

from .assertions import always, reachable, sometimes, unreachable
from .catalogue import declared
from .invariant import Invariant, Violation
from .log import Entry, Log
from .parity import differences
from .standard import standard
from .watch import Watch

__all__ = [
    "Entry",
    "Invariant",
    "Log",
    "Violation",
    "Watch",
    "always",
    "declared",
    "differences",
    "reachable",
    "sometimes",
    "standard",
    "unreachable",
]
