"""Customers' words: one spelling for each meaning, so that a rule need not list its synonyms.

`canonical("You've BILLED me two times")` is `"you have charge me double"`. Endings, synonyms, set phrases and
small typing errors are evened out; a word that means nothing to the support desk is kept, with a `?` in
front.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from .vocabulary import CONTRACTIONS, MEANINGS, PHRASES, PLAIN

__all__ = ["canonical"]


_LEXICON: Final = {form: meaning for meaning, forms in MEANINGS.items() for form in forms.split()}
_LONG: Final = tuple(form for form in _LEXICON if len(form) >= 5)
"""The forms that may be misspelled: in shorter ones, one letter makes another word."""
_TOKEN: Final = re.compile(r"\S+@\S+|[^\W_]+(?:'[^\W_]+)?")
_AMOUNT: Final = re.compile(r"[$€£¥]\s?[\d.,]*\d|\b\d[\d.,]*\b(?!x)")


def canonical(text: str) -> str:
    """Returns the text in lower case, one space between words, each word by its meaning."""
    plain = _AMOUNT.sub(_number, text.lower().replace("\u2019", "'"))
    words = " ".join(_TOKEN.findall(plain))
    for pattern, replacement in (*CONTRACTIONS, *PHRASES):
        words = re.sub(pattern, replacement, words)
    return " ".join(_meaning(word) for word in words.split())


def _number(found: re.Match[str]) -> str:
    return found[0] if found[0] in {"2", "3"} else " some "


@lru_cache(maxsize=4096)
def _meaning(word: str) -> str:
    """Returns what a word stands for; words that it might be a misspelling of, with a slash between."""
    if word in _LEXICON:
        return _LEXICON[word]
    if word in PLAIN or word in {"2", "3"}:
        return word
    if len(word) < 4:
        return f"?{word}"
    reach = 1 if len(word) < 8 else 2
    near = [(_distance(word, form, reach), form) for form in _LONG if form[0] in word[:2]]
    best = min(near)[0] if near else reach + 1
    if best > reach:
        return f"?{word}"
    return "/".join(sorted({_LEXICON[form] for distance, form in near if distance == best}))


def _distance(left: str, right: str, limit: int) -> int:
    """Counts the letters to add, drop, replace or swap with their neighbour; `limit + 1` where it is more.

    This is the optimal string alignment distance: Damerau's four kinds of typing errors.
    """
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        above, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return min(row[-1], limit + 1)
