-- When a failed run is tried again; null where it is not, and once it has been.
ALTER TABLE runs ADD COLUMN retry INTEGER;

CREATE INDEX waiting_retries ON runs (job) WHERE retry IS NOT NULL;
