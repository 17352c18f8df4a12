-- The last mail about each class of errors; class and message are digests.
CREATE TABLE last_mails (
    class     INTEGER PRIMARY KEY,
    message   INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    held_back INTEGER NOT NULL
) STRICT;
