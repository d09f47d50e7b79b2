-- +goose Up
-- A counter of a state that there is not would be one that nobody reads.

CREATE TABLE nchat_webhook_counters_checked (
    webhook_id TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('success', 'active', 'pending', 'retrying', 'held', 'failed', 'canceled')),
    total      INTEGER NOT NULL,
    PRIMARY KEY (webhook_id, status)
) WITHOUT ROWID;
INSERT INTO nchat_webhook_counters_checked SELECT webhook_id, status, total FROM nchat_webhook_counters;
DROP TABLE nchat_webhook_counters;
ALTER TABLE nchat_webhook_counters_checked RENAME TO nchat_webhook_counters;
