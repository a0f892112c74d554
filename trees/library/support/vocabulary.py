"""Which words mean the same to the support desk, which set phrases there are, and which words are plain."""

from __future__ import annotations

from typing import Final

__all__ = ["CONTRACTIONS", "MEANINGS", "PHRASES", "PLAIN", "word_set"]


def word_set(text: str) -> frozenset[str]:
    """Returns the words of a text."""
    return frozenset(text.split())


MEANINGS: Final = {
    "charge": "charge charged charges charging bill bills billed billing debit debits debited debiting "
    "deduct deducted deduction pay paid pays payed payment payments paying transaction transactions withdrew "
    "withdrawn withdrawal",
    "take": "take takes took taken taking",
    "double": "double doubled doubly twice duplicate duplicated duplicates dupe 2x x2 thrice triple",
    "refund": "refund refunds refunding reimburse reimbursement",
    "refunded": "refunded reimbursed",
    "dispute": "dispute disputed disputing overcharge overcharged overbilled",
    "cancel": "cancel cancels unsubscribe terminate discontinue",
    "canceling": "canceling cancelling cancellation cancellations cancelation terminating",
    "canceled": "canceled cancelled unsubscribed terminated discontinued",
    "end": "end ends ending stop stops stopping",
    "upgrade": "upgrade upgrades",
    "downgrade": "downgrade downgrades",
    "upgrading": "upgrading",
    "downgrading": "downgrading",
    "upgraded": "upgraded",
    "downgraded": "downgraded",
    "changing": "changing switching moving migrating",
    "changed": "changed switched moved migrated",
    "change": "change changes switch switches move moves migrate bump",
    "subscription": "subscription subscriptions subscribed membership",
    "plan": "plan plans tier tiers package packages",
    "price": "price prices priced pricing cost costs costing rate rates",
    "invoice": "invoice invoices receipt receipts",
    "monthly": "monthly",
    "yearly": "yearly annual annually",
    "basic": "basic",
    "team": "team",
    "pro": "pro professional",
    "enterprise": "enterprise enterprises",
    "immediately": "immediately immediate instantly today",
    "renew": "renew renews renewing renewal autorenew autorenewal",
    "account": "account accounts",
    "card": "card cards",
    "statement": "statement statements",
    "please": "please pls plz",
    "buy": "buy buys buying purchase",
}
"""The canonical words, each with the forms that stand for it."""
PHRASES: Final = (
    (r"\b(?:can|could|will|would) not you\b", "can you"),
    (r"\bnot only\b|\bnot just (?=once)", ""),
    (r"\bnot once but\b", ""),
    (
        r"\b(?:two|2|three|3|multiple|several|many) times\b|\bmore than once\b|\b(?:a|the) second time\b",
        "twice",
    ),
    (r"\bdouble check(?:ed|ing)?\b", "check"),
    (
        r"\b(?:tell|told|ask|asked|email|emailed|mailed|wrote|called|contacted|tried)(?: \w+){0,2} twice\b",
        "wrote",
    ),
    (r"\bpay (?:me|us) back\b", "refund"),
    (r"\bauto ?renew(?:al|als|ing|s)?\b", "renewal"),
    (r"\b(?:turn off|switch off|disable|stop|cancel|remove|end)(?: the| my)? renewal\b", "cancel at the period end"),
    (r"^(?:please )?(?:do not|stop) renew(?:ing)?\b", "please cancel at the period end"),
    (r"\b(?:do|would) not (?:want|like|wish) to renew\b", "want to cancel at the period end"),
    (r"\bgive (?:it |that )?(?:me |us )?back\b|\bmoney back\b|\breturn my money\b|\bcredit me back\b", "refund"),
    (r"\breverse(?= (?:the|that|this|my|one)(?: \w+){0,2} (?:charge|payment|transaction)s?\b)", "refund"),
    (r"\breturn to\b", "change to"),
    (r"\b(?:appreciate(?: it)?|grateful|great|nice|good|lovely|glad|happy) if you (?:can|could|would)\b", "please"),
    (r"\b(?:would|do) you mind cancell?ing\b", "please cancel"),
    (r"\b(?:would|do) you mind upgrading\b", "please upgrade"),
    (r"\b(?:would|do) you mind (?:switching|moving|changing|putting)\b", "please change"),
    (r"\b(?:right|straight) (?:now|away)\b|\bat once\b|\bwith immediate effect\b", "immediately"),
    (r"\b(?:per|a|each|every) year\b", "yearly"),
    (r"\b(?:on )?an? (yearly|annual|monthly) basis\b", r"\1"),
    (r"\b(?:per|each) month\b|\bmonth to month\b", "monthly"),
    (r"\b(?:biggest|largest|highest|top|best|most expensive) (?:plan|tier|package|one)\b", "enterprise plan"),
    (r"\b(?:cheapest|smallest|lowest) (?:plan|tier|package|one)\b", "basic plan"),
    (r"\binstead of\b|\brather than\b", "not"),
    (r"\bpro rata\b|\bpro rated\b", "prorated"),
    (r"\bsign (\w+ )?up\b", r"change \1"),
    (r"\bsubscribe (\w+ )?to\b", r"change \1to"),
    (r"\b(?:billing|payment|charge) history\b", "list charges"),
    (
        r"\bdo not (?:recogni[sz]e|know about)\b|\bdid not (?:authori[sz]e|make|agree to|approve|order)\b",
        "dispute",
    ),
    (
        r"\b(?:wrong|incorrect|unknown|strange|extra|unexpected) (?:charge|payment|amount)s?\b",
        "dispute charge",
    ),
    (r"\bwonder(?:ing)? (?:if|whether) (?:you|i) (?:can|could|would)\b", "please"),
    (r"\b(?:know|see|check|find out|tell me|tell us) (?:if|whether)\b", "check"),
)
"""Set phrases, after contractions were written out: replaced in this order."""
CONTRACTIONS: Final = (
    (r"\b(?:can't|cant|cannot)\b", "can not"),
    (r"\b(?:won't|wont)\b", "will not"),
    (r"\bain't\b", "is not"),
    (r"\b(do|does|did|have|has|had|is|are|was|were|would|should|could)n'?t\b", r"\1 not"),
    (r"\b(i|you|we|they)'?ve\b", r"\1 have"),
    (r"\bi'?m\b", "i am"),
    (r"\b(you|we|they)'re\b", r"\1 are"),
    (r"\b(i|you|we|they|it|that|there)'ll\b", r"\1 will"),
    (r"\b(i|you|we|they)'d\b", r"\1 would"),
    (r"\b(it|that|there|what|where|how|who|when)'?s\b", r"\1 is"),
    (r"\blet'?s\b", "let us"),
    (r"\badn\b", "and"),
    (r"\bu\b", "you"),
    (r"\bgimme\b", "give me"),
    (r"\bwanna\b", "want to"),
    (r"\bgonna\b", "going to"),
    (r"\b2 (?=(?:the )?(?:basic|team|pro|enterprise)\b)", "to "),
)
PLAIN: Final = word_set(
    """
    a able about above abroad absolutely acceptable account actually add advance after afternoon afterwards again
    ago ahead all almost already also although always am amount amounts an and annoyed annoying another any anybody
    anymore anyone anything anyway apologies apparently appear appeared appears appreciate appreciated april are
    around as asap ask asked asking at aug august automatically ava available away awful back bad bank basis be
    because been before being believe best better between big bigger billing bit both btw but by can card cents
    chance cheap cheaper check checked cheers clear client colleagues come company compare compared completely
    confused consider considering copy correct could couple course credit currently customer cycle day days dear dec
    december decided definitely did difference different disappointed do does doing dollar dollars done down due
    during each earlier effective either else end enough entire error euro euros even evening ever every everybody
    everyone everything exactly expect expected expecting expensive expire expires extra fair feb february fee few
    finally find fine first firstly fix fixed folks for forward fri friday friend friends from frustrated
    frustrating full further furthermore get gets getting give given go going good got grateful great greetings guys
    had hand happen happened happens happy has hate have having hear hello help helpful her here hesitate hey hi
    high hope how however hurry i id idea ideally identical if impressed in include included includes initiate
    instead interested into is issue it its itself jan january jul july jun june just keep kind kindly know large
    last late later least left less let like list little long longer look looked looking looks lot lots love low
    lower loyal madam made mail make makes many mar march matter may maybe me mean meant meanwhile might mind mine
    mistake mon monday money month months more moreover morning most much must my name necessary need needed needs
    neither never new next nice no nobody none nor not note nothing notice noticed nov november now oct october of
    off offer offers ok okay old on once one ones only option options or order other others otherwise our ours out
    over own part people per perhaps period person pleased plus possible pound pounds prefer preferably previous
    probably problem proceed process prorated put question questions quick quickly quite rather read ready really
    reason receive received recent recently regards remaining request resolve resolved respond rest ridiculous right
    rush sad said same sat satisfied saturday save saw say says second secondly see seems seen send sent sep
    separately sept september service several shall she short should show showing shown shows side since sincerely
    sir six size small smaller so some somebody somehow someone something soon sorry sort sorted still store strange
    such sun sunday support supposed sure team tell ten than thank thankful thanks that the their them then there
    these they thing things think thinking third this those though three through thu thursday time times to today
    together told tomorrow tonight too total tried trouble trust try trying tue tuesday turn two unacceptable under
    understand unfortunately unhappy unless until unused up upset urgent urgently us use used useful using usual
    usually version very via wait want wanted wants was way we wed wednesday week weeks well went were what whatever
    when where whether which while who whole why will wish with within without wonder wondering work working works
    worried would write wrong wrote year years yen yes yesterday yet you your yours yourself
    """
)
"""Words that ask for nothing by themselves: a part of a message with no others in it needs no answer."""
