"""docs/chaos-plan.md is made from the schema of a plan and from the tables."""

from pathlib import Path

from treeward.chaos.plans.actions import ACTIONS
from treeward.chaos.plans.plan_file import plan_schema
from treeward.chaos.plans.points import PLACES
from treeward.chaos.plans.reference import plan_reference

CHECKOUT = Path(__file__).resolve().parents[2]

RENEW = "from treeward.chaos.plans.reference import plan_reference as made; print(made(), end='')"


def test_the_reference_is_that_of_the_tables():
    """docs/chaos-plan.md is what the schema and the tables say."""
    renewal = f'python -c "{RENEW}" > docs/chaos-plan.md'
    assert (CHECKOUT / "docs" / "chaos-plan.md").read_text() == plan_reference(), f"renew it: {renewal}"


def test_the_reference_has_every_key_place_and_action():
    """Each key of each part, each place and each action has a row."""
    reference = plan_reference()
    schema = plan_schema()
    parts = [schema, *schema["$defs"].values()]
    words = {key for part in parts for key in part.get("properties", {})} | set(PLACES) | set(ACTIONS)
    assert [word for word in sorted(words) if f"| `{word}` |" not in reference] == []
