-- +goose Up
-- Lists of deliveries in a state that few are in, of one webhook and of all: what
-- is not there is not looked for among millions.

CREATE INDEX nchat_webhook_deliveries_failed_webhook ON nchat_webhook_deliveries (webhook_id, id) WHERE status = 'failed';
CREATE INDEX nchat_webhook_deliveries_held_all ON nchat_webhook_deliveries (id) WHERE status = 'held';
CREATE INDEX nchat_webhook_deliveries_canceled ON nchat_webhook_deliveries (id) WHERE status = 'canceled';
CREATE INDEX nchat_webhook_deliveries_canceled_webhook ON nchat_webhook_deliveries (webhook_id, id) WHERE status = 'canceled';
CREATE INDEX nchat_webhook_deliveries_retrying ON nchat_webhook_deliveries (id) WHERE status = 'retrying';
CREATE INDEX nchat_webhook_deliveries_retrying_webhook ON nchat_webhook_deliveries (webhook_id, id) WHERE status = 'retrying';

-- The sessions of one user, newest first.
CREATE INDEX nchat_sessions_of_user ON nchat_sessions (user_id, id);
