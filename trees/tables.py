"""Tables of the keys of a document, for its reference: each key with its values, its default, its meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .values import DURATION, ID, LONG_NAME, duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Section", "Tables"]

Schema = dict[str, Any]


class Section(NamedTuple):
    """A table: the keys of some models, without those of another; `text` stands for the description of the first."""

    title: str
    models: tuple[str, ...]
    text: str = ""
    but: str = ""


_DURATION = "duration"
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true`, `false`",
    "object": "mapping",
}
_PATTERNS = {DURATION: _DURATION, ID: "id", LONG_NAME: "`module:name`"}
_PLAIN_NUMBERS = frozenset({"factor", "demote_at", "accept_at", "least", "chance"})
"""Keys of numbers that are no durations."""


class Tables:
    """Makes the tables of one document.

    Args:
        models: the JSON Schemas of its parts, by name.
        names: what a value of a part is called, by the part's name.
        lists: what a list is of, by the first part that its items may be.
        patterns: what a text of a pattern is called, beside durations, ids and names of Python.
    """

    def __init__(
        self,
        models: Mapping[str, Schema],
        names: Mapping[str, str],
        lists: Mapping[str, str],
        patterns: Mapping[str, str] | None = None,
    ) -> None:
        self._models = models
        self._names = names
        self._lists = lists
        self._patterns = {**_PATTERNS, **(patterns or {})}

    def section(self, section: Section) -> str:
        """Returns a table as Markdown, with its title and what it is about."""
        return "\n".join(self._lines(section))

    def _lines(self, section: Section) -> Iterator[str]:
        yield f"## {section.title}\n"
        yield f"{section.text or self._models[section.models[0]]['description']}\n"
        yield "| key | value | default | meaning |"
        yield "|---|---|---|---|"
        others = self._models[section.but]["properties"] if section.but else {}
        for model in (self._models[name] for name in section.models):
            for key, value in model["properties"].items():
                if key not in others:
                    yield self._row(key, value, required=key in model.get("required", ()))
        yield ""

    def _row(self, key: str, value: Schema, *, required: bool) -> str:
        default = "*required*" if required else _default(key, value)
        cells = (f"`{key}`", self._values(value), default, value.get("description", ""))
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    def _values(self, schema: Mapping[str, Any]) -> str:
        """Returns the forms that a value may have, each once."""
        return ", ".join(dict.fromkeys(self._forms(schema))) or "anything"

    def _forms(self, schema: Mapping[str, Any]) -> Iterator[str]:
        choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            yield from [] if name == "Reference" else [self._names.get(name, "a node")]
        elif choices:
            numbers = any("ms|s|m|h" in choice.get("pattern", "") for choice in choices)
            for choice in choices:
                yield from [_DURATION] if numbers and choice.get("type") == "number" else self._forms(choice)
        elif "enum" in schema or "const" in schema:
            yield from (f"`{word}`" for word in schema.get("enum", [schema.get("const")]))
        elif "pattern" in schema:
            yield self._patterns[schema["pattern"]]
        elif schema.get("type") == "array":
            yield f"list of {self._items(schema['items'])}"
        elif schema.get("type") not in (None, "null"):
            yield self._bounded(schema)

    def _items(self, schema: Mapping[str, Any]) -> str:
        part = _first_part(schema)
        return self._lists[part] if part in self._lists else self._values(schema)

    def _bounded(self, schema: Mapping[str, Any]) -> str:
        for values in schema.get("patternProperties", {}).values():
            return f"mapping of names to {self._values(values).replace('list of', 'lists of')}"
        if isinstance(values := schema.get("additionalProperties"), dict):
            return f"mapping of fields to {self._values(values)}"
        return f"{_TYPES[schema['type']]}{_bounds(schema)}"


def _first_part(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    choices = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return next(filter(None, map(_first_part, choices)), "")


def _bounds(schema: Mapping[str, Any]) -> str:
    least, most, above = (schema.get(word) for word in ("minimum", "maximum", "exclusiveMinimum"))
    if above is not None:
        return f", more than {above:,}" + ("" if most is None else f" to {most:,}")
    if most is not None:
        return f", {least:,} to {most:,}"
    return "" if least is None else f", {least:,} or more"


def _default(key: str, schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    if isinstance(default, dict):
        told = {name: value for name, value in default.items() if value not in ({}, [], None)}
        written = ", ".join(f"{name}: {_plain(name, value)}" for name, value in told.items())
        return f"`{{{written}}}`" if written else ""
    return "" if default in (None, [], (), "") else f"`{_plain(key, default)}`"


def _plain(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(duration_text(value)) if isinstance(value, float) and key not in _PLAIN_NUMBERS else f"{value}"
