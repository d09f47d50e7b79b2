-- +goose NO TRANSACTION
-- +goose Up
-- What the state of a delivery says of its times and its lease, in one condition instead of six. Postgres
-- reads and prepares a table's conditions anew for each statement that writes to it, which cost as much as
-- four rows. It means the same as the six did, so every row satisfies it.

-- This locks out all who read or write the table, for a moment. Whoever waits for that has all others
-- wait behind, so it is not waited for: while a backup or a count reads, it is tried again.
-- +goose StatementBegin
DO $$ BEGIN
    FOR attempt IN 1..40 LOOP -- other hubs that start wait for a minute
        BEGIN
            SET LOCAL lock_timeout = '200ms';
            ALTER TABLE nchat_webhook_deliveries
                DROP CONSTRAINT IF EXISTS nchat_webhook_deliveries_state, -- of a migration that was interrupted
                DROP CONSTRAINT IF EXISTS nchat_webhook_deliveries_status_check,
                DROP CONSTRAINT IF EXISTS nchat_webhook_deliveries_check,
                DROP CONSTRAINT IF EXISTS nchat_webhook_deliveries_check1,
                DROP CONSTRAINT IF EXISTS nchat_webhook_deliveries_check2,
                DROP CONSTRAINT IF EXISTS nchat_webhook_deliveries_check3,
                DROP CONSTRAINT IF EXISTS nchat_webhook_deliveries_check4,
                ADD CONSTRAINT nchat_webhook_deliveries_state CHECK (CASE
                    WHEN lease_node IS NOT NULL THEN status = 'active' AND scheduled_for IS NULL AND finished_at IS NULL
                    WHEN finished_at IS NOT NULL THEN status IN ('success', 'failed', 'canceled') AND scheduled_for IS NULL
                    WHEN scheduled_for IS NOT NULL THEN status IN ('pending', 'retrying')
                    ELSE status IN ('pending', 'held')
                END) NOT VALID;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(1);
        END;
    END LOOP;
    RAISE EXCEPTION 'nchat_webhook_deliveries was read all the time, by a backup perhaps; start the hub again when that is done';
END $$;
-- +goose StatementEnd

-- To look through the rows keeps nobody from reading and writing.
ALTER TABLE nchat_webhook_deliveries VALIDATE CONSTRAINT nchat_webhook_deliveries_state;
