-- +goose Up
-- What the message said when a call had made or changed it is that revision of it; 0: not known.

ALTER TABLE nchat_inbox ADD COLUMN message_revision INTEGER NOT NULL DEFAULT 0;
