"""`${NAME}` and `${NAME:-default}` in a tree's texts, and the texts that came from there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from .problems import did_you_mean, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Complain: TypeAlias = Callable[[str, str, str], None]

__all__ = ["FromEnvironment", "escape", "expand", "masked", "without_values"]

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-[^}]*)?\}|\$\{[^}]*\}?")


class FromEnvironment(str):
    """A text with values of environment variables in it.

    It is that text wherever it is used, but shows as its `template` (`'${API_KEY}'`) in `repr`, in messages,
    in renderings and when the tree is written as YAML, so that a secret does not get into a log by accident.
    """

    __slots__ = ("template",)

    template: str

    def __new__(cls, text: str, template: str) -> FromEnvironment:
        """Makes the text, which was written as `template`."""
        made = super().__new__(cls, text)
        made.template = template
        return made

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # copy and pickle have to keep the template
        return str(self), self.template

    def __repr__(self) -> str:
        return repr(self.template)


def expand(text: str, environ: Mapping[str, str], complain: Complain) -> str:
    """Returns `text` with its references replaced; `$${` becomes `${`.

    A default stands in for a variable that is unset or empty. `complain(what, legal, hint)` is called for
    each variable that is unset without a default and for each reference that is not well formed; those stay
    as they are.
    """
    found = False

    def value(match: re.Match[str]) -> str:
        nonlocal found
        name, default = match["name"], match["default"]
        if match[0] == "$${":
            return "${"
        if name is None:
            complain(f"the reference {quoted(match[0])} is not well formed", "${NAME} or ${NAME:-default}",
                     "write $${ for the characters themselves")  # fmt: skip
            return match[0]
        found = True
        if default is not None:
            return environ.get(name) or default[2:]
        if name not in environ:
            hint = did_you_mean(name, environ) or f"set it, or give a default: ${{{name}:-default}}"
            complain(f"the environment variable {name} is not set", "", hint)
        return environ.get(name, match[0])

    expanded = _REFERENCE.sub(value, text)
    return FromEnvironment(expanded, text) if found else expanded


def escape(text: str) -> str:
    """Returns a text as it has to be written so that `expand` gives it back."""
    if isinstance(text, FromEnvironment):
        return text.template
    return text.replace("${", "$${") if "${" in text else text


def without_values(text: str, data: Any) -> str:
    """Returns what is said of plain data, with what was written in the place of each value from the environment."""
    if isinstance(data, FromEnvironment):
        return text.replace(str(data), data.template) if data else text
    for item in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        text = without_values(text, item)
    return text


def masked(value: Any) -> Any:
    """Returns plain data in which each text from the environment is replaced by what was written for it."""
    if isinstance(value, FromEnvironment):
        return value.template
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return value
