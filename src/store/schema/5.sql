-- The latest fire of a job that waited for a worker when the watcher was asked to end.
ALTER TABLE jobs ADD COLUMN waiting INTEGER;
