r"""An agent that answers by rules: no model, no cost, the same answer every time.

    - agent: billing-rules
      use: rules
      tools: [payments.*]
      reads: [customer_id]
      with:
        rules:
          - words: [[charged, billed], [twice, double, again]]
            steps:
              - {call: payments.duplicates, with: {customer: "{customer_id}"}, as: found}
            then:
              - when: {found: {empty: true}}
                answer: "I see no double charge on your account."
              - steps:
                  - {call: payments.refund, for_each: found, with: {payment: "{item.id}"}, as: refunds}
                answer: "Refunded {refunds.0.amount}."
          - match: 'refund (?:of )?payment (?P<payment>\d+)'
            types: {payment: int}
            ...
        otherwise: "Please say which payment you mean."

The first rule that fits is followed. What it needs and does not have, and what a tool refuses, needs a human.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..supervisors.patterns import LONGEST_INPUT, normal
from .agent import Agent, NeedsHuman
from .errors import ToolError
from .rulebook import Rulebook, read_rules
from .templates import MissingValue, Template, lookup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..runtime.task import Task
    from .rulebook import Rule, Step

__all__ = ["RuleAgent"]


class RuleAgent(Agent):
    """Follows the first rule that fits. See the module for how rules are written.

    Args:
        rules: at least one `Rule`, as data.
        otherwise: the answer where none fits; without it, a person has to decide.

    Raises:
        InvalidRules: from the constructor, so that the agent does not start: all faults at once, each with
            its place. Fields that nothing gives are among them if the profile says what the agent `reads`,
            and so are tools that it may not use.
    """

    Settings = Rulebook
    """What a tree checks the arguments by, before anything starts."""

    def __init__(self, rules: Sequence[Any], otherwise: Any = None) -> None:
        book = read_rules(rules, otherwise, self.profile.reads, self.may_call)
        self._rules, self._otherwise = book.rules, book.otherwise

    async def handle(self, task: Task) -> Any:
        """Answers by the rules."""
        text = normal(task.input) if isinstance(task.input, str) else None
        if text is not None and len(text) > LONGEST_INPUT:
            return NeedsHuman(f"the request has {len(text)} characters, rules read at most {LONGEST_INPUT}")
        values = {**task.context, "input": task.input}
        try:
            return await self._first(self._rules, text, values)
        except MissingValue as missing:
            return NeedsHuman(str(missing))

    async def _first(self, rules: Sequence[Rule], text: str | None, values: dict[str, Any]) -> Any:
        for rule in rules:
            groups = rule.fits(text, values)
            if groups is not None:
                return await self._follow(rule, text, {**values, **groups})
        if rules is self._rules and self._otherwise is not None:
            return Template(self._otherwise).fill(values)
        return NeedsHuman("no rule fits")

    async def _follow(self, rule: Rule, text: str | None, values: dict[str, Any]) -> Any:
        try:
            for step in rule.steps:
                result = await self._take(step, values)
                values |= {} if step.as_ is None else {step.as_: result}
        except ToolError as error:
            if rule.refused is None:
                return NeedsHuman(str(error))
            return Template(rule.refused).fill({**values, "error": str(error)})
        if rule.then:
            return await self._first(rule.then, text, values)
        if rule.needs_human is not None:
            return NeedsHuman(Template(rule.needs_human).fill(values))
        return Template(rule.answer).fill(values)

    async def _take(self, step: Step, values: dict[str, Any]) -> Any:
        arguments = Template(step.arguments)
        if step.for_each is None:
            return await self.call(step.call, **arguments.fill(values))
        items = lookup(step.for_each, values)
        if not isinstance(items, list | tuple):
            raise MissingValue(f"list {step.for_each}")
        return [await self.call(step.call, **arguments.fill({**values, "item": item})) for item in items]
