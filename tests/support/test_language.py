"""Understanding what customers write: a table of sentences, and what must never be read into one."""

import itertools
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from treeward.trees.library.support.intents import Kind
from treeward.trees.library.support.language import LONGEST, understand
from treeward.trees.library.support.readings import ACTIONS

ISSUE = "I've been charged twice for my subscription and I want to upgrade to the enterprise plan."


def brief(intent):
    """Writes an intent as one word, such as `plan_change:enterprise:yearly:upgrade`."""
    parts = [intent.kind, "+".join(intent.plans), intent.interval, intent.direction, intent.when]
    return ":".join(str(part) for part in parts if part)


SINGLE = [
    # charged twice
    ("I was charged twice", "double_charge"),
    ("I've been charged twice for my subscription.", "double_charge"),
    ("You charged me two times this month!", "double_charge"),
    ("My card was billed twice", "double_charge"),
    ("there is a duplicate charge on my card", "double_charge"),
    ("There are two identical charges of $49.00 on my statement.", "double_charge"),
    ("I see a double payment for November", "double_charge"),
    ("I paid twice for the same month, please fix it", "double_charge"),
    ("You took the money 2x from my account", "double_charge"),
    ("the same amount was debited from my bank account twice", "double_charge"),
    ("Why was I charged twice?", "double_charge"),
    ("I don't understand why I have been charged twice", "double_charge"),
    ("I can't believe you charged me twice!!", "double_charge"),
    ("You should not have charged me twice", "double_charge"),
    ("double charged!!! please help", "double_charge"),
    ("Please refund the duplicate.", "double_charge"),
    ("I was charged not once but twice", "double_charge"),
    ("charged not once, but twice for my plan", "double_charge"),
    ("I want my money back because you charged me twice", "double_charge"),
    ("I was charged more than once this month", "double_charge"),
    ("Can you check whether I was charged twice?", "double_charge"),
    ("If I was charged twice, please refund the second one.", "double_charge"),
    ("both charges are for the same period", "double_charge"),
    ("Stop charging me twice", "double_charge"),
    ("I got double-billed yesterday", "double_charge"),
    ("my subscription payment went through twice", "double_charge"),
    ("I've been charged multiple times for October", "double_charge"),
    ("cancel the duplicate charge please", "double_charge"),
    ("cancel one of the two charges", "double_charge"),
    # typos
    ("I was chraged twise", "double_charge"),
    ("ive been chaged twice", "double_charge"),
    ("duplcate payement on my acount", "double_charge"),
    ("i want to upgade to the enterprize plan", "plan_change:enterprise:upgrade"),
    ("plese cancle my subscripton", "cancellation"),
    ("swich me to anual billing", "plan_change:yearly"),
    ("can i get a refnud please", "refund"),
    # money back, disputes
    ("I want a refund", "refund"),
    ("Can I have my money back?", "refund"),
    ("please reimburse me for last month", "refund"),
    ("There is a charge I don't recognize", "refund"),
    ("I was overcharged", "refund"),
    ("I'd like to dispute a charge", "refund"),
    ("you charged me again", "refund"),
    # plan changes
    ("I want to upgrade to the enterprise plan.", "plan_change:enterprise:upgrade"),
    ("Upgrade me to Enterprise", "plan_change:enterprise:upgrade"),
    ("please move us to the pro plan", "plan_change:pro"),
    ("Switch my plan to team", "plan_change:team"),
    ("I'd like the enterprise plan, please", "plan_change:enterprise"),
    ("I would like to go from basic to pro", "plan_change:pro"),
    ("Could you upgrade my account to pro?", "plan_change:pro:upgrade"),
    ("can you please put me on the team plan", "plan_change:team"),
    ("upgrade my basic plan to enterprise", "plan_change:enterprise:upgrade"),
    ("Change my subscription to yearly billing", "plan_change:yearly"),
    ("I want to pay annually", "plan_change:yearly"),
    ("switch to monthly", "plan_change:monthly"),
    ("upgrade to enterprise, billed yearly", "plan_change:enterprise:yearly:upgrade"),
    ("Move me to the yearly pro plan", "plan_change:pro:yearly"),
    ("downgrade to basic", "plan_change:basic:downgrade"),
    ("I need to downgrade my subscription to the team tier", "plan_change:team:downgrade"),
    ("I want to upgrade", "plan_change:upgrade"),
    ("upgrade my plan", "plan_change:upgrade"),
    ("I'm on the basic plan and I'd like to upgrade", "plan_change:upgrade"),
    ("sign me up for enterprise", "plan_change:enterprise"),
    ("We want the biggest plan", "plan_change:enterprise"),
    ("get me upgraded to the professional plan", "plan_change:pro:upgrade"),
    ("I want enterprise instead of pro", "plan_change:enterprise"),
    ("Could I be moved to the enterprise plan, please?", "plan_change:enterprise"),
    ("I'd appreciate it if you could upgrade me to enterprise", "plan_change:enterprise:upgrade"),
    ("Would you mind upgrading me to enterprise?", "plan_change:enterprise:upgrade"),
    ("Let's go with the enterprise plan", "plan_change:enterprise"),
    ("I want to return to the basic plan", "plan_change:basic"),
    ("I would like to purchase the enterprise plan", "plan_change:enterprise"),
    ("make it yearly", "plan_change:yearly"),
    ("upgrade to enterprise so I can add my colleagues", "plan_change:enterprise:upgrade"),
    # cancellations
    ("Cancel my subscription", "cancellation"),
    ("please cancel", "cancellation"),
    ("I want to cancel my plan immediately", "cancellation:now"),
    ("cancel my subscription right away", "cancellation:now"),
    ("Cancel my subscription at the end of the month", "cancellation:period_end"),
    ("please do not renew my subscription", "cancellation:period_end"),
    ("turn off auto-renewal", "cancellation:period_end"),
    ("I'd like to end my subscription", "cancellation"),
    ("I no longer need my subscription", "cancellation"),
    ("I don't want my subscription anymore", "cancellation"),
    ("unsubscribe me", "cancellation"),
    ("I want my subscription cancelled", "cancellation"),
    ("It's too expensive, so please cancel my subscription", "cancellation"),
    ("cancel my subscription, effective immediately", "cancellation:now"),
    ("I'd like to cancel my subscription but keep it until the end of the period", "cancellation:period_end"),
    ("Stop auto-renewing my plan", "cancellation:period_end"),
    ("I don't want to renew", "cancellation:period_end"),
    ("Cancel my team plan when the period ends", "cancellation:period_end"),
    ("I'm moving abroad so cancel my subscription", "cancellation"),
    # prices
    ("How much does the enterprise plan cost?", "prices:enterprise"),
    ("What plans do you have?", "prices"),
    ("what is the price of pro", "prices:pro"),
    ("How much would it cost to upgrade to enterprise?", "prices:enterprise"),
    ("What is the difference between pro and enterprise?", "prices:pro+enterprise"),
    ("pricing please", "prices"),
    ("is there a cheaper plan?", "prices"),
    ("How do I upgrade to enterprise?", "prices:enterprise"),
    ("what would happen if I upgrade to pro", "prices:pro"),
    ("Can I upgrade to enterprise?", "prices:enterprise"),
    ("how much is enterprise per year", "prices:enterprise:yearly"),
    # charges
    ("Show me my charges", "charges"),
    ("Can you send me my invoices?", "charges"),
    ("what was I charged last month?", "charges"),
    ("How much did I pay in October?", "charges"),
    ("When is my next payment due?", "charges"),
    ("I need my billing history", "charges"),
    ("why was I charged $49.00", "charges"),
    ("list my payments please", "charges"),
    ("When does my subscription renew?", "charges"),
    ("how much do you charge for pro?", "prices:pro"),
    ("If I upgrade to pro, what will it cost?", "prices:pro"),
    ("Tell me about enterprise", "prices:enterprise"),
    ("Can I please upgrade to enterprise?", "plan_change:enterprise:upgrade"),
    ("If possible, upgrade me to pro", "plan_change:pro:upgrade"),
    ("Upgrade me from team to enterprise on a yearly basis", "plan_change:enterprise:yearly:upgrade"),
    ("I'm currently on the team plan, please upgrade me to pro", "plan_change:pro:upgrade"),
    ("I would rather have the pro plan than the basic plan", "plan_change:pro"),
    ("can u upgrade me 2 enterprise", "plan_change:enterprise:upgrade"),
    ("Hi Anna, I was charged twice. Best, John Smith", "double_charge"),
    ("Hello, my name is Ava Lindqvist. I'd like enterprise.", "plan_change:enterprise"),
    ("refund my last two payments", "refund"),
    ("there is an extra charge on my card", "refund"),
    ("I have the pro plan. I was charged twice.", "double_charge"),
    ("My plan is basic, please upgrade it to team", "plan_change:team:upgrade"),
]

COMPOUND = [
    (ISSUE, "double_charge plan_change:enterprise:upgrade"),
    (
        "I want to upgrade to enterprise and I was charged twice",
        "plan_change:enterprise:upgrade double_charge",
    ),
    ("Upgrade me to enterprise. Also, you billed me twice.", "plan_change:enterprise:upgrade double_charge"),
    ("refund the double charge, then move me to pro", "double_charge plan_change:pro"),
    ("I was charged twice, please refund me and upgrade me to pro", "double_charge plan_change:pro:upgrade"),
    (
        "Hello! Hope you are well. I was billed twice; can you look at it? Also go to annual billing. Thanks",
        "double_charge plan_change:yearly",
    ),
    ("Cancel my subscription and refund me", "cancellation refund"),
    ("Refund me and cancel my subscription", "refund cancellation"),
    ("cancel my subscription immediately and give me my money back", "cancellation:now refund"),
    ("Cancel my plan, then refund the unused days, please", "cancellation refund"),
    ("I want to cancel because I was charged twice", "cancellation double_charge"),
    ("charged twice, want refund, want enterprise", "double_charge plan_change:enterprise"),
    ("Show me my charges and tell me what enterprise costs", "charges prices:enterprise"),
    ("Not only was I charged twice, I also want to upgrade to pro", "double_charge plan_change:pro:upgrade"),
    ("before you upgrade me to pro, refund the duplicate payment", "plan_change:pro:upgrade double_charge"),
    (
        "I want to upgrade. To the enterprise plan. And I was charged twice.",
        "plan_change:enterprise:upgrade double_charge",
    ),
    (
        "Refund my duplicate charge & upgrade me to enterprise yearly",
        "double_charge plan_change:enterprise:yearly:upgrade",
    ),
    (
        "upgrade to pro, cancel the duplicate charge and send me my invoices",
        "plan_change:pro:upgrade double_charge charges",
    ),
    (
        "I was double charged as well as I want to upgrade to enterprise",
        "double_charge plan_change:enterprise:upgrade",
    ),
    ("chraged twice adn want to upgrde to enterprise", "double_charge plan_change:enterprise:upgrade"),
    ("I've been charged twice and my dashboard is broken", "double_charge unknown"),
    ("Upgrade me to enterprise and make my logo purple", "plan_change:enterprise:upgrade unknown"),
    ("I was charged twice. Where is my parcel?", "double_charge unknown"),
    (
        "My account has two charges for the same month - and I need the enterprise plan",
        "double_charge plan_change:enterprise",
    ),
    ("How much is enterprise? And why was I charged twice?", "prices:enterprise double_charge"),
    ("I upgraded to pro last week but was charged twice", "double_charge"),
    ("My logo is purple. I was charged twice. My parcel is late.", "unknown double_charge unknown"),
    ("My logo is purple, hello, my parcel is late. I was charged twice.", "unknown double_charge"),
    ("I was charged twice. Upgrade me to pro. Downgrade me to basic.", "double_charge unknown"),
    ("I was charged twice, also refund the rest of the month", "double_charge refund"),
    (
        "Upgrade me to pro, and please give me back the second payment you took by mistake.",
        "plan_change:pro:upgrade double_charge",
    ),
    (
        "Can I have a refund of the duplicate charge and be upgraded to enterprise",
        "double_charge plan_change:enterprise:upgrade",
    ),
    ("Upgrade us to pro and bill us annually", "plan_change:pro:yearly:upgrade"),
    ("i was charged twice i want to upgrade to enterprise", "double_charge plan_change:enterprise:upgrade"),
    ("Upgrade to enterprise if you refund me; I was charged twice", "unknown double_charge"),
    ("I cancelled my subscription last month but was charged again", "refund"),
]

NEGATED = [
    ("I have NOT been charged twice, I just want to upgrade to pro", "plan_change:pro:upgrade"),
    ("I haven't been charged twice but I'd like to see my invoices", "charges"),
    ("Don't cancel my subscription, just refund the duplicate charge", "double_charge"),
    ("please don't cancel, upgrade me to enterprise instead", "plan_change:enterprise:upgrade"),
    ("I do not want to upgrade. I was charged twice.", "double_charge"),
    ("I want to downgrade to basic, not cancel", "plan_change:basic:downgrade"),
    ("I don't need a refund, cancel my subscription", "cancellation"),
    ("upgrade to pro instead of cancelling", "plan_change:pro:upgrade"),
    ("There was no double charge. Show me my payments.", "charges"),
    ("I never said cancel; switch me to team", "plan_change:team"),
    ("upgrade me to pro without charging me twice", "plan_change:pro:upgrade"),
    ("Don't cancel or downgrade anything, I only want to see my invoices", "charges"),
]

NEVER_A_GUESS = [
    "",
    "   ",
    "hello",
    "Hi there, thanks!",
    "asdf qwer",
    "My dashboard is broken",
    "What's the weather like?",
    "I forgot my password",
    "change my email address",
    "update my credit card",
    "cancel my flight",
    "Cancel my wife's subscription",
    "delete my account",
    "I have not been charged twice",
    "don't cancel",
    "I don't want to upgrade",
    "I cancelled my subscription last month",
    "I upgraded to enterprise yesterday",
    "You cancelled my subscription!",
    "I haven't received my refund",
    "I still have not been refunded",
    "How do I cancel?",
    "If you can't refund me, cancel my subscription",
    "Refund me or cancel my subscription",
    "cancel or upgrade, whatever",
    "upgrade me to pro or enterprise",
    "cancel my basic plan and upgrade me to enterprise",
    "I can't upgrade to enterprise",
    "The website won't let me upgrade to enterprise",
    "I'm thinking about cancelling my subscription",
    "Maybe I should upgrade to enterprise",
    "I will cancel my subscription",
    "upgrade my browser",
    "I need help with my enterprise account",
    "I want to talk to your team",
    "I have a basic question",
    "enterprise",
    "Upgrade to pro. Upgrade to enterprise.",
    "Please double check my address",
    "I emailed you twice already",
    "I asked twice to speak to someone",
    "Ich wurde doppelt belastet",
    "me cobraron dos veces",
    "add five seats",
    "cancel immediately at the end of the month",
    "the price is too high",
    "pay my invoice",
    "Unless you stop emailing me, cancel my plan",
    "x" * 50,
    # spoken of, reported, doubted, asked about, or about something else: nothing may be done
    "Why was my subscription cancelled?",
    "Did you cancel my subscription?",
    "You said you would cancel my subscription",
    "I asked you to cancel my subscription",
    "I tried to cancel my subscription",
    "Your colleague told me to upgrade to pro",
    "When I cancel my subscription, do I lose my files?",
    "I need to know more before I cancel my subscription",
    "Is there a fee to cancel my subscription",
    "Where can I cancel my subscription?",
    "I don't know how to cancel",
    "Nice that I can cancel my subscription at any time",
    "An error comes when upgrading to pro",
    "please advise on cancellation",
    "Any advice on an upgrade to pro?",
    "I need to cancel the upgrade",
    "undo my cancellation",
    "cancel my subscription emails",
    "cancel my plan change",
    "my upgrade to enterprise failed",
    "the cancel button does not work",
    "I need professional help",
    "I want team access",
    "We need a pro to fix it",
    "I'll cancel my subscription if you don't refund me",
    "Upgrade me if it costs less than $100",
    "Upgrade my friend to enterprise",
    "upgrade me to platinum",
    "DROP TABLE payments; --",
    "I have two subscriptions, cancel one of them",
    "stop billing me",
    "My subscription did not renew",
    "Why did you turn off auto-renewal?",
    "Do not cancel the auto-renewal",
    "you took it by mistake, please look",
    "I have the pro plan",
    "enterprise rocks",
]


@pytest.mark.parametrize(("text", "expected"), SINGLE)
def test_a_single_request_is_understood_in_many_wordings(text, expected):
    """One thing asked for in one of many ways is that one intent, with its parts."""
    assert " ".join(map(brief, understand(text))) == expected


@pytest.mark.parametrize(("text", "expected"), COMPOUND)
def test_a_compound_request_is_understood_in_any_order(text, expected):
    """Several things asked for in one message are as many intents, in the order in which they are named."""
    assert " ".join(map(brief, understand(text))) == expected


@pytest.mark.parametrize(("text", "expected"), NEGATED)
def test_what_is_denied_is_not_done(text, expected):
    """A word under a negation is no request, and the rest of the message counts."""
    assert " ".join(map(brief, understand(text))) == expected


@pytest.mark.parametrize("text", NEVER_A_GUESS)
def test_what_is_not_understood_is_never_a_guess(text):
    """A message without a clear request is one unknown intent with the customer's own words."""
    (intent,) = understand(text)
    assert (intent.kind, intent.text) == (Kind.UNKNOWN, text.strip())


# --- in general -------------------------------------------------------------------------------------

PARTS = [
    ("I was charged twice", "double_charge"),
    ("I want to upgrade to the enterprise plan", "plan_change:enterprise:upgrade"),
    ("show me my charges", "charges"),
    ("how much is the pro plan", "prices:pro"),
    ("my dashboard is broken", "unknown"),
]
JOINTS = [" and ", ", and ", ". ", "! ", "; ", ", then ", ". Also, ", " but also ", "\n", " - ", ", plus "]


@pytest.mark.parametrize("joint", JOINTS)
@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(PARTS, 2)))
def test_any_two_requests_can_be_joined_in_any_way(first, second, joint):
    """Both are understood, in the order in which they stand."""
    text = f"{first[0]}{joint}{second[0]}."
    assert " ".join(map(brief, understand(text))) == f"{first[1]} {second[1]}"


@pytest.mark.parametrize(
    "before", ["Hi, ", "Hello there! ", "Dear team, ", "Good morning. ", "Hey, quick question: ", ""]
)
@pytest.mark.parametrize("after", [" Thanks!", " Thank you very much, best regards", " Please help asap.", "", "???"])
def test_politeness_changes_nothing(before, after):
    """Greetings and thanks are no requests."""
    text = f"{before}I was charged twice and I want to upgrade to enterprise.{after}"
    assert " ".join(map(brief, understand(text))) == "double_charge plan_change:enterprise:upgrade"


@pytest.mark.parametrize("text", [text for text, _ in (*SINGLE, *COMPOUND, *NEGATED)])
def test_capitals_and_typographic_marks_change_nothing(text):
    """Shouted, whispered, or with an apostrophe from a phone."""
    expected = [brief(intent) for intent in understand(text)]
    if "Anna" in text or "Ava" in text:  # a name is known by its capital
        return
    for other in (text.upper(), text.lower(), text.replace("'", "\u2019"), f"  {text}  "):
        assert [brief(intent) for intent in understand(other)] == expected


@st.composite
def misspelled(draw, word):
    """A word with one letter dropped, doubled, or swapped with the next one; not its first."""
    place = draw(st.integers(1, len(word) - 2))
    kind = draw(st.sampled_from(["drop", "double", "swap"]))
    if kind == "drop":
        return word[:place] + word[place + 1 :]
    if kind == "double":
        return word[:place] + word[place] + word[place:]
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


@given(misspelled("charged"), misspelled("twice"), misspelled("upgrade"), misspelled("enterprise"))
def test_one_slip_in_each_key_word_is_forgiven(charged, twice, upgrade, enterprise):
    """A letter dropped, doubled or swapped leaves the request what it was."""
    found = understand(f"I was {charged} {twice} and I want to {upgrade} to the {enterprise} plan")
    assert [brief(intent) for intent in found] == ["double_charge", "plan_change:enterprise:upgrade"]


@given(st.text(max_size=300))
@example("\x00")
@example("\ud800")
@example("?" * 300)
def test_no_text_is_too_strange(text):
    """Whatever the characters, something is understood or nothing, and nothing raises."""
    assert understand(text)


@given(st.lists(st.text(string.ascii_lowercase, min_size=4, max_size=9), min_size=1, max_size=12))
def test_random_words_ask_for_nothing(words):
    """Words that nobody knows change nothing."""
    known = (
        "cancel",
        "unsubscribe",
        "terminate",
        "discontinue",
        "upgrade",
        "downgrade",
        "plan",
        "team",
        "pro",
        "basic",
    )
    if not any(word.startswith(start[:3]) for word in words for start in known):
        assert not ACTIONS.intersection(intent.kind for intent in understand(" ".join(words)))


def test_a_long_message_is_for_a_person():
    """Rules read requests, not letters: one of more than 2,000 characters goes to the desk whole."""
    letter = "I was charged twice. " * 100
    (intent,) = understand(letter)
    assert (intent.kind, intent.text, len(letter) > LONGEST) == (Kind.UNKNOWN, letter, True)
    assert understand(letter[:LONGEST])[0].kind is Kind.DOUBLE_CHARGE


def test_the_words_of_each_part_are_the_customers():
    """Each intent carries what was written for it, letter by letter."""
    found = understand("I WAS charged twice!! Also: my Logo is purple, and please Upgrade me to enterprise.")
    assert [intent.text for intent in found] == [
        "I WAS charged twice",
        "my Logo is purple",
        "please Upgrade me to enterprise",
    ]
