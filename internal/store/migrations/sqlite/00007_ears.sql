-- +goose Up
-- Where a process hears of what others hand over to it: a name that only who reads this table knows.

ALTER TABLE nchat_nodes ADD COLUMN ear TEXT NOT NULL DEFAULT '';
