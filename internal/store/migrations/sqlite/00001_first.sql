-- +goose Up
-- Times are TEXT, exactly 2006-01-02T15:04:05.000000Z, and compared with bound
-- parameters only. JSON is TEXT. Ids are UUIDv7 in text form.

-- The chat: nself-chat's tables and columns, nothing more.

CREATE TABLE nchat_users (
    id             TEXT PRIMARY KEY,
    email          TEXT NOT NULL CHECK (length(email) <= 255), -- lower case
    display_name   TEXT NOT NULL CHECK (length(display_name) <= 100),
    username       TEXT UNIQUE CHECK (length(username) <= 50),
    avatar_url     TEXT,
    status         TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive', 'suspended', 'deleted')),
    email_verified INTEGER NOT NULL DEFAULT 0,
    locale         TEXT,
    timezone       TEXT,
    metadata       TEXT NOT NULL DEFAULT '{}', -- {"kind","role"}
    last_seen_at   TEXT,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL,
    deleted_at     TEXT
);
CREATE UNIQUE INDEX nchat_users_email ON nchat_users (lower(email));

CREATE TABLE nchat_channels (
    id              TEXT PRIMARY KEY,
    workspace_id    TEXT,
    category_id     TEXT,
    name            TEXT NOT NULL CHECK (length(name) <= 100),
    slug            TEXT NOT NULL CHECK (length(slug) <= 100),
    description     TEXT,
    topic           TEXT CHECK (length(topic) <= 500),
    type            TEXT NOT NULL DEFAULT 'public' CHECK (type IN ('public', 'private', 'direct', 'group', 'announcement')),
    is_default      INTEGER NOT NULL DEFAULT 0,
    is_archived     INTEGER NOT NULL DEFAULT 0,
    is_readonly     INTEGER NOT NULL DEFAULT 0,
    member_count    INTEGER NOT NULL DEFAULT 0,
    message_count   INTEGER NOT NULL DEFAULT 0,
    last_message_at TEXT,
    last_message_id TEXT,
    created_by      TEXT,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    archived_at     TEXT
);
CREATE UNIQUE INDEX nchat_channels_slug ON nchat_channels (slug);

CREATE TABLE nchat_channel_members (
    id         TEXT PRIMARY KEY,
    channel_id TEXT NOT NULL REFERENCES nchat_channels (id) ON DELETE CASCADE,
    user_id    TEXT NOT NULL REFERENCES nchat_users (id),
    role       TEXT NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'admin', 'moderator', 'member', 'guest')),
    joined_at  TEXT NOT NULL,
    UNIQUE (channel_id, user_id)
);
CREATE INDEX nchat_channel_members_user ON nchat_channel_members (user_id);

-- The rowid ties a message to its entry in nchat_message_search.
CREATE TABLE nchat_messages (
    rowid             INTEGER PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    channel_id        TEXT NOT NULL,
    user_id           TEXT,
    thread_id         TEXT,
    parent_message_id TEXT,
    content           TEXT,
    content_html      TEXT,
    content_plain     TEXT,
    type              TEXT NOT NULL DEFAULT 'text' CHECK (type IN ('text', 'system', 'bot', 'file', 'voice', 'video', 'embed')),
    metadata          TEXT NOT NULL DEFAULT '{}', -- {"author","origin","revision"}
    mentions          TEXT,
    embeds            TEXT,
    is_edited         INTEGER NOT NULL DEFAULT 0,
    is_pinned         INTEGER NOT NULL DEFAULT 0,
    is_deleted        INTEGER NOT NULL DEFAULT 0,
    reaction_count    INTEGER NOT NULL DEFAULT 0,
    reply_count       INTEGER NOT NULL DEFAULT 0,
    edited_at         TEXT,
    deleted_at        TEXT,
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL
);
CREATE INDEX nchat_messages_channel ON nchat_messages (channel_id, id);
CREATE INDEX nchat_messages_thread ON nchat_messages (thread_id, id) WHERE thread_id IS NOT NULL;
CREATE INDEX nchat_messages_pinned ON nchat_messages (channel_id, id) WHERE is_pinned;

-- A thread's id is that of its root message.
CREATE TABLE nchat_threads (
    id              TEXT PRIMARY KEY,
    channel_id      TEXT NOT NULL,
    root_message_id TEXT NOT NULL UNIQUE,
    name            TEXT,
    message_count   INTEGER NOT NULL DEFAULT 0,
    last_message_at TEXT,
    is_locked       INTEGER NOT NULL DEFAULT 0,
    is_archived     INTEGER NOT NULL DEFAULT 0,
    created_by      TEXT,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL
);

CREATE TABLE nchat_reactions (
    id         TEXT PRIMARY KEY,
    message_id TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    emoji      TEXT NOT NULL CHECK (length(emoji) <= 50),
    created_at TEXT NOT NULL,
    UNIQUE (message_id, emoji, user_id)
);

CREATE TABLE nchat_attachments (
    id                TEXT PRIMARY KEY,
    message_id        TEXT,
    user_id           TEXT NOT NULL,
    filename          TEXT NOT NULL,
    original_filename TEXT,
    file_path         TEXT, -- hex SHA-256 of the content: the blob's name
    url               TEXT,
    type              TEXT NOT NULL DEFAULT 'other' CHECK (type IN ('image', 'video', 'audio', 'document', 'archive', 'other')),
    mime_type         TEXT NOT NULL,
    size_bytes        INTEGER NOT NULL,
    width             INTEGER,
    height            INTEGER,
    thumbnail_url     TEXT,
    metadata          TEXT,
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL
);
CREATE INDEX nchat_attachments_message ON nchat_attachments (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX nchat_attachments_unposted ON nchat_attachments (created_at) WHERE message_id IS NULL;
CREATE INDEX nchat_attachments_blob ON nchat_attachments (file_path) WHERE file_path IS NOT NULL;

CREATE TABLE nchat_message_revisions (
    message_id TEXT NOT NULL,
    number     INTEGER NOT NULL,
    content    TEXT NOT NULL,
    embeds     TEXT,
    edited_by  TEXT,
    created_at TEXT NOT NULL,
    PRIMARY KEY (message_id, number)
) WITHOUT ROWID;

-- Words are cut and folded by the hub (words.go); the tokenizer takes them as they are.
CREATE VIRTUAL TABLE nchat_message_search USING fts5 (
    content, content = '', contentless_delete = 1, prefix = '2 3',
    tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* Co'"
);

-- Events and what goes out.

CREATE TABLE nchat_events (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    type         TEXT NOT NULL,
    data         TEXT NOT NULL,
    origin       TEXT NOT NULL,
    triggered_by TEXT,
    channel_id   TEXT,
    is_private   INTEGER NOT NULL DEFAULT 0,
    is_quiet     INTEGER NOT NULL DEFAULT 0,
    target       TEXT,
    order_key    TEXT,
    revision     INTEGER NOT NULL,
    trace        TEXT,
    created_at   TEXT NOT NULL
);
-- All that was told of a message, to scrub it when the message is deleted.
CREATE INDEX nchat_events_order ON nchat_events (order_key) WHERE order_key IS NOT NULL;

CREATE TABLE nchat_outgoing_webhooks (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL,
    url             TEXT NOT NULL,
    secret          TEXT NOT NULL, -- sealed
    previous_secret TEXT,          -- sealed
    previous_until  TEXT,
    events          TEXT NOT NULL,
    channel_ids     TEXT NOT NULL DEFAULT '[]',
    filter          TEXT,
    headers         TEXT,          -- sealed
    header_names    TEXT NOT NULL DEFAULT '[]',
    timeout_ms      INTEGER NOT NULL,
    max_retries     INTEGER NOT NULL,
    retry_delay_ms  INTEGER NOT NULL,
    retry_schedule  TEXT NOT NULL DEFAULT '' CHECK (retry_schedule IN ('', 'days')),
    rate_limit      INTEGER NOT NULL DEFAULT 0, -- a minute; 0: none
    concurrency     INTEGER NOT NULL,
    ordering        TEXT NOT NULL CHECK (ordering IN ('conversation', 'unordered')),
    signing         TEXT NOT NULL CHECK (signing IN ('nchat', 'standard', 'github', 'slack')),
    state           TEXT NOT NULL CHECK (state IN ('active', 'paused', 'disabled')),
    health          TEXT NOT NULL DEFAULT '{}',
    notice          TEXT NOT NULL DEFAULT '' CHECK (notice IN ('', 'dead_letter', 'breaker_open', 'gone', 'failing_for_days')),
    created_by      TEXT,
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    deleted_at      TEXT
);

-- What each webhook subscribed to, from this revision on. Revisions count over all webhooks.
CREATE TABLE nchat_outgoing_webhook_revisions (
    revision     INTEGER PRIMARY KEY,
    webhook_id   TEXT NOT NULL,
    subscription TEXT, -- NULL: deleted
    created_at   TEXT NOT NULL
);
CREATE INDEX nchat_outgoing_webhook_revisions_webhook ON nchat_outgoing_webhook_revisions (webhook_id, revision);

-- Written several times for every delivery. Its conditions are chains of OR, because SQLite builds a temporary table for
-- every IN of more than two values, each time a row is written.
CREATE TABLE nchat_webhook_deliveries (
    id            TEXT PRIMARY KEY,
    webhook_id    TEXT NOT NULL,
    event_id      TEXT NOT NULL,
    event         TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status = 'success' OR status = 'active' OR status = 'pending' OR status = 'retrying'
                      OR status = 'held' OR status = 'failed' OR status = 'canceled'),
    order_key     TEXT,
    attempts      INTEGER NOT NULL DEFAULT 0,
    tries         INTEGER NOT NULL DEFAULT 0,
    scheduled_for TEXT,
    lease_node    TEXT,
    lease_epoch   INTEGER NOT NULL DEFAULT 0,
    lease_seq     INTEGER NOT NULL DEFAULT 0,
    last_status   INTEGER,
    last_error    TEXT,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    finished_at   TEXT,
    CHECK ((status = 'success' OR status = 'failed' OR status = 'canceled') = (finished_at IS NOT NULL)),
    CHECK (scheduled_for IS NULL OR lease_node IS NULL),
    CHECK (scheduled_for IS NULL OR status = 'pending' OR status = 'retrying'),
    CHECK ((lease_node IS NOT NULL) = (status = 'active')),
    CHECK (status <> 'retrying' OR scheduled_for IS NOT NULL)
) WITHOUT ROWID;
CREATE INDEX nchat_webhook_deliveries_webhook ON nchat_webhook_deliveries (webhook_id, id);
CREATE INDEX nchat_webhook_deliveries_due ON nchat_webhook_deliveries (webhook_id, scheduled_for) WHERE scheduled_for IS NOT NULL;
CREATE INDEX nchat_webhook_deliveries_leased ON nchat_webhook_deliveries (id) WHERE lease_node IS NOT NULL;
CREATE INDEX nchat_webhook_deliveries_order ON nchat_webhook_deliveries (webhook_id, order_key, id)
    WHERE order_key IS NOT NULL AND finished_at IS NULL;
CREATE INDEX nchat_webhook_deliveries_failed ON nchat_webhook_deliveries (id) WHERE status = 'failed';
CREATE INDEX nchat_webhook_deliveries_held ON nchat_webhook_deliveries (webhook_id, id) WHERE status = 'held';

CREATE TABLE nchat_webhook_attempts (
    delivery_id      TEXT NOT NULL,
    number           INTEGER NOT NULL,
    started_at       TEXT NOT NULL,
    duration_us      INTEGER NOT NULL,
    request_headers  TEXT,
    response_status  INTEGER,
    response_headers TEXT,
    response_body    BLOB,
    truncated        INTEGER NOT NULL DEFAULT 0,
    remote_addr      TEXT,
    error            TEXT,
    result           TEXT NOT NULL,
    reason           TEXT NOT NULL,
    due_at           TEXT,
    PRIMARY KEY (delivery_id, number)
) WITHOUT ROWID;

-- Which process serves a lane, and up to which lease of it that process may have sent.
CREATE TABLE nchat_webhook_lanes (
    webhook_id TEXT PRIMARY KEY,
    node       TEXT NOT NULL,
    mark       INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- How many deliveries of each webhook are in each state; kept with every change of them.
CREATE TABLE nchat_webhook_counters (
    webhook_id TEXT NOT NULL,
    status     TEXT NOT NULL,
    total      INTEGER NOT NULL,
    PRIMARY KEY (webhook_id, status)
) WITHOUT ROWID;

-- What comes in.

CREATE TABLE nchat_incoming_webhooks (
    id             TEXT PRIMARY KEY,
    name           TEXT NOT NULL,
    channel_id     TEXT NOT NULL,
    user_id        TEXT NOT NULL,
    username       TEXT,
    avatar_url     TEXT,
    enabled        INTEGER NOT NULL DEFAULT 1,
    token_hash     TEXT NOT NULL UNIQUE,
    previous_hash  TEXT UNIQUE,
    previous_until TEXT,
    hmac_secret    TEXT, -- sealed
    allow_ips      TEXT NOT NULL DEFAULT '[]',
    expires_at     TEXT,
    rate_limit     INTEGER NOT NULL DEFAULT 0, -- a minute; 0: the hub's default, -1: none
    allow_mentions INTEGER NOT NULL DEFAULT 0,
    last_used_at   TEXT,
    call_count     INTEGER NOT NULL DEFAULT 0,
    refused_count  INTEGER NOT NULL DEFAULT 0,
    created_by     TEXT,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL,
    deleted_at     TEXT
);

-- Requests as received: calls of token webhooks (provider 'token') and provider deliveries.
CREATE TABLE nchat_inbox (
    id             TEXT PRIMARY KEY,
    provider       TEXT NOT NULL,
    integration_id TEXT,
    webhook_id     TEXT,
    dedupe_key     TEXT,
    headers        TEXT,
    body           BLOB,
    body_size      INTEGER NOT NULL DEFAULT 0,
    verdict        TEXT NOT NULL,
    reason         TEXT NOT NULL DEFAULT '',
    dialect        TEXT,
    remote_ip      TEXT,
    http_status    INTEGER NOT NULL,
    message_id     TEXT,
    state          TEXT NOT NULL DEFAULT 'done' CHECK (state IN ('new', 'done', 'failed')),
    tries          INTEGER NOT NULL DEFAULT 0,
    error          TEXT,
    duration_us    INTEGER NOT NULL DEFAULT 0,
    created_at     TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX nchat_inbox_webhook ON nchat_inbox (webhook_id, id) WHERE webhook_id IS NOT NULL;
CREATE INDEX nchat_inbox_refused ON nchat_inbox (webhook_id, id) WHERE provider = 'token' AND verdict <> 'accepted';
CREATE UNIQUE INDEX nchat_inbox_dedupe ON nchat_inbox (provider, integration_id, dedupe_key) WHERE dedupe_key IS NOT NULL;

-- The guide's other tables.

CREATE TABLE nchat_integrations (
    id            TEXT PRIMARY KEY,
    provider      TEXT NOT NULL,
    name          TEXT NOT NULL,
    status        TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'connected', 'error', 'disconnected')),
    credentials   TEXT, -- sealed
    settings      TEXT NOT NULL DEFAULT '{}',
    external_id   TEXT,
    last_error    TEXT,
    last_sync_at  TEXT,
    created_by    TEXT,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL
);

CREATE TABLE nchat_integration_mappings (
    id              TEXT PRIMARY KEY,
    integration_id  TEXT NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('channel', 'message', 'user', 'issue', 'comment', 'file', 'reaction')),
    external_parent TEXT NOT NULL DEFAULT '',
    external_id     TEXT NOT NULL,
    part            TEXT NOT NULL DEFAULT '',
    internal_id     TEXT NOT NULL,
    role            TEXT NOT NULL DEFAULT 'origin' CHECK (role IN ('origin', 'copy')),
    edit_key        TEXT,
    hash            TEXT,
    state           TEXT NOT NULL DEFAULT 'live',
    created_at      TEXT NOT NULL,
    updated_at      TEXT NOT NULL,
    UNIQUE (integration_id, kind, external_parent, external_id, part)
);
CREATE INDEX nchat_integration_mappings_internal ON nchat_integration_mappings (internal_id);

CREATE TABLE nchat_integration_imports (
    id             TEXT PRIMARY KEY,
    integration_id TEXT,
    source         TEXT NOT NULL,
    options        TEXT NOT NULL DEFAULT '{}',
    stage          TEXT NOT NULL,
    cursor         TEXT,
    counts         TEXT NOT NULL DEFAULT '{}',
    report         TEXT,
    created_by     TEXT,
    created_at     TEXT NOT NULL,
    updated_at     TEXT NOT NULL,
    finished_at    TEXT
);

CREATE TABLE nchat_integration_sync_queue (
    id            TEXT PRIMARY KEY,
    link_id       TEXT NOT NULL,
    kind          TEXT NOT NULL,
    message_id    TEXT,
    revision      INTEGER,
    status        TEXT NOT NULL CHECK (status IN ('pending', 'active', 'success', 'failed', 'uncertain', 'canceled')),
    scheduled_for TEXT,
    attempts      INTEGER NOT NULL DEFAULT 0,
    lease_node    TEXT,
    lease_epoch   INTEGER NOT NULL DEFAULT 0,
    result        TEXT,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL
);
CREATE INDEX nchat_integration_sync_queue_due ON nchat_integration_sync_queue (link_id, scheduled_for) WHERE scheduled_for IS NOT NULL;

-- Operating the hub.

CREATE TABLE nchat_blobs (
    hash       TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    mime_type  TEXT NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE nchat_api_tokens (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    user_id      TEXT NOT NULL,
    scope        TEXT NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
    channel_ids  TEXT NOT NULL DEFAULT '[]',
    token_hash   TEXT NOT NULL UNIQUE,
    created_at   TEXT NOT NULL,
    last_used_at TEXT,
    expires_at   TEXT
);

CREATE TABLE nchat_sessions (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL,
    session_hash TEXT NOT NULL UNIQUE,
    user_agent   TEXT,
    remote_ip    TEXT,
    created_at   TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    expires_at   TEXT NOT NULL
);

-- One-time sign-in links.
CREATE TABLE nchat_login_links (
    code_hash  TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
);

CREATE TABLE nchat_idempotency (
    token_id     TEXT NOT NULL,
    key          TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    status       INTEGER,  -- NULL: the first request has not finished
    response     TEXT,     -- sealed
    created_at   TEXT NOT NULL,
    PRIMARY KEY (token_id, key)
) WITHOUT ROWID;
CREATE INDEX nchat_idempotency_age ON nchat_idempotency (created_at);

CREATE TABLE nchat_audit_log (
    id         TEXT PRIMARY KEY,
    actor_id   TEXT,
    token_id   TEXT,
    remote_ip  TEXT,
    action     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    before     TEXT,
    after      TEXT,
    created_at TEXT NOT NULL
);

CREATE TABLE nchat_settings (
    key        TEXT PRIMARY KEY,
    value      TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

-- The processes at work. Of the embedded database there is one, and no row.
CREATE TABLE nchat_nodes (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    slot       INTEGER NOT NULL UNIQUE,
    started_at TEXT NOT NULL,
    beat_at    TEXT NOT NULL
);
