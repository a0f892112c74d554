"""Treeward: all of its programs, which lie in several files."""

from __future__ import annotations

from . import treeward_actors, treeward_storms, treeward_tasks, treeward_ways

VERSION = treeward_actors.VERSION
PROGRAMS = {
    **treeward_actors.PROGRAMS,
    **treeward_storms.PROGRAMS,
    **treeward_ways.PROGRAMS,
    **treeward_tasks.PROGRAMS,
}
