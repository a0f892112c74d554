"""Chaos: trees of agents under faults, in virtual time, from a seed; and the same faults in a tree that runs.

Read in this order; a file imports only files before it.

    simulation/   an event loop whose time, order and randomness come from a seed
    plans/        what may go wrong, written down
    faults/       what lets it happen
    invariants/   what has to hold all the same, and what is seen of a run
    world         one run's facts, for whoever checks them
    state         where a run's state lies
    coverage      what runs have come by
    ends          how a run ends that does not come to its end
    metrics       the numbers by which a plan is given up
    phases        well at first, work and faults, healing, well again
    subject       a tree under a plan, looked up once for all seeds
    trial         one seed: its phases, and verdicts
    timeline      a run as lines for people
    verdict       what is kept of a run
    crew          processes that work on seeds side by side
    campaign      many seeds
    shrink        the fewest faults that still fail
    report        what a campaign has found, for people and for machines
    permission    who may let faults loose on a tree that runs, and how far
    live          a plan against a tree that runs
    testing/      all of it in pytest
"""

from __future__ import annotations
