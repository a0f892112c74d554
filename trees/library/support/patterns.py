"""The patterns by which a clause is read. They are matched against canonical words (see `words.py`)."""

from __future__ import annotations

import re
from typing import Final

from .vocabulary import word_set

__all__ = [
    "ADDITIONS",
    "AT_ONCE",
    "AT_PERIOD_END",
    "CANCEL",
    "CHANGE",
    "CHARGES",
    "DOUBLE",
    "DOUBT",
    "EITHER",
    "ENDS",
    "GERUND",
    "GO_TO_PLAN",
    "HARMLESS_NOT",
    "HAVING",
    "MONEY",
    "NAMED",
    "NOT",
    "PAID_BEFORE",
    "PAST",
    "PAYING",
    "POLITE_QUESTION",
    "PRESENT",
    "PRICES",
    "QUESTION",
    "REFUND",
    "REFUND_AWAITED",
    "REQUEST",
    "UNABLE",
    "WANT_INTERVAL",
    "WANT_PLAN",
    "WISHED",
]


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


_PLAN: Final = r"(?:basic|team|pro|enterprise)"
_PAID: Final = r"(?:charge|take|card|statement|account|amount|money)"
_WANT: Final = r"\b(?:want|need|prefer|buy|choose|get|give|would (?:\S+ )?like|like to|rather have)"
_ACTION: Final = r"\b(?:cancel|upgrade|downgrade|change|end|refund)\b"

# What is asked for. In a pattern, `(?: \S+){0,5} x` is "x among the next six words".

DOUBLE: Final = _any(
    rf"\bdouble\b(?: \S+){{0,5}} {_PAID}\b",
    rf"\b{_PAID}\b(?: \S+){{0,7}} double\b",
    r"(?<!last )(?<!past )(?<!next )(?<!first )\b(?:two|2|three|3|both|identical)\b(?: \S+){0,2} charge\b",
    r"\b(?:see|notice|noticed|found|there|refund)\b(?: \S+){0,3} second charge\b",
    r"\bdouble\b.*\brefund\b",
    r"\brefund\b.*\bdouble\b",
)
REFUND: Final = _any(
    r"\b(?:refund|dispute)\b",
    r"\bcharge (?:\S+ ){0,2}again\b",
    r"\b(?:again|still) (?:\S+ ){0,2}charge\b",
)
REFUND_AWAITED: Final = _any(
    r"\bnot (?:(?:yet|been|be|receive|received|get|got|see|seen|have|had|a|my|the|any) )*refund(?:ed)?\b",
    r"\b(?:where|when)\b.*\brefund(?:ed)?\b",
)
CANCEL: Final = re.compile(r"\bcancel\b")
ENDS: Final = _any(
    r"\bend (?:my|our|the|this)(?: \S+){0,2} (?:subscription|plan)\b",
    r"\bno longer (?:want|need)(?: (?:to|have|my|the|our|this|your|a))* (?:subscription|plan|service|it)\b",
    r"\bnot (?:want|need)(?: (?:to|have|my|the|our|this|your|a))* (?:subscription|plan|service|it)"
    r"(?: \S+){0,2} (?:anymore|any more|any longer)\b",
)
CHANGE: Final = re.compile(r"\b(?:upgrade|downgrade|change)\b")
GO_TO_PLAN: Final = re.compile(
    r"\b(?:go|going|put|take|make)"
    rf"(?: (?:me|us|it|my|our|account|with|to|on|onto|for|from|the|a|your|up|over|plan|{_PLAN}))*"
    rf" (?:{_PLAN}|monthly|yearly)\b"
)
WANT_PLAN: Final = re.compile(
    rf"{_WANT}(?: (?:to|me|us|have|get|be|on|in|the|a|an|your|our|account|subscription|please|rather|buy|use"
    rf"|try|with|for|new|monthly|yearly))* {_PLAN}\b"
)
WANT_INTERVAL: Final = _any(
    rf"{_WANT}(?: \S+){{0,3}} (?:charge|plan|subscription)(?: \S+){{0,2}} (?:monthly|yearly)\b",
    rf"{_WANT}(?: \S+){{0,3}} (?:monthly|yearly) (?:charge|plan|subscription)\b",
    r"^(?:please )?charge (?:me|us) (?:monthly|yearly)\b",
)
PRICES: Final = _any(
    rf"\bhow much\b.*\b(?:price|plan|subscription|upgrade|downgrade|change|monthly|yearly|{_PLAN})\b",
    r"\b(?:what|which|tell|list|show|compare|know|send|explain|do you (?:have|offer))\b.*\b(?:price|plan)\b",
    rf"\b(?:tell|know|explain|what is|what does|what about)\b.*\b{_PLAN}\b",
    r"\bdifference between\b",
    r"\b(?:is|are) there\b.*\bplan\b",
    rf"^(?:(?:the|your|plan|{_PLAN}) )*price(?: (?:of|for|please|list)\b.*)?$",
)
CHARGES: Final = _any(
    r"\b(?:show|list|see|send|view|download|which|what|why|when|how much)\b(?: \S+){0,6}"
    r" (?:invoice|charge)\b(?! \?)",
    r"\b(?:want|need|have|give|get|like)\b(?: \S+){0,5} invoice\b(?! \?)",
    r"\binvoice please\b",
    r"\bwhen\b.*\b(?:renew|due)\b",
)
PAID_BEFORE: Final = re.compile(r"\b(?:did|was|were|have|had|am|do) (?:i|we)\b(?: \S+){0,2} charge\b")
PAYING: Final = re.compile(r"\bcharge(?: \S+){0,2} invoice\b")

# How it is said.

WISHED: Final = re.compile(
    r"\b((?:want|like|need|get|have (?:me|us|my|our|it|the))(?: \S+){0,4}"
    r"|(?:^|to |should |(?:can|could|may) (?:i|we) (?:please )?)(?:be|get))"
    r"(?<! was)(?<! were)(?<! been)(?<! got)(?<! i)(?<! we)(?<! you)(?<! they)"
    r" (cancel|upgrade|downgrade|change|refund)e?d\b"
)
"""A past participle that is a wish ("I want it canceled"), and not what happened."""
PAST: Final = re.compile(r"\b(?:canceled|upgraded|downgraded|changed|refunded)\b")
HAVING: Final = _any(
    r"\b(?:i|we) (?:\S+ )?(?:am|are|have|had|use|was|were|charge)\b",
    r"\b(?:my|our|current)\b(?: \S+){0,2} plan is\b",
    r"\bcurrent\b",
)
"""What tells of the plan that there is, rather than of one that is wanted."""
HARMLESS_NOT: Final = _any(
    r"\b(?:not|no) (?:\S+ )?(?:understand|know|sure|happy|ok|okay|acceptable|fair|right|believe|expect"
    r"|expected|expecting|idea|problem|rush|hurry|reason|hesitate|wait|mind|satisfied|pleased|impressed"
    r"|see why|get why)\b",
    r"\bshould not\b",
    r"\bnot supposed\b",
    r"\bwhy (?:do|did|have|has|was|were|is|are) (?:i |you |we )?not\b",
    r"^no (?=i |we |you |please )",
)
NOT: Final = re.compile(r"\b(?:not|never|no|nor|neither|nobody|without)\b")
PRESENT: Final = re.compile(r"(?:^|\b(?:to|please) )$")
"""What makes a misspelled verb a request, and not what was done before."""
GERUND: Final = re.compile(r"\b(?:canceling|upgrading|downgrading|changing)\b")
"""What is spoken about, not asked for ("when upgrading")."""
DOUBT: Final = _any(
    r"\b(?:think|thinking|consider|considering|might|maybe|perhaps|wonder|wondering|wants|tried)\b",
    r"\b(?:said|say|says|told|promised|asked|wrote|suggested|recommended|offered)\b",
    r"\b(?:i|we) (?:may|will|can|could)\b",
    r"\b(?:am|are|was|were) (?:going|about) to\b",
    r"\b(?:before|when|after|once|while|until|whenever) (?:i|we)\b",
    r"\byou would\b",
)
"""What makes it uncertain that something is to be done, and done now."""
UNABLE: Final = re.compile(
    r"\b(?:can not|could not|unable to|not able to|been able to|fails? to|failed to|not let|not allow)\b"
)
QUESTION: Final = _any(
    r"\bhow (?:do|can|could|would|should|to|does)\b",
    r"\bwhat (?:happen|happens|if|would|will|does|do|is|are)\b",
    r"\b(?:why|where|which|who|when (?:can|do|will|should))\b",
    r"^(?:\S+ )?(?:is|are) there\b",
    r"^(?:\S+ )?(?:did|does|do|are|is|was|were|has|have) (?:you|it|my|the|this|that|they|anyone|someone)\b",
    r"\b(?:should|do) (?:i|we)\b",
    r"\b(?:is it|would it be) possible\b",
    r"\b(?:can|could|may) (?:i|we)\b",
)
POLITE_QUESTION: Final = re.compile(r"\b(?:is it|would it be) possible\b|\b(?:can|could|may) (?:i|we)\b")
"""A question that with a "please" is a request."""
NAMED: Final = _any(
    r"\b(?:my|our|the|this|that|your|last|previous|recent|end|cancel) $",
    r"\b(?:on|about|regarding|with|of|during|after|since|for|any|asking)(?: (?:a|an|the))? $",
    r"\?\S+(?: (?:a|an))? $",
)
"""What makes the word after it a thing that is spoken about ("my upgrade"), or one that is to be undone."""
EITHER: Final = re.compile(rf"{_ACTION}.*\bor\b.*{_ACTION}")
AT_ONCE: Final = re.compile(r"\bimmediately\b|\bnow$")
AT_PERIOD_END: Final = re.compile(
    r"\bend(?: \S+){0,3} (?:period|month|year|term|cycle)\b"
    r"|\b(?:period|month|year|term|cycle|it)(?: \S+){0,2} (?:end|over|up|expire|expires)\b"
)
ADDITIONS: Final = word_set(
    """
    to the a plan basic team pro enterprise monthly yearly please with on charge for one instead as effective of
    immediately at end month period year now when cycle from keep until it subscription be by
    """
)
"""The words of which a mere addition to another clause is made, such as "to the pro plan, please"."""
MONEY: Final = re.compile(r"\b(?:charge|double|invoice|renew|refunded)\b")
REQUEST: Final = re.compile(
    r"\b(?:please|want|need|give|can|could|would|fix|send|help|how|what|why|when|where|who|which)\b"
)
"""With money, too much to be passed over."""
