"""Amounts in the words of people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.trees.library.support.money import CURRENCIES, format_money
from treeward.trees.library.support.seed import PRICES


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (0, "USD", "$0.00"),
        (5, "USD", "$0.05"),
        (4900, "USD", "$49.00"),
        (1234567, "EUR", "€12,345.67"),
        (-250, "GBP", "-£2.50"),
        (-5, "USD", "-$0.05"),
        (74000, "JPY", "¥74,000"),
        (-7, "JPY", "-¥7"),
    ],
)
def test_money_is_written_with_sign_and_digits(amount, currency, expected):
    """The currency's sign, groups of three digits, and as many decimals as the currency has."""
    assert format_money(amount, currency) == expected


@given(st.integers(-(10**12), 10**12), st.sampled_from(sorted(CURRENCIES)))
def test_no_cent_is_lost_in_writing(amount, currency):
    """The digits that are written are the amount."""
    written = format_money(amount, currency)
    assert int("".join(sign for sign in written if sign.isdigit())) == abs(amount)
    assert written.startswith("-") is (amount < 0)


def test_an_unknown_currency_is_an_error():
    """Nothing is written in a currency that nobody knows."""
    with pytest.raises(KeyError):
        format_money(1, "XXX")


def test_prices_are_in_currencies_that_can_be_written():
    """Every plan is sold monthly and yearly in each currency, a year for less than twelve months."""
    by_key = {(price.plan, price.interval, price.currency): price.amount for price in PRICES}
    assert {price.currency for price in PRICES} == set(CURRENCIES)
    for (plan, interval, currency), amount in by_key.items():
        if interval == "yearly":
            assert amount < 12 * by_key[plan, "monthly", currency]
