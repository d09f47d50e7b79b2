-- +goose Up
-- From where a change was made, and the ways in which the log is asked.

ALTER TABLE nchat_audit_log ADD COLUMN session_id text;
ALTER TABLE nchat_audit_log ADD COLUMN user_agent text;
ALTER TABLE nchat_audit_log ADD COLUMN trace text;

CREATE INDEX nchat_audit_log_actor ON nchat_audit_log (actor_id, id) WHERE actor_id IS NOT NULL;
CREATE INDEX nchat_audit_log_action ON nchat_audit_log (action, id);
CREATE INDEX nchat_audit_log_subject ON nchat_audit_log (subject, id);
