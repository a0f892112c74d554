-- The support desk's database. What must never happen is made impossible here, whatever the code above does:
-- a refund larger than its payment, two refunds of one payment, two effects of one idempotency key.
-- Money is in minor units. Days are ISO dates ('+0 days' turns 31 November into a day that there is, so it is not equal);
-- moments are whole seconds since the epoch, UTC.

CREATE TABLE plans (
    id      TEXT PRIMARY KEY,
    rank    INTEGER NOT NULL UNIQUE,
    seats   INTEGER NOT NULL CHECK (seats > 0)
) STRICT;

CREATE TABLE prices (
    plan        TEXT NOT NULL REFERENCES plans (id),
    interval    TEXT NOT NULL CHECK (interval IN ('monthly', 'yearly')),
    currency    TEXT NOT NULL CHECK (currency IN ('USD', 'EUR', 'GBP', 'JPY')),
    amount      INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (plan, interval, currency)
) STRICT;

CREATE TABLE customers (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    email   TEXT NOT NULL UNIQUE,
    city    TEXT NOT NULL,
    country TEXT NOT NULL,
    since   TEXT NOT NULL CHECK (since IS date(since, '+0 days'))
) STRICT;

CREATE TABLE subscriptions (
    id              INTEGER PRIMARY KEY,
    customer        INTEGER NOT NULL REFERENCES customers (id),
    plan            TEXT NOT NULL,
    interval        TEXT NOT NULL,
    currency        TEXT NOT NULL,
    seats           INTEGER NOT NULL CHECK (seats > 0),
    status          TEXT NOT NULL CHECK (status IN ('active', 'past_due', 'canceled')),
    anchor          TEXT NOT NULL CHECK (anchor IS date(anchor, '+0 days')),
    period_start    TEXT NOT NULL CHECK (period_start IS date(period_start, '+0 days')),
    period_end      TEXT NOT NULL CHECK (period_end IS date(period_end, '+0 days')),
    ends_on         TEXT CHECK (ends_on IS date(ends_on, '+0 days')),
    CHECK (anchor <= period_start AND period_start < period_end),
    CHECK (status <> 'canceled' OR ends_on IS NOT NULL),
    FOREIGN KEY (plan, interval, currency) REFERENCES prices (plan, interval, currency),
    UNIQUE (id, customer)
) STRICT;
CREATE INDEX subscriptions_customer ON subscriptions (customer);

CREATE TABLE payments (
    id              INTEGER PRIMARY KEY,
    customer        INTEGER NOT NULL,
    subscription    INTEGER NOT NULL,
    period_start    TEXT NOT NULL CHECK (period_start IS date(period_start, '+0 days')),
    period_end      TEXT NOT NULL CHECK (period_end IS date(period_end, '+0 days')),
    amount          INTEGER NOT NULL CHECK (amount > 0),
    currency        TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN ('captured', 'failed')),
    captured_at     INTEGER NOT NULL,
    description     TEXT NOT NULL,
    card            TEXT NOT NULL CHECK (card GLOB '[0-9][0-9][0-9][0-9]'),
    CHECK (period_start < period_end),
    FOREIGN KEY (subscription, customer) REFERENCES subscriptions (id, customer),
    UNIQUE (id, amount, currency, status)
) STRICT;
CREATE INDEX payments_customer ON payments (customer, captured_at);

-- A refund carries a copy of its payment's amount and state; the foreign key holds the copy true, and the
-- checks need no trigger: only captured money is given back, and never more of it than came in.
CREATE TABLE refunds (
    id                  INTEGER PRIMARY KEY,
    payment             INTEGER NOT NULL UNIQUE,
    charged             INTEGER NOT NULL,
    currency            TEXT NOT NULL,
    state               TEXT NOT NULL DEFAULT 'captured' CHECK (state = 'captured'),
    amount              INTEGER NOT NULL CHECK (amount > 0 AND amount <= charged),
    reason              TEXT NOT NULL,
    request             TEXT NOT NULL,
    idempotency_key     TEXT NOT NULL UNIQUE,
    agent               TEXT NOT NULL,
    created_at          INTEGER NOT NULL,
    FOREIGN KEY (payment, charged, currency, state) REFERENCES payments (id, amount, currency, status)
) STRICT;

CREATE TABLE plan_changes (
    id                  INTEGER PRIMARY KEY,
    subscription        INTEGER NOT NULL REFERENCES subscriptions (id),
    direction           TEXT NOT NULL CHECK (direction IN ('upgrade', 'downgrade', 'interval')),
    from_plan           TEXT NOT NULL REFERENCES plans (id),
    to_plan             TEXT NOT NULL REFERENCES plans (id),
    from_interval       TEXT NOT NULL,
    to_interval         TEXT NOT NULL,
    effective_on        TEXT NOT NULL CHECK (effective_on IS date(effective_on, '+0 days')),
    period_end          TEXT NOT NULL CHECK (period_end IS date(period_end, '+0 days')),
    credit              INTEGER NOT NULL CHECK (credit >= 0),
    charge              INTEGER NOT NULL CHECK (charge >= 0),
    net                 INTEGER NOT NULL CHECK (net = charge - credit),
    currency            TEXT NOT NULL,
    price               INTEGER NOT NULL,
    idempotency_key     TEXT NOT NULL UNIQUE,
    agent               TEXT NOT NULL,
    created_at          INTEGER NOT NULL,
    CHECK (from_plan <> to_plan OR from_interval <> to_interval),
    UNIQUE (id, net, currency)
) STRICT;

-- What a plan change leaves to be settled: above zero the customer owes it, below zero it is credited to the next bill.
CREATE TABLE invoices (
    id          INTEGER PRIMARY KEY,
    plan_change INTEGER NOT NULL UNIQUE,
    amount      INTEGER NOT NULL,
    currency    TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    FOREIGN KEY (plan_change, amount, currency) REFERENCES plan_changes (id, net, currency)
) STRICT;

CREATE TABLE cancellations (
    id                  INTEGER PRIMARY KEY,
    subscription        INTEGER NOT NULL REFERENCES subscriptions (id),
    immediate           INTEGER NOT NULL CHECK (immediate IN (0, 1)),
    ends_on             TEXT NOT NULL CHECK (ends_on IS date(ends_on, '+0 days')),
    idempotency_key     TEXT NOT NULL UNIQUE,
    agent               TEXT NOT NULL,
    created_at          INTEGER NOT NULL
) STRICT;
