"""Who the customers are: well-known ones, each with a story, and the crowd around them.

The well-known customers are the same in every support database, so that a demonstration, a test or a tutorial
can count on them:

    1001  charged twice for this period, 9 s apart (team, monthly, USD): who asks if nobody else is named
    1002  never charged twice (pro, monthly, USD)
    1003  was charged twice, and has the second charge back already (team, monthly, USD)
    1004  never charged twice, and on enterprise already (yearly, EUR)
    1005  two equal charges seconds apart, for two subscriptions (basic, monthly, USD): rightful
    1006  two equal charges a minute apart, for two periods (team, monthly, GBP): rightful, the first was late
    1007  a failed charge, and seconds later one that went through (pro, monthly, USD): only one was captured
    1008  charged twice for a year (pro, yearly, EUR)
    1009  owes the current period: every try to charge it failed (team, monthly, USD)
    1010  canceled three months ago (basic, monthly, USD)
    1011  charged three times for this period (basic, monthly, USD)
    1012  pays in a currency without cents (team, monthly, JPY)
    1013  began three days ago (pro, monthly, GBP): may have unused days back
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from .records import Interval

__all__ = ["CROWD", "DEFAULT_CUSTOMER", "WELL_KNOWN", "Life", "Person", "Story", "crowd"]

Story: TypeAlias = Literal[
    "plain",
    "twice",
    "thrice",
    "refunded",
    "two_subscriptions",
    "two_periods",
    "failed_first",
    "past_due",
    "canceled",
]

DEFAULT_CUSTOMER: Final = 1001
CROWD: Final = 187
"""How many customers there are beside the well-known ones."""


@dataclass(frozen=True, slots=True)
class Life:
    """How someone has subscribed."""

    story: Story
    plan: str
    interval: Interval
    currency: str
    seats: int
    months: int
    """How long ago it began."""
    into: int
    """How many days of the current period are over."""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone to become a customer."""

    id: int
    name: str
    city: str
    country: str
    life: Life

    @property
    def email(self) -> str:
        """An address that cannot be anyone's: example domains are reserved (RFC 2606)."""
        domain = ("example.com", "example.net", "example.org")[self.id % 3]
        return f"{self.name.lower().replace(' ', '.')}.{self.id}@{domain}"


WELL_KNOWN: Final = (
    Person(1001, "Ava Lindqvist", "Portland", "US", Life("twice", "team", "monthly", "USD", 7, 14, 9)),
    Person(1002, "Noah Adeyemi", "Austin", "US", Life("plain", "pro", "monthly", "USD", 22, 26, 12)),
    Person(1003, "Grace Okafor", "Chicago", "US", Life("refunded", "team", "monthly", "USD", 4, 9, 6)),
    Person(1004, "Jonas Weber", "Hamburg", "DE", Life("plain", "enterprise", "yearly", "EUR", 140, 30, 75)),
    Person(1005, "Mia Castillo", "Denver", "US", Life("two_subscriptions", "basic", "monthly", "USD", 1, 8, 4)),
    Person(1006, "Oliver Hughes", "Leeds", "GB", Life("two_periods", "team", "monthly", "GBP", 6, 11, 5)),
    Person(1007, "Priya Raman", "Seattle", "US", Life("failed_first", "pro", "monthly", "USD", 31, 17, 3)),
    Person(1008, "Camille Moreau", "Lyon", "FR", Life("twice", "pro", "yearly", "EUR", 18, 24, 40)),
    Person(1009, "Ethan Brooks", "Boston", "US", Life("past_due", "team", "monthly", "USD", 5, 13, 8)),
    Person(1010, "Sofia Marchetti", "Miami", "US", Life("canceled", "basic", "monthly", "USD", 1, 20, 10)),
    Person(1011, "Liam Novak", "Phoenix", "US", Life("thrice", "basic", "monthly", "USD", 1, 6, 2)),
    Person(1012, "Haruto Sato", "Osaka", "JP", Life("plain", "team", "monthly", "JPY", 3, 19, 14)),
    Person(1013, "Isla Campbell", "Glasgow", "GB", Life("plain", "pro", "monthly", "GBP", 12, 0, 3)),
)

_STORIES: Final[dict[Story, int]] = {
    "plain": 78,
    "twice": 3,
    "thrice": 1,
    "refunded": 3,
    "two_subscriptions": 2,
    "two_periods": 2,
    "failed_first": 4,
    "past_due": 3,
    "canceled": 4,
}
"""How often each story is drawn, in a hundred."""
_SEATS: Final = {"basic": 1, "team": 10, "pro": 50, "enterprise": 400}
_PLANS: Final = {"basic": 40, "team": 34, "pro": 20, "enterprise": 6}
_PLACES: Final = (
    ("Amsterdam", "NL", "EUR"),
    ("Atlanta", "US", "USD"),
    ("Barcelona", "ES", "EUR"),
    ("Birmingham", "GB", "GBP"),
    ("Bristol", "GB", "GBP"),
    ("Chicago", "US", "USD"),
    ("Dallas", "US", "USD"),
    ("Dublin", "IE", "EUR"),
    ("Fukuoka", "JP", "JPY"),
    ("Helsinki", "FI", "EUR"),
    ("London", "GB", "GBP"),
    ("Los Angeles", "US", "USD"),
    ("Milan", "IT", "EUR"),
    ("Minneapolis", "US", "USD"),
    ("Munich", "DE", "EUR"),
    ("New York", "US", "USD"),
    ("Paris", "FR", "EUR"),
    ("San Diego", "US", "USD"),
    ("Tokyo", "JP", "JPY"),
    ("Vienna", "AT", "EUR"),
)
_FIRST: Final = (
    "Aaron", "Aisha", "Amelie", "Andre", "Anika", "Anton", "Bianca", "Bruno", "Carla", "Chen", "Clara",
    "Daniel", "Daria", "Diego", "Elena", "Emil", "Emma", "Erik", "Fatima", "Felix", "Finn", "Greta", "Hana",
    "Hugo", "Ida", "Ines", "Ivan", "Jack", "Jana", "Julia", "Kai", "Karim", "Laura", "Leo", "Lena", "Lucas",
    "Maja", "Marco", "Marta", "Mateo", "Nadia", "Nina", "Omar", "Oscar", "Paula", "Petra", "Rafael", "Rosa",
    "Samuel", "Sara", "Stefan", "Theo", "Tom", "Vera", "Victor", "Yara", "Yuki", "Zoe",
)  # fmt: skip
_LAST: Final = (
    "Abbott", "Ahmed", "Alvarez", "Andersen", "Bauer", "Becker", "Bianchi", "Carter", "Chowdhury", "Clarke",
    "Costa", "Cruz", "Dubois", "Edwards", "Eriksen", "Evans", "Fischer", "Foster", "Garcia", "Gruber",
    "Haddad", "Hansen", "Hayes", "Ito", "Jansen", "Jensen", "Kaminski", "Kelly", "Khan", "Kovacs", "Kimura",
    "Larsen", "Lopez", "Martin", "Mendes", "Mensah", "Meyer", "Moretti", "Murphy", "Nakamura", "Nguyen",
    "Nielsen", "Ortiz", "Osei", "Park", "Petrov", "Quinn", "Reyes", "Rossi", "Santos", "Schmidt", "Silva",
    "Singh", "Suzuki", "Tanaka", "Torres", "Turner", "Varga", "Visser", "Wagner", "Walsh", "Watanabe",
    "Wood", "Yilmaz", "Zhang",
)  # fmt: skip


def crowd(rng: Random) -> Iterator[Person]:
    """Yields the customers beside the well-known ones; the same ones for the same state of `rng`."""
    for number in range(CROWD):
        city, country, currency = rng.choice(_PLACES)
        name = f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"
        yield Person(1101 + number, name, city, country, _life(rng, currency))


def _life(rng: Random, currency: str) -> Life:
    (story,) = rng.choices(tuple(_STORIES), tuple(_STORIES.values()))
    (plan,) = rng.choices(tuple(_PLANS), tuple(_PLANS.values()))
    yearly = story in {"plain", "twice", "refunded", "canceled"} and rng.random() < 0.25
    months = rng.randrange(12, 48) if yearly or story == "canceled" else rng.randrange(2, 48)
    return Life(
        story=story,
        plan=plan,
        interval="yearly" if yearly else "monthly",
        currency=currency,
        seats=rng.randint(1, _SEATS[plan]),
        months=months,
        into=rng.randrange(330 if yearly else 27),
    )
