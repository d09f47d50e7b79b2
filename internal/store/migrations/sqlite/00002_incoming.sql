-- +goose Up

ALTER TABLE nchat_incoming_webhooks ADD COLUMN key_template TEXT;
ALTER TABLE nchat_incoming_webhooks ADD COLUMN field_map TEXT;

ALTER TABLE nchat_inbox ADD COLUMN recognised_by TEXT;
ALTER TABLE nchat_inbox ADD COLUMN query TEXT;
ALTER TABLE nchat_inbox ADD COLUMN answer TEXT;

-- Which message of an incoming webhook is about what: a later call with the same key
-- changes it, or replies to it.
CREATE TABLE nchat_incoming_keys (
    webhook_id TEXT NOT NULL,
    key        TEXT NOT NULL,
    message_id TEXT NOT NULL,
    used_at    TEXT NOT NULL,
    PRIMARY KEY (webhook_id, key)
) WITHOUT ROWID;
CREATE INDEX nchat_incoming_keys_used ON nchat_incoming_keys (used_at);
