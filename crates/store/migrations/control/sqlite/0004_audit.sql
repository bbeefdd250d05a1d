-- Who changed what, and what happened that is worth knowing later. A change has its row or did not happen.

CREATE TABLE audit (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    tenant TEXT,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    correlation_id BLOB NOT NULL,
    origin BLOB NOT NULL
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_tenant ON audit (tenant, seq);

CREATE TABLE person (
    tenant_id BLOB NOT NULL REFERENCES tenant (id),
    account TEXT NOT NULL,
    peer TEXT NOT NULL,
    tier TEXT,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_active_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, account, peer)
);
CREATE INDEX person_suspended ON person (tenant_id) WHERE status = 'suspended';
CREATE INDEX person_seen ON person (last_active_at);

ALTER TABLE tenant ADD COLUMN last_active_at BIGINT;
-- What a session was suspended with: itself, or its tenant, whose sessions begin anew when it is reinstated.
ALTER TABLE session ADD COLUMN suspended_with TEXT;
