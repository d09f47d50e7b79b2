-- +goose Up

ALTER TABLE nchat_incoming_webhooks ADD COLUMN key_template text;
ALTER TABLE nchat_incoming_webhooks ADD COLUMN field_map jsonb;

ALTER TABLE nchat_inbox ADD COLUMN recognised_by text;
ALTER TABLE nchat_inbox ADD COLUMN query text;
ALTER TABLE nchat_inbox ADD COLUMN answer text;

-- Which message of an incoming webhook is about what: a later call with the same key
-- changes it, or replies to it.
CREATE TABLE nchat_incoming_keys (
    webhook_id uuid NOT NULL,
    key        text NOT NULL,
    message_id uuid NOT NULL,
    used_at    timestamptz NOT NULL,
    PRIMARY KEY (webhook_id, key)
);
CREATE INDEX nchat_incoming_keys_used ON nchat_incoming_keys (used_at);
