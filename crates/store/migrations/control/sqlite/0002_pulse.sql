-- One row that a question after the database's health changes, because a transaction that changes nothing
-- commits on a full disk too.

CREATE TABLE pulse (
    id BIGINT NOT NULL PRIMARY KEY,
    beats BIGINT NOT NULL
);
