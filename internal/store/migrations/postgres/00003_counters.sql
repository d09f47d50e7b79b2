-- +goose Up
-- A counter of a state that there is not would be one that nobody reads.

ALTER TABLE nchat_webhook_counters ADD CONSTRAINT nchat_webhook_counters_status_check
    CHECK (status IN ('success', 'active', 'pending', 'retrying', 'held', 'failed', 'canceled'));
