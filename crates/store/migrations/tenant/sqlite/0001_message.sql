-- Every word said in this tenant. Times are milliseconds since 1970; ids are UUIDv7.

CREATE TABLE message (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    account TEXT NOT NULL,
    conversation TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    role TEXT NOT NULL,
    run TEXT NOT NULL,
    peer TEXT NOT NULL,
    text TEXT NOT NULL,
    at BIGINT NOT NULL,
    answers BLOB UNIQUE,
    outcome TEXT NOT NULL,
    model TEXT,
    usage TEXT
);
CREATE INDEX message_conversation ON message (account, conversation, epoch, seq);
