-- What routes and meters. Times are milliseconds since 1970; ids are UUIDv7.

CREATE TABLE tenant (
    id BLOB NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    tier TEXT NOT NULL,
    status TEXT NOT NULL,
    token_hash BLOB NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE device (
    id BLOB NOT NULL PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    label TEXT NOT NULL,
    scopes TEXT NOT NULL,
    tenant_id BLOB REFERENCES tenant (id),
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE TABLE link (
    code_hash BLOB NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE TABLE session (
    id BLOB NOT NULL PRIMARY KEY,
    tenant_id BLOB NOT NULL REFERENCES tenant (id),
    account TEXT NOT NULL,
    conversation TEXT NOT NULL,
    state TEXT NOT NULL,
    title TEXT,
    epoch BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    owner BLOB,
    lease_until BIGINT,
    fence BIGINT NOT NULL,
    UNIQUE (tenant_id, account, conversation)
);
CREATE INDEX session_expiry ON session (expires_at) WHERE state = 'active';
CREATE INDEX session_owner ON session (owner) WHERE owner IS NOT NULL;

CREATE TABLE inbox (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    tenant_id BLOB NOT NULL REFERENCES tenant (id),
    session_id BLOB NOT NULL,
    account TEXT NOT NULL,
    run TEXT NOT NULL,
    peer TEXT NOT NULL,
    text TEXT NOT NULL,
    context TEXT,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    finished_at BIGINT,
    error_code TEXT,
    error_text TEXT,
    UNIQUE (tenant_id, account, run)
);
CREATE INDEX inbox_unfinished ON inbox (session_id, seq) WHERE state IN ('waiting', 'running');
CREATE INDEX inbox_parked ON inbox (seq) WHERE state = 'parked';
CREATE INDEX inbox_finished ON inbox (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE outbox (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    tenant_id BLOB NOT NULL REFERENCES tenant (id),
    account TEXT NOT NULL,
    conversation TEXT NOT NULL,
    answers BLOB NOT NULL UNIQUE,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL
);
