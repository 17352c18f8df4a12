-- Times are microseconds since 1970, durations nanoseconds.

-- Every job that was ever seen. What is remembered of it is null once it is no longer configured;
-- its runs stay.
CREATE TABLE jobs (
    key       INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    "trigger" TEXT,
    "call"    TEXT,
    anchor    INTEGER,
    since     INTEGER,
    settled INTEGER
) STRICT;

-- One row for each attempt at each fire; its identifier sorts by time.
CREATE TABLE runs (
    key             INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE,
    job             INTEGER NOT NULL REFERENCES jobs (key),
    cause           TEXT NOT NULL,
    fire_time       INTEGER,
    attempt         INTEGER NOT NULL,
    started         INTEGER NOT NULL,
    owner           TEXT,
    outcome         TEXT,
    took            INTEGER,
    exit_code       INTEGER,
    signal          INTEGER,
    returned        TEXT,
    error_type      TEXT,
    error_message   TEXT,
    error_traceback TEXT,
    stdout          TEXT,
    stderr          TEXT
) STRICT;

-- Nothing runs twice for one fire time. Runs by hand have none.
CREATE UNIQUE INDEX one_record_per_attempt ON runs (job, fire_time, attempt);
CREATE INDEX runs_of_a_job ON runs (job, id);
CREATE INDEX going_on ON runs (id) WHERE outcome IS NULL;

-- Dates that have fired: they outlive their runs, for they must never fire again.
CREATE TABLE dates (
    job       INTEGER NOT NULL REFERENCES jobs (key),
    fire_time INTEGER NOT NULL,
    PRIMARY KEY (job, fire_time)
) STRICT, WITHOUT ROWID;
