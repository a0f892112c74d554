"""Which class `use` means, and which it may not mean."""

# ruff: noqa: E501 - a row of a table is one line

import json
from importlib.metadata import EntryPoint

import pytest

from treeward.trees import names
from treeward.trees.names import BUILT_IN, Names
from treeward.trees.problems import TreeError


def refusal(finder, use):
    with pytest.raises(TreeError) as caught:
        finder.find(use)
    return str(caught.value)


@pytest.fixture
def installed(monkeypatch):
    points = [
        EntryPoint("clerk", "zoo.actors:Plain", names.GROUP),
        EntryPoint("ghost", "zoo.gone:Ghost", names.GROUP),
    ]
    monkeypatch.setattr(names, "entry_points", lambda *, group: points if group == names.GROUP else [])


@pytest.mark.parametrize("use", sorted(BUILT_IN))
def test_what_ships_can_be_used(use):
    """Each built-in short name leads to a class of actors."""
    assert Names().find(use).__name__ == BUILT_IN[use].partition(":")[2]


@pytest.mark.parametrize("allow", [("zoo",), ("zoo.actors",), ("other", "zoo")])
def test_an_allowed_module(actors, allow):
    """A class may be named in full where its module or a package around it is allowed."""
    assert Names(allow).find("zoo.actors:Plain").__name__ == "Plain"


@pytest.mark.parametrize("allow", [(), ("zo",), ("zoo.actors.deep",), ("zoo.act",), ("ZOO",), ("",)])
def test_a_module_that_is_not_allowed(actors, allow):
    """A module is not imported unless it is allowed by its whole name; the refusal says how to allow it."""
    finder = Names(allow)
    assert refusal(finder, "zoo.raises:X") == (
        "the module 'zoo.raises' is not allowed; expected a class from an allowed module; allow it with --allow zoo, or allow=['zoo']"
    )


def test_installed_packages_register_names(actors, installed):
    """An entry point is a short name, and makes the classes of its module nameable."""
    assert Names().find("clerk").__name__ == "Plain"
    assert Names().find("zoo.actors:Desk").__name__ == "Desk"
    assert refusal(Names(), "zoo.raises:X").startswith("the module 'zoo.raises' is not allowed")
    assert (
        refusal(Names(), "ghost")
        == "there is no module 'zoo.gone'; expected a module that can be imported; wanted for zoo.gone"
    )


def test_an_unknown_short_name(actors, installed):
    """The registered names are listed, and the nearest is offered."""
    finder = Names(built_in={"rules": "zoo.actors:Plain"})
    assert refusal(finder, "rulez") == (
        "no class is registered as 'rulez'; expected one of clerk, ghost, rules, or module:Class; did you mean 'rules'?"
    )


def test_what_ships_stands_before_what_is_installed(actors, installed):
    """No installed package can take a built-in name over."""
    assert Names(built_in={"clerk": "zoo.actors:Desk"}).find("clerk").__name__ == "Desk"


REFUSED = {
    "a function": ("zoo.actors:factory", "zoo.actors:factory is not a class of actors; expected a subclass of treeward.Actor or of pykka.Actor"),
    "a value": ("zoo.actors:VALUE", "zoo.actors:VALUE is not a class of actors; expected a subclass of treeward.Actor or of pykka.Actor"),
    "a module": ("zoo.actors:subprocess", "zoo.actors:subprocess is not a class of actors; expected a subclass of treeward.Actor or of pykka.Actor"),
    "another class": ("zoo.actors:NoActor", "zoo.actors:NoActor is not a class of actors; expected a subclass of treeward.Actor or of pykka.Actor"),
    "an abstract class": (
        "zoo.actors:Abstract",
        "zoo.actors:Abstract is abstract: it lacks _create_actor_inbox, _create_future and _start_actor_loop; expected a class that can be instantiated",
    ),
    "no such class": (
        "zoo.actors:Dsk",
        "the module 'zoo.actors' has no class 'Dsk'; expected one of Abstract, Checked, Configured, Desk, Nested, Odd, Old, Open, Parts, Plain, Strange, Strict; did you mean 'Desk'?",
    ),
    "no actors at all": ("zoo:X", "the module 'zoo' has no class 'X'; expected a class of actors: the module has none"),
    "no such module": ("zoo.gone:X", "there is no module 'zoo.gone'; expected a module that can be imported; wanted for zoo.gone"),
    "an import that raises": ("zoo.raises:X", "the module 'zoo.raises' cannot be imported: ValueError: no database"),
    "an import that exits": ("zoo.exits:X", "the module 'zoo.exits' cannot be imported: SystemExit: 3"),
    "an import that lacks something": (
        "zoo.needs:X",
        "the module 'zoo.needs' cannot be imported: ModuleNotFoundError: No module named 'zoo_dependency_that_is_missing'",
    ),
    "an import that does not compile": ("zoo.syntax:X", "the module 'zoo.syntax' cannot be imported: SyntaxError: invalid syntax (syntax.py, line 1)"),
    "an attribute of a class": ("zoo.actors:Configured.Settings", "'zoo.actors:Configured.Settings' is not the name of a class; expected a short name or module:Class"),
    "no class": ("zoo.actors:", "'zoo.actors:' is not the name of a class; expected a short name or module:Class"),
    "no module": (":Plain", "':Plain' is not the name of a class; expected a short name or module:Class"),
    "a relative module": (".actors:Plain", "'.actors:Plain' is not the name of a class; expected a short name or module:Class"),
    "code": ("zoo.actors:Plain()", "'zoo.actors:Plain()' is not the name of a class; expected a short name or module:Class"),
}  # fmt: skip


@pytest.mark.parametrize(("use", "message"), REFUSED.values(), ids=REFUSED)
def test_only_classes_of_actors(actors, use, message):
    """A tree can name no other callable, and each refusal says why."""
    finder = Names(["zoo"])
    assert refusal(finder, use) == message
    assert refusal(finder, use) == message  # once more: the answer is kept


def test_a_function_by_its_import_path():
    """A part of an orchestrator is written as `module:function`, from an allowed module."""
    assert Names(allow=["json"]).function("json:dumps") is json.dumps


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("os.path:join", "the module 'os.path' is not allowed"),
        ("join", "'join' is not the name of a function"),
        ("json:dumpz", "the module 'json' has no function 'dumpz'"),
        ("json:__doc__", "the module 'json' has no function '__doc__'"),
    ],
)
def test_what_is_no_function(name, what):
    """The allow-list holds for functions too, and what cannot be called is none."""
    with pytest.raises(TreeError) as caught:
        Names(allow=["json"]).function(name)
    assert caught.value.problems[0].what == what


def test_functions_of_allowed_modules(actors):
    """Where a class asks for a function, one of an allowed module may be named."""
    assert Names(["zoo"]).function("zoo.actors:factory").__name__ == "factory"


def test_models_of_allowed_modules(actors):
    """Where a judge asks for a pydantic model, one of an allowed module may be named."""
    assert Names(["zoo"]).model("zoo.actors:Line").__name__ == "Line"
    assert Names(["zoo", "pydantic"]).model("zoo.actors:BaseModel").__name__ == "BaseModel"


MODELS = {
    "not allowed": ("os:Refund", "the module 'os' is not allowed; expected a pydantic model from an allowed module; allow it with --allow os, or allow=['os']"),
    "not there": ("zoo.actors:Lines", "the module 'zoo.actors' has no pydantic model 'Lines'; expected a pydantic model of that module; did you mean 'Line'?"),
    "another class": ("zoo.actors:NoActor", "the module 'zoo.actors' has no pydantic model 'NoActor'; expected a pydantic model of that module"),
    "an instance": ("zoo.actors:VALUE", "the module 'zoo.actors' has no pydantic model 'VALUE'; expected a pydantic model of that module"),
    "imported from elsewhere": ("zoo.actors:BaseModel", "zoo.actors:BaseModel is a pydantic model of 'pydantic.main', which is not allowed"),
    "no name": ("Line", "'Line' is not the name of a pydantic model; expected module:Class"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "message"), MODELS.values(), ids=MODELS)
def test_no_other_model(actors, name, message):
    """A model has to be written in a module that is allowed: one that was imported there is not enough."""
    with pytest.raises(TreeError) as caught:
        Names(["zoo"]).model(name)
    assert str(caught.value) == message


FUNCTIONS = {
    "not allowed": ("os:system", "the module 'os' is not allowed; expected a function from an allowed module; allow it with --allow os, or allow=['os']"),
    "not there": ("zoo.actors:factry", "the module 'zoo.actors' has no function 'factry'; expected a function of that module; did you mean 'factory'?"),
    "a class": ("zoo.actors:Popen", "the module 'zoo.actors' has no function 'Popen'; expected a function of that module"),
    "a value": ("zoo.actors:VALUE", "the module 'zoo.actors' has no function 'VALUE'; expected a function of that module"),
    "imported from elsewhere": ("zoo.actors:run", "zoo.actors:run is a function of 'subprocess', which is not allowed"),
    "no name": ("factory", "'factory' is not the name of a function; expected module:function"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "message"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_no_other_function(actors, name, message):
    """A function has to be written in a module that is allowed: one that was imported there is not enough."""
    with pytest.raises(TreeError) as caught:
        Names(["zoo"]).function(name)
    assert str(caught.value) == message


def test_a_class_or_a_function(actors):
    """Where either will do, both may be named, and nothing else."""
    names = Names(["zoo"])
    assert names.class_or_function("zoo.actors:factory").__name__ == "factory"
    assert names.class_or_function("zoo.actors:NoActor").__name__ == "NoActor"
    with pytest.raises(TreeError, match="has no class or function 'VALUE'"):
        names.class_or_function("zoo.actors:VALUE")
