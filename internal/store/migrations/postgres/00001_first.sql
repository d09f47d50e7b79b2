-- +goose Up
-- The tables of migrations/sqlite, in the types of Postgres. Text that is sorted
-- or compared as a range has the collation "C": bytes, as in the hub.

-- The chat: nself-chat's tables and columns, nothing more.

CREATE TABLE nchat_users (
    id             uuid PRIMARY KEY,
    email          text NOT NULL CHECK (length(email) <= 255), -- lower case
    display_name   text NOT NULL CHECK (length(display_name) <= 100),
    username       text COLLATE "C" UNIQUE CHECK (length(username) <= 50),
    avatar_url     text,
    status         text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive', 'suspended', 'deleted')),
    email_verified boolean NOT NULL DEFAULT false,
    locale         text,
    timezone       text,
    metadata       jsonb NOT NULL DEFAULT '{}', -- {"kind","role"}
    last_seen_at   timestamptz,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    deleted_at     timestamptz
);
CREATE UNIQUE INDEX nchat_users_email ON nchat_users (lower(email));

CREATE TABLE nchat_channels (
    id              uuid PRIMARY KEY,
    workspace_id    uuid,
    category_id     uuid,
    name            text NOT NULL CHECK (length(name) <= 100),
    slug            text COLLATE "C" NOT NULL CHECK (length(slug) <= 100),
    description     text,
    topic           text CHECK (length(topic) <= 500),
    type            text NOT NULL DEFAULT 'public' CHECK (type IN ('public', 'private', 'direct', 'group', 'announcement')),
    is_default      boolean NOT NULL DEFAULT false,
    is_archived     boolean NOT NULL DEFAULT false,
    is_readonly     boolean NOT NULL DEFAULT false,
    member_count    integer NOT NULL DEFAULT 0,
    message_count   integer NOT NULL DEFAULT 0,
    last_message_at timestamptz,
    last_message_id uuid,
    created_by      uuid,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    archived_at     timestamptz
);
CREATE UNIQUE INDEX nchat_channels_slug ON nchat_channels (slug);

CREATE TABLE nchat_channel_members (
    id         uuid PRIMARY KEY,
    channel_id uuid NOT NULL REFERENCES nchat_channels (id) ON DELETE CASCADE,
    user_id    uuid NOT NULL REFERENCES nchat_users (id),
    role       text NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'admin', 'moderator', 'member', 'guest')),
    joined_at  timestamptz NOT NULL,
    UNIQUE (channel_id, user_id)
);
CREATE INDEX nchat_channel_members_user ON nchat_channel_members (user_id);

CREATE TABLE nchat_messages (
    id                uuid PRIMARY KEY,
    channel_id        uuid NOT NULL,
    user_id           uuid,
    thread_id         uuid,
    parent_message_id uuid,
    content           text,
    content_html      text,
    content_plain     text,
    type              text NOT NULL DEFAULT 'text' CHECK (type IN ('text', 'system', 'bot', 'file', 'voice', 'video', 'embed')),
    metadata          jsonb NOT NULL DEFAULT '{}', -- {"author","origin","revision"}
    mentions          uuid[],
    embeds            jsonb,
    is_edited         boolean NOT NULL DEFAULT false,
    is_pinned         boolean NOT NULL DEFAULT false,
    is_deleted        boolean NOT NULL DEFAULT false,
    reaction_count    integer NOT NULL DEFAULT 0,
    reply_count       integer NOT NULL DEFAULT 0,
    edited_at         timestamptz,
    deleted_at        timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
);
CREATE INDEX nchat_messages_channel ON nchat_messages (channel_id, id);
CREATE INDEX nchat_messages_thread ON nchat_messages (thread_id, id) WHERE thread_id IS NOT NULL;
CREATE INDEX nchat_messages_pinned ON nchat_messages (channel_id, id) WHERE is_pinned;

-- A thread's id is that of its root message.
CREATE TABLE nchat_threads (
    id              uuid PRIMARY KEY,
    channel_id      uuid NOT NULL,
    root_message_id uuid NOT NULL UNIQUE,
    name            text,
    message_count   integer NOT NULL DEFAULT 0,
    last_message_at timestamptz,
    is_locked       boolean NOT NULL DEFAULT false,
    is_archived     boolean NOT NULL DEFAULT false,
    created_by      uuid,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);

CREATE TABLE nchat_reactions (
    id         uuid PRIMARY KEY,
    message_id uuid NOT NULL,
    user_id    uuid NOT NULL,
    emoji      text NOT NULL CHECK (length(emoji) <= 50),
    created_at timestamptz NOT NULL,
    UNIQUE (message_id, emoji, user_id)
);

CREATE TABLE nchat_attachments (
    id                uuid PRIMARY KEY,
    message_id        uuid,
    user_id           uuid NOT NULL,
    filename          text NOT NULL,
    original_filename text,
    file_path         text, -- hex SHA-256 of the content: the blob's name
    url               text,
    type              text NOT NULL DEFAULT 'other' CHECK (type IN ('image', 'video', 'audio', 'document', 'archive', 'other')),
    mime_type         text NOT NULL,
    size_bytes        bigint NOT NULL,
    width             integer,
    height            integer,
    thumbnail_url     text,
    metadata          jsonb,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL
);
CREATE INDEX nchat_attachments_message ON nchat_attachments (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX nchat_attachments_unposted ON nchat_attachments (created_at) WHERE message_id IS NULL;
CREATE INDEX nchat_attachments_blob ON nchat_attachments (file_path) WHERE file_path IS NOT NULL;

CREATE TABLE nchat_message_revisions (
    message_id uuid NOT NULL,
    number     integer NOT NULL,
    content    text NOT NULL,
    embeds     jsonb,
    edited_by  uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (message_id, number)
);

-- Words are cut and folded by the hub (words.go). Without fastupdate a search need not read through what was added lately.
CREATE TABLE nchat_message_search (
    message_id uuid PRIMARY KEY,
    words      tsvector NOT NULL
);
CREATE INDEX nchat_message_search_words ON nchat_message_search USING gin (words) WITH (fastupdate = off);

-- Events and what goes out.

-- Partitioned by time, which an id begins with (UUIDv7), in step with the deliveries
-- and the attempts: the hub makes a partition for each week ahead, and drops old ones
-- (partitions.go). The one writer numbers the events, so seq needs no unique index.
CREATE TABLE nchat_events (
    id           uuid PRIMARY KEY,
    seq          bigint NOT NULL,
    type         text NOT NULL,
    data         text NOT NULL,
    origin       jsonb NOT NULL,
    triggered_by jsonb,
    channel_id   uuid,
    is_private   boolean NOT NULL DEFAULT false,
    is_quiet     boolean NOT NULL DEFAULT false,
    target       text,
    order_key    text COLLATE "C",
    revision     bigint NOT NULL,
    trace        text,
    created_at   timestamptz NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX nchat_events_seq ON nchat_events (seq);
-- All that was told of a message, to scrub it when the message is deleted.
CREATE INDEX nchat_events_order ON nchat_events (order_key) WHERE order_key IS NOT NULL;

CREATE TABLE nchat_outgoing_webhooks (
    id              uuid PRIMARY KEY,
    name            text NOT NULL,
    url             text NOT NULL,
    secret          text NOT NULL, -- sealed
    previous_secret text,          -- sealed
    previous_until  timestamptz,
    events          jsonb NOT NULL,
    channel_ids     jsonb NOT NULL DEFAULT '[]',
    filter          jsonb,
    headers         text,          -- sealed
    header_names    jsonb NOT NULL DEFAULT '[]',
    timeout_ms      integer NOT NULL,
    max_retries     integer NOT NULL,
    retry_delay_ms  integer NOT NULL,
    retry_schedule  text NOT NULL DEFAULT '' CHECK (retry_schedule IN ('', 'days')),
    rate_limit      integer NOT NULL DEFAULT 0, -- a minute; 0: none
    concurrency     integer NOT NULL,
    ordering        text NOT NULL CHECK (ordering IN ('conversation', 'unordered')),
    signing         text NOT NULL CHECK (signing IN ('nchat', 'standard', 'github', 'slack')),
    state           text NOT NULL CHECK (state IN ('active', 'paused', 'disabled')),
    health          jsonb NOT NULL DEFAULT '{}',
    notice          text NOT NULL DEFAULT '' CHECK (notice IN ('', 'dead_letter', 'breaker_open', 'gone', 'failing_for_days')),
    created_by      uuid,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    deleted_at      timestamptz
);

-- What each webhook subscribed to, from this revision on. Revisions count over all webhooks.
CREATE TABLE nchat_outgoing_webhook_revisions (
    revision     bigint PRIMARY KEY,
    webhook_id   uuid NOT NULL,
    subscription jsonb, -- NULL: deleted
    created_at   timestamptz NOT NULL
);
CREATE INDEX nchat_outgoing_webhook_revisions_webhook ON nchat_outgoing_webhook_revisions (webhook_id, revision);

CREATE TABLE nchat_webhook_deliveries (
    id            uuid PRIMARY KEY,
    webhook_id    uuid NOT NULL,
    event_id      uuid NOT NULL,
    event         text NOT NULL,
    status        text NOT NULL CHECK (status = 'success' OR status = 'active' OR status = 'pending' OR status = 'retrying'
                      OR status = 'held' OR status = 'failed' OR status = 'canceled'),
    order_key     text COLLATE "C",
    attempts      integer NOT NULL DEFAULT 0,
    tries         integer NOT NULL DEFAULT 0,
    scheduled_for timestamptz,
    lease_node    text,
    lease_epoch   bigint NOT NULL DEFAULT 0,
    lease_seq     bigint NOT NULL DEFAULT 0,
    last_status   integer,
    last_error    text,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    finished_at   timestamptz,
    CHECK ((status = 'success' OR status = 'failed' OR status = 'canceled') = (finished_at IS NOT NULL)),
    CHECK (scheduled_for IS NULL OR lease_node IS NULL),
    CHECK (scheduled_for IS NULL OR status = 'pending' OR status = 'retrying'),
    CHECK ((lease_node IS NOT NULL) = (status = 'active')),
    CHECK (status <> 'retrying' OR scheduled_for IS NOT NULL)
) PARTITION BY RANGE (id);
CREATE INDEX nchat_webhook_deliveries_webhook ON nchat_webhook_deliveries (webhook_id, id);
CREATE INDEX nchat_webhook_deliveries_due ON nchat_webhook_deliveries (webhook_id, scheduled_for, id) WHERE scheduled_for IS NOT NULL;
CREATE INDEX nchat_webhook_deliveries_leased ON nchat_webhook_deliveries (id) WHERE lease_node IS NOT NULL;
CREATE INDEX nchat_webhook_deliveries_order ON nchat_webhook_deliveries (webhook_id, order_key, created_at, id)
    WHERE order_key IS NOT NULL AND finished_at IS NULL;
CREATE INDEX nchat_webhook_deliveries_failed ON nchat_webhook_deliveries (id) WHERE status = 'failed';
CREATE INDEX nchat_webhook_deliveries_held ON nchat_webhook_deliveries (webhook_id, id) WHERE status = 'held';

CREATE TABLE nchat_webhook_attempts (
    delivery_id      uuid NOT NULL,
    number           integer NOT NULL,
    started_at       timestamptz NOT NULL,
    duration_us      bigint NOT NULL,
    request_headers  text,
    response_status  integer,
    response_headers text,
    response_body    bytea,
    truncated        boolean NOT NULL DEFAULT false,
    remote_addr      text,
    error            text,
    result           text NOT NULL,
    reason           text NOT NULL,
    due_at           timestamptz,
    PRIMARY KEY (delivery_id, number)
) PARTITION BY RANGE (delivery_id);

-- Which process serves a lane, and up to which lease of it that process may have sent.
CREATE TABLE nchat_webhook_lanes (
    webhook_id uuid PRIMARY KEY,
    node       text NOT NULL,
    mark       bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- How many deliveries of each webhook are in each state; kept with every change of them.
CREATE TABLE nchat_webhook_counters (
    webhook_id uuid NOT NULL,
    status     text NOT NULL,
    total      bigint NOT NULL,
    PRIMARY KEY (webhook_id, status)
) WITH (fillfactor = 50);

-- What comes in.

CREATE TABLE nchat_incoming_webhooks (
    id             uuid PRIMARY KEY,
    name           text NOT NULL,
    channel_id     uuid NOT NULL,
    user_id        uuid NOT NULL,
    username       text COLLATE "C",
    avatar_url     text,
    enabled        boolean NOT NULL DEFAULT true,
    token_hash     text COLLATE "C" NOT NULL UNIQUE,
    previous_hash  text COLLATE "C" UNIQUE,
    previous_until timestamptz,
    hmac_secret    text, -- sealed
    allow_ips      jsonb NOT NULL DEFAULT '[]',
    expires_at     timestamptz,
    rate_limit     integer NOT NULL DEFAULT 0, -- a minute; 0: the hub's default, -1: none
    allow_mentions boolean NOT NULL DEFAULT false,
    last_used_at   timestamptz,
    call_count     bigint NOT NULL DEFAULT 0,
    refused_count  bigint NOT NULL DEFAULT 0,
    created_by     uuid,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    deleted_at     timestamptz
);

-- Requests as received: calls of token webhooks (provider 'token') and provider deliveries.
CREATE TABLE nchat_inbox (
    id             uuid PRIMARY KEY,
    provider       text NOT NULL,
    integration_id uuid,
    webhook_id     uuid,
    dedupe_key     text,
    headers        text,
    body           bytea,
    body_size      bigint NOT NULL DEFAULT 0,
    verdict        text NOT NULL,
    reason         text NOT NULL DEFAULT '',
    dialect        text,
    remote_ip      text,
    http_status    integer NOT NULL,
    message_id     uuid,
    state          text NOT NULL DEFAULT 'done' CHECK (state IN ('new', 'done', 'failed')),
    tries          integer NOT NULL DEFAULT 0,
    error          text,
    duration_us    bigint NOT NULL DEFAULT 0,
    created_at     timestamptz NOT NULL
);
CREATE INDEX nchat_inbox_webhook ON nchat_inbox (webhook_id, id) WHERE webhook_id IS NOT NULL;
CREATE INDEX nchat_inbox_refused ON nchat_inbox (webhook_id, id) WHERE provider = 'token' AND verdict <> 'accepted';
CREATE UNIQUE INDEX nchat_inbox_dedupe ON nchat_inbox (provider, integration_id, dedupe_key) WHERE dedupe_key IS NOT NULL;

-- The guide's other tables.

CREATE TABLE nchat_integrations (
    id            uuid PRIMARY KEY,
    provider      text NOT NULL,
    name          text NOT NULL,
    status        text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'connected', 'error', 'disconnected')),
    credentials   text, -- sealed
    settings      jsonb NOT NULL DEFAULT '{}',
    external_id   text,
    last_error    text,
    last_sync_at  timestamptz,
    created_by    uuid,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

CREATE TABLE nchat_integration_mappings (
    id              uuid PRIMARY KEY,
    integration_id  uuid NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('channel', 'message', 'user', 'issue', 'comment', 'file', 'reaction')),
    external_parent text NOT NULL DEFAULT '',
    external_id     text NOT NULL,
    part            text NOT NULL DEFAULT '',
    internal_id     uuid NOT NULL,
    role            text NOT NULL DEFAULT 'origin' CHECK (role IN ('origin', 'copy')),
    edit_key        text,
    hash            text,
    state           text NOT NULL DEFAULT 'live',
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    UNIQUE (integration_id, kind, external_parent, external_id, part)
);
CREATE INDEX nchat_integration_mappings_internal ON nchat_integration_mappings (internal_id);

CREATE TABLE nchat_integration_imports (
    id             uuid PRIMARY KEY,
    integration_id uuid,
    source         text NOT NULL,
    options        jsonb NOT NULL DEFAULT '{}',
    stage          text NOT NULL,
    cursor         text,
    counts         jsonb NOT NULL DEFAULT '{}',
    report         jsonb,
    created_by     uuid,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    finished_at    timestamptz
);

CREATE TABLE nchat_integration_sync_queue (
    id            uuid PRIMARY KEY,
    link_id       uuid NOT NULL,
    kind          text NOT NULL,
    message_id    uuid,
    revision      bigint,
    status        text NOT NULL CHECK (status IN ('pending', 'active', 'success', 'failed', 'uncertain', 'canceled')),
    scheduled_for timestamptz,
    attempts      integer NOT NULL DEFAULT 0,
    lease_node    text,
    lease_epoch   bigint NOT NULL DEFAULT 0,
    result        jsonb,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);
CREATE INDEX nchat_integration_sync_queue_due ON nchat_integration_sync_queue (link_id, scheduled_for) WHERE scheduled_for IS NOT NULL;

-- Operating the hub.

CREATE TABLE nchat_blobs (
    hash       text PRIMARY KEY,
    size_bytes bigint NOT NULL,
    mime_type  text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE nchat_api_tokens (
    id           uuid PRIMARY KEY,
    name         text NOT NULL,
    user_id      uuid NOT NULL,
    scope        text NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
    channel_ids  jsonb NOT NULL DEFAULT '[]',
    token_hash   text COLLATE "C" NOT NULL UNIQUE,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    expires_at   timestamptz
);

CREATE TABLE nchat_sessions (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL,
    session_hash text COLLATE "C" NOT NULL UNIQUE,
    user_agent   text,
    remote_ip    text,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);

-- One-time sign-in links.
CREATE TABLE nchat_login_links (
    code_hash  text COLLATE "C" PRIMARY KEY,
    user_id    uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE nchat_idempotency (
    token_id     text COLLATE "C" NOT NULL,
    key          text COLLATE "C" NOT NULL,
    request_hash text NOT NULL,
    status       integer,  -- NULL: the first request has not finished
    response     text,     -- sealed
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (token_id, key)
);
CREATE INDEX nchat_idempotency_age ON nchat_idempotency (created_at);

CREATE TABLE nchat_audit_log (
    id         uuid PRIMARY KEY,
    actor_id   uuid,
    token_id   text,
    remote_ip  text,
    action     text NOT NULL,
    subject    text NOT NULL,
    before     jsonb,
    after      jsonb,
    created_at timestamptz NOT NULL
);

CREATE TABLE nchat_settings (
    key        text COLLATE "C" PRIMARY KEY,
    value      text NOT NULL,
    updated_at timestamptz NOT NULL
);

-- The processes at work: written every second by each, removed by the others when it
-- falls silent. Slots keep the ids of two processes apart (hub.IDs).
CREATE TABLE nchat_nodes (
    id         text PRIMARY KEY,
    name       text NOT NULL,
    slot       integer NOT NULL UNIQUE CHECK (slot BETWEEN 0 AND 15),
    started_at timestamptz NOT NULL,
    beat_at    timestamptz NOT NULL,
    wrote_at   timestamptz -- when the transaction began that it committed last
);
