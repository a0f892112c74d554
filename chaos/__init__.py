"""Chaos: trees of agents under faults, in virtual time, from a seed; and the same faults in a tree that runs.

Read in this order; a file imports only files before it.

    simulation/   an event loop whose time, order and randomness come from a seed
    faults/       what may go wrong, written down as a plan, and what lets it happen
    invariants/   what has to hold all the same, and what is seen of a run
    world         one run's facts, for whoever checks them
    trial         one seed: work, faults, healing, verdicts
    campaign      many seeds
    shrink        the fewest faults that still fail
    report        what a campaign has found, for people and for machines
    live          a plan against a tree that runs
    testing/      all of it in pytest
"""

from __future__ import annotations
