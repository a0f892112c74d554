"""Money as whole minor units (cents, pence, yen), and the words for it."""

from __future__ import annotations

from typing import Final

__all__ = ["CURRENCIES", "format_money"]

CURRENCIES: Final = {"USD": ("$", 2), "EUR": ("€", 2), "GBP": ("£", 2), "JPY": ("¥", 0)}
"""Each currency's sign, and how many digits its minor unit has (ISO 4217)."""


def format_money(amount: int, currency: str) -> str:
    """Returns an amount for people: `1234567, "USD"` is `$12,345.67`, `-500, "JPY"` is `-¥500`.

    `amount` is in minor units. A currency that is not in `CURRENCIES` is a `KeyError`: the store holds none.
    """
    sign, digits = CURRENCIES[currency]
    whole, part = divmod(abs(amount), 10**digits)
    fraction = f".{part:0{digits}d}" if digits else ""
    return f"{'-' if amount < 0 else ''}{sign}{whole:,}{fraction}"
