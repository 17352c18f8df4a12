-- Mails that wait for their server, one row for each recipient. A process that sends one has put
-- its name to it.
CREATE TABLE outbox (
    key       INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    recipient TEXT NOT NULL,
    subject   TEXT NOT NULL,
    body      TEXT NOT NULL,
    written   INTEGER NOT NULL,
    tries     INTEGER NOT NULL DEFAULT 0,
    due       INTEGER NOT NULL,
    sender    TEXT
) STRICT;

CREATE INDEX due_mails ON outbox (due);

-- Jobs whose failure was mailed and that have not succeeded since.
CREATE TABLE mailed (
    job   INTEGER PRIMARY KEY REFERENCES jobs (key),
    since INTEGER NOT NULL
) STRICT;
