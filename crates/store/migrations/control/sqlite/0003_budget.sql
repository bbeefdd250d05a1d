-- What may be used up and what has been. Amounts are tokens, or millionths of the currency that the unit names.
-- Where account and peer are empty, the budget is the tenant's as a whole.

CREATE TABLE budget (
    id BLOB NOT NULL PRIMARY KEY,
    tenant_id BLOB NOT NULL REFERENCES tenant (id),
    account TEXT NOT NULL,
    peer TEXT NOT NULL,
    unit TEXT NOT NULL,
    period TEXT NOT NULL,
    used BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    window_from BIGINT NOT NULL,
    window_until BIGINT NOT NULL,
    warned BIGINT NOT NULL,
    approved BIGINT NOT NULL,
    limit_override BIGINT,
    UNIQUE (tenant_id, account, peer, unit, period)
);

-- What a call under way holds. A call that has ended says what it used; soon after that is booked, together
-- with what others used, and the row goes.
CREATE TABLE reservation (
    id BLOB NOT NULL PRIMARY KEY,
    tenant_id BLOB NOT NULL REFERENCES tenant (id),
    account TEXT NOT NULL,
    peer TEXT NOT NULL,
    instance BLOB NOT NULL,
    session_id BLOB,
    state TEXT NOT NULL,
    sent BIGINT NOT NULL,
    parts TEXT NOT NULL,
    spent TEXT,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX reservation_ended ON reservation (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX reservation_held ON reservation (expires_at) WHERE state = 'held';
CREATE INDEX reservation_lapsed ON reservation (expires_at) WHERE state = 'lapsed';
CREATE INDEX reservation_instance ON reservation (instance) WHERE state = 'held';
CREATE INDEX reservation_session ON reservation (session_id) WHERE session_id IS NOT NULL;

-- What was used, added up by quarters of an hour: the smallest step that every time zone keeps.
CREATE TABLE usage_history (
    tenant_id BLOB NOT NULL REFERENCES tenant (id),
    began_at BIGINT NOT NULL,
    account TEXT NOT NULL,
    peer TEXT NOT NULL,
    model TEXT NOT NULL,
    currency TEXT NOT NULL,
    calls BIGINT NOT NULL,
    input BIGINT NOT NULL,
    cached BIGINT NOT NULL,
    output BIGINT NOT NULL,
    money BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, began_at, account, peer, model, currency)
);
CREATE INDEX usage_history_age ON usage_history (began_at);

-- A moment of the budgets' own time, and how long the machine had been up then, for each start of a machine.
CREATE TABLE budget_clock (
    boot BLOB NOT NULL PRIMARY KEY,
    uptime BIGINT NOT NULL,
    at BIGINT NOT NULL
);
