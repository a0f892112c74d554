"""Trees: declared structure, in YAML or in Python, and its way to a running tree.

In reading order; a file imports only from those above it.

    problems      what is wrong, where, and how to mend it: Problem, TreeError
    environment   ${NAME} in texts, and the texts that came from there
    scalars       what plain words of YAML mean
    located       mappings and lists that know where they stand in a file
    source        safe YAML: from a text to those mappings
    values        durations, ids, numbers, texts
    policies      intensity, backoff, mailbox
    fields        what several kinds of node have
    rules         what holds between the fields of a tree
    spec          the model: Tree and its nodes
    export        a tree as YAML
    messages      from pydantic's errors to problems
    names         which class `use` means, behind the allow-list
    arguments     whether `with` fits the class
    files         a file with its includes and policies in their places
    load          all of the above: load_tree
    schema        JSON Schema, and the reference made from it
    render        a tree as text, Mermaid, Graphviz, JSON
    diff          two trees: the steps from one to the other
    build         a tree as the supervisors' specs
    runtime       a tree that runs
    library/      trees that ship with Treeward
"""

from .diff import Move, Reconfigure, Restart, Start, Step, Stop, diff
from .export import to_yaml
from .load import load_tree
from .policies import Backoff, Intensity, Mailbox, Policies
from .problems import Problem, TreeError
from .render import render
from .runtime import Runtime
from .schema import json_schema, reference_markdown
from .spec import AgentNode, DynamicNode, PoolNode, SupervisorNode, Template, Tree

__all__ = [
    "AgentNode",
    "Backoff",
    "DynamicNode",
    "Intensity",
    "Mailbox",
    "Move",
    "Policies",
    "PoolNode",
    "Problem",
    "Reconfigure",
    "Restart",
    "Runtime",
    "Start",
    "Step",
    "Stop",
    "SupervisorNode",
    "Template",
    "Tree",
    "TreeError",
    "diff",
    "json_schema",
    "load_tree",
    "reference_markdown",
    "render",
    "to_yaml",
]
