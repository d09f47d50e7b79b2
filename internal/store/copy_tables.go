package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// copiedTable is a table that a copy takes over row by row.
type copiedTable struct {
	name string
	key  []string // what names a row, and orders them
	// where leaves rows out; "" is none.
	where string
	// byWeek says that Postgres keeps the table in weekly partitions of key[0].
	byWeek bool
	// columns are all of them, each with the type that Postgres has for it.
	columns string
}

// copiedTables come in an order in which what a row refers to is there before
// it.
var copiedTables = []copiedTable{
	{
		name: "nchat_users", key: []string{"id"},
		columns: `id uuid, email text, display_name text, username text, avatar_url text, status text, email_verified boolean,
			locale text, timezone text, metadata jsonb, last_seen_at timestamptz, created_at timestamptz,
			updated_at timestamptz, deleted_at timestamptz`,
	},
	{
		name: "nchat_channels", key: []string{"id"},
		columns: `id uuid, workspace_id uuid, category_id uuid, name text, slug text, description text, topic text, type text,
			is_default boolean, is_archived boolean, is_readonly boolean, member_count integer, message_count integer,
			last_message_at timestamptz, last_message_id uuid, created_by uuid, created_at timestamptz,
			updated_at timestamptz, archived_at timestamptz`,
	},
	{
		name: "nchat_channel_members", key: []string{"id"},
		columns: `id uuid, channel_id uuid, user_id uuid, role text, joined_at timestamptz`,
	},
	{
		name: "nchat_messages", key: []string{"id"},
		columns: `id uuid, channel_id uuid, user_id uuid, thread_id uuid, parent_message_id uuid, content text, content_html text,
			content_plain text, type text, metadata jsonb, mentions uuid[], embeds jsonb, is_edited boolean,
			is_pinned boolean, is_deleted boolean, reaction_count integer, reply_count integer, edited_at timestamptz,
			deleted_at timestamptz, created_at timestamptz, updated_at timestamptz`,
	},
	{
		name: "nchat_threads", key: []string{"id"},
		columns: `id uuid, channel_id uuid, root_message_id uuid, name text, message_count integer, last_message_at timestamptz,
			is_locked boolean, is_archived boolean, created_by uuid, created_at timestamptz, updated_at timestamptz`,
	},
	{
		name: "nchat_reactions", key: []string{"id"},
		columns: `id uuid, message_id uuid, user_id uuid, emoji text, created_at timestamptz`,
	},
	{
		name: "nchat_attachments", key: []string{"id"},
		columns: `id uuid, message_id uuid, user_id uuid, filename text, original_filename text, file_path text, url text,
			type text, mime_type text, size_bytes bigint, width integer, height integer, thumbnail_url text, metadata jsonb,
			created_at timestamptz, updated_at timestamptz`,
	},
	{
		name: "nchat_message_revisions", key: []string{"message_id", "number"},
		columns: `message_id uuid, number integer, content text, embeds jsonb, edited_by uuid, created_at timestamptz`,
	},
	{
		name: "nchat_events", key: []string{"id"}, byWeek: true,
		columns: `id uuid, seq bigint, type text, data text, origin jsonb, triggered_by jsonb, channel_id uuid,
			is_private boolean, is_quiet boolean, target text, order_key text, revision bigint, trace text,
			created_at timestamptz`,
	},
	{
		name: "nchat_outgoing_webhooks", key: []string{"id"},
		columns: `id uuid, name text, url text, secret text, previous_secret text, previous_until timestamptz, events jsonb,
			channel_ids jsonb, filter jsonb, headers text, header_names jsonb, timeout_ms integer, max_retries integer,
			retry_delay_ms integer, retry_schedule text, rate_limit integer, concurrency integer, ordering text,
			signing text, state text, health jsonb, notice text, created_by uuid, created_at timestamptz,
			updated_at timestamptz, deleted_at timestamptz`,
	},
	{
		name: "nchat_outgoing_webhook_revisions", key: []string{"revision"},
		columns: `revision bigint, webhook_id uuid, subscription jsonb, created_at timestamptz`,
	},
	{
		name: "nchat_webhook_deliveries", key: []string{"id"}, byWeek: true,
		columns: `id uuid, webhook_id uuid, event_id uuid, event text, status text, order_key text, attempts integer,
			tries integer, scheduled_for timestamptz, lease_node text, lease_epoch bigint, lease_seq bigint,
			last_status integer, last_error text, created_at timestamptz, updated_at timestamptz, finished_at timestamptz`,
	},
	{
		name: "nchat_webhook_attempts", key: []string{"delivery_id", "number"}, byWeek: true,
		columns: `delivery_id uuid, number integer, started_at timestamptz, duration_us bigint, request_headers text,
			response_status integer, response_headers text, response_body bytea, truncated boolean, remote_addr text,
			error text, result text, reason text, due_at timestamptz`,
	},
	// With the names of processes that are gone and how far they may have sent:
	// by that the next hub voids their leases (VoidLeases).
	{
		name: "nchat_webhook_lanes", key: []string{"webhook_id"},
		columns: `webhook_id uuid, node text, mark bigint`,
	},
	{
		name: "nchat_webhook_counters", key: []string{"webhook_id", "status"},
		columns: `webhook_id uuid, status text, total bigint`,
	},
	{
		name: "nchat_incoming_webhooks", key: []string{"id"},
		columns: `id uuid, name text, channel_id uuid, user_id uuid, username text, avatar_url text, enabled boolean,
			token_hash text, previous_hash text, previous_until timestamptz, hmac_secret text, allow_ips jsonb,
			expires_at timestamptz, rate_limit integer, allow_mentions boolean, last_used_at timestamptz, call_count bigint,
			refused_count bigint, created_by uuid, created_at timestamptz, updated_at timestamptz, deleted_at timestamptz,
			key_template text, field_map jsonb`,
	},
	{
		name: "nchat_incoming_keys", key: []string{"webhook_id", "key"},
		columns: `webhook_id uuid, key text, message_id uuid, used_at timestamptz`,
	},
	{
		name: "nchat_inbox", key: []string{"id"},
		columns: `id uuid, provider text, integration_id uuid, webhook_id uuid, dedupe_key text, headers text, body bytea,
			body_size bigint, verdict text, reason text, dialect text, remote_ip text, http_status integer, message_id uuid,
			state text, tries integer, error text, duration_us bigint, created_at timestamptz, recognised_by text,
			query text, answer text, message_revision integer`,
	},
	{
		name: "nchat_integrations", key: []string{"id"},
		columns: `id uuid, provider text, name text, status text, credentials text, settings jsonb, external_id text,
			last_error text, last_sync_at timestamptz, created_by uuid, created_at timestamptz, updated_at timestamptz`,
	},
	{
		name: "nchat_integration_mappings", key: []string{"id"},
		columns: `id uuid, integration_id uuid, kind text, external_parent text, external_id text, part text, internal_id uuid,
			role text, edit_key text, hash text, state text, created_at timestamptz, updated_at timestamptz`,
	},
	{
		name: "nchat_integration_imports", key: []string{"id"},
		columns: `id uuid, integration_id uuid, source text, options jsonb, stage text, cursor text, counts jsonb, report jsonb,
			created_by uuid, created_at timestamptz, updated_at timestamptz, finished_at timestamptz`,
	},
	{
		name: "nchat_integration_sync_queue", key: []string{"id"},
		columns: `id uuid, link_id uuid, kind text, message_id uuid, revision bigint, status text, scheduled_for timestamptz,
			attempts integer, lease_node text, lease_epoch bigint, result jsonb, created_at timestamptz,
			updated_at timestamptz`,
	},
	{
		name: "nchat_blobs", key: []string{"hash"},
		columns: `hash text, size_bytes bigint, mime_type text, created_at timestamptz`,
	},
	{
		name: "nchat_api_tokens", key: []string{"id"},
		columns: `id uuid, name text, user_id uuid, scope text, channel_ids jsonb, token_hash text, created_at timestamptz,
			last_used_at timestamptz, expires_at timestamptz`,
	},
	{
		name: "nchat_sessions", key: []string{"id"},
		columns: `id uuid, user_id uuid, session_hash text, user_agent text, remote_ip text, created_at timestamptz,
			last_seen_at timestamptz, expires_at timestamptz`,
	},
	{
		name: "nchat_login_links", key: []string{"code_hash"},
		columns: `code_hash text, user_id uuid, created_at timestamptz, expires_at timestamptz`,
	},
	{
		name: "nchat_idempotency", key: []string{"token_id", "key"},
		columns: `token_id text, key text, request_hash text, status integer, response text, created_at timestamptz`,
	},
	{
		name: "nchat_audit_log", key: []string{"id"},
		columns: `id uuid, actor_id uuid, token_id text, remote_ip text, action text, subject text, before jsonb, after jsonb,
			created_at timestamptz, session_id text, user_agent text, trace text`,
	},
	{
		name: "nchat_settings", key: []string{"key"}, where: "key <> '" + copySetting + "'",
		columns: `key text, value text, updated_at timestamptz`,
	},
}

// searchTable is made anew from the messages: the two databases keep it in
// forms of their own.
const searchTable = "nchat_message_search"

// notCopied are the other tables.
var notCopied = []string{
	searchTable,
	"nchat_nodes",           // the processes at work on this very database
	"nchat_schema_versions", // which migrations made its tables
}

// layout is a table with its columns.
type layout struct {
	copiedTable
	columns []copiedColumn
	keyAt   []int // where among the columns the key is
}

type copiedColumn struct {
	name string
	kind kind
}

// layouts reads the columns of copiedTables.
func layouts() ([]layout, error) {
	all := make([]layout, len(copiedTables))
	for i, t := range copiedTables {
		l := layout{copiedTable: t}
		for column := range strings.SplitSeq(t.columns, ",") {
			name, typ, _ := strings.Cut(strings.TrimSpace(column), " ")
			k, known := kinds[typ]
			if !known {
				return nil, fmt.Errorf("store: column %s of table %s is of an unknown type", name, t.name)
			}
			l.columns = append(l.columns, copiedColumn{name, k})
		}
		for _, k := range t.key {
			l.keyAt = append(l.keyAt, slices.Index(l.names(), k))
		}
		all[i] = l
	}
	return all, nil
}

func (l *layout) names() []string {
	names := make([]string, len(l.columns))
	for i, c := range l.columns {
		names[i] = c.name
	}
	return names
}

// from returns the end of a SELECT over the rows behind a key (nil: all).
func (l *layout) from(after []string) (text string, args []any, err error) {
	text = " FROM " + l.name
	var conditions []string
	if l.where != "" {
		conditions = append(conditions, l.where)
	}
	if after != nil {
		if args, err = l.keyArgs(after); err != nil {
			return "", nil, err
		}
		marks := []string{"$1", "$2"}[:len(l.key)]
		conditions = append(conditions, "("+strings.Join(l.key, ", ")+") > ("+strings.Join(marks, ", ")+")")
	}
	if conditions != nil {
		text += " WHERE " + strings.Join(conditions, " AND ")
	}
	return text, args, nil
}

// rows calls visit with every row behind a key, in the order of the keys, or in
// any when it is nil and order is not asked for. The slice is the callee's.
// fixed counts the values that had to be made storable; may be nil.
func (l *layout) rows(ctx context.Context, q querier, after []string, ordered bool, fixed *int64, visit func([]any) error) error {
	end, args, err := l.from(after)
	if err != nil {
		return err
	}
	if ordered {
		end += " ORDER BY " + strings.Join(l.key, ", ")
	}
	cells := make([]cell, len(l.columns))
	dest := make([]any, len(cells))
	selected := l.names()
	for i, c := range l.columns {
		cells[i] = cell{kind: c.kind, fixed: fixed}
		dest[i] = &cells[i]
		if c.kind == kindIDs {
			selected[i] = "CAST(" + c.name + " AS text)"
		}
	}
	var last []any
	err = each(ctx, q, func(row scanner) error {
		if err := row.Scan(dest...); err != nil {
			return l.unreadable(cells, last, err)
		}
		values := make([]any, len(cells))
		for i := range cells {
			values[i] = cells[i].value
		}
		last = values
		return visit(values)
	}, "SELECT "+strings.Join(selected, ", ")+end, args...)
	if err != nil {
		return fmt.Errorf("store: table %s: %w", l.name, err)
	}
	return nil
}

// unreadable says which value could not be taken over.
func (l *layout) unreadable(cells []cell, last []any, err error) error {
	for i := range cells {
		if cells[i].err == nil {
			continue
		}
		where := "the first row"
		if last != nil {
			where = "the row that follows " + l.named(last)
		}
		return fmt.Errorf("column %s of %s: %w", l.columns[i].name, where, cells[i].err)
	}
	return err
}

// named is how a message names a row: by its key, unless that is a text that
// somebody chose.
func (l *layout) named(row []any) string {
	parts := make([]string, len(l.keyAt))
	for i, at := range l.keyAt {
		if l.columns[at].kind == kindText && l.columns[at].name != "hash" && l.columns[at].name != "status" {
			return "one whose key is not shown"
		}
		parts[i] = keyText(row[at])
	}
	return strings.Join(parts, "/")
}

// keyOf returns the key of a row as text, for the copy's state.
func (l *layout) keyOf(row []any) []string {
	key := make([]string, len(l.keyAt))
	for i, at := range l.keyAt {
		key[i] = keyText(row[at])
	}
	return key
}

// keyArgs is the reverse of keyOf.
func (l *layout) keyArgs(key []string) ([]any, error) {
	if len(key) != len(l.keyAt) {
		return nil, fmt.Errorf("store: the state of the copy names a key of %s that it cannot have", l.name)
	}
	args := make([]any, len(key))
	for i, at := range l.keyAt {
		var err error
		if args[i], err = keyValue(l.columns[at].kind, key[i]); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// count returns the number of rows that a copy takes over.
func (l *layout) count(ctx context.Context, q querier) (n int64, err error) {
	end, _, err := l.from(nil)
	if err != nil {
		return 0, err
	}
	err = each(ctx, q, func(row scanner) error { return row.Scan(&n) }, "SELECT count(*)"+end)
	return n, err
}

// isEmpty reports whether a table has no row that counts.
func (t *copiedTable) isEmpty(ctx context.Context, q querier) (bool, error) {
	text := "SELECT EXISTS (SELECT 1 FROM " + t.name
	if t.where != "" {
		text += " WHERE " + t.where
	}
	var found bool
	err := each(ctx, q, func(row scanner) error { return row.Scan(&found) }, text+")")
	return !found, err
}
