package store

import (
	"context"
	"strings"
	"time"

	"github.com/nself-chat/hub"
)

const fileColumns = `a.id, a.message_id, a.user_id, a.filename, a.file_path, a.url, a.mime_type, a.size_bytes,
	coalesce(a.width, 0), coalesce(a.height, 0), a.created_at`

func scanFile(row scanner) (a hub.Attachment, err error) {
	err = row.Scan(&a.ID, orEmpty(&a.MessageID), &a.UserID, &a.Filename, orEmpty(&a.Hash), orEmpty(&a.URL), &a.MimeType, &a.Size,
		&a.Width, &a.Height, into(&a.CreatedAt))
	return a, err
}

// reachable is the condition that a file is not posted yet, or posted in a
// message that exists.
const reachable = `(a.message_id IS NULL OR EXISTS (SELECT 1 FROM nchat_messages m JOIN nchat_channels c ON c.id = m.channel_id
	WHERE m.id = a.message_id AND NOT m.is_deleted))`

// File returns one file. Those of deleted messages are not found.
func (s *Store) File(ctx context.Context, id hub.FileID) (hub.Attachment, error) {
	return one(ctx, s.readers, "file", scanFile, `SELECT `+fileColumns+` FROM nchat_attachments a WHERE a.id = $1 AND `+reachable,
		string(id))
}

// Files returns those of the files that exist, in no particular order.
func (s *Store) Files(ctx context.Context, ids []hub.FileID) ([]hub.Attachment, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in, args := placeholders(ids, nil)
	return list(ctx, s.readers, scanFile,
		`SELECT `+fileColumns+` FROM nchat_attachments a WHERE a.id IN (`+in+`) AND `+reachable, args...)
}

// UnpostedFiles returns at most limit files that were uploaded before a time
// and belong to no message, oldest first.
func (s *Store) UnpostedFiles(ctx context.Context, before time.Time, limit int) ([]hub.Attachment, error) {
	return list(ctx, s.readers, scanFile, `SELECT `+fileColumns+` FROM nchat_attachments a
		WHERE a.message_id IS NULL AND a.created_at < $1 ORDER BY a.created_at LIMIT $2`, at(before), limit)
}

// CreateFile stores an uploaded file, whose blob is on disk already, with the
// idempotency key and the events that tell of it. It returns a RepeatedError
// when the key was used before.
func (s *Store) CreateFile(ctx context.Context, a *hub.Attachment, once *hub.Idempotency, routings ...hub.Routing) error {
	return s.writeRouted(ctx, routings, func(t *tx) error {
		if err := t.once(once); err != nil {
			return err
		}
		err := t.later(`INSERT INTO nchat_blobs (hash, size_bytes, mime_type, created_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (hash) DO NOTHING`, a.Hash, a.Size, a.MimeType, at(a.CreatedAt))
		if err != nil {
			return err
		}
		if err := t.insertFile(a); err != nil {
			return err
		}
		return t.publishAll(routings)
	})
}

func (t *tx) insertFile(a *hub.Attachment) error {
	return t.later(`INSERT INTO nchat_attachments (id, message_id, user_id, filename, original_filename, file_path, url, type,
			mime_type, size_bytes, width, height, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)`,
		string(a.ID), orNull(a.MessageID), string(a.UserID), a.Filename, orNull(a.Hash), orNull(a.URL), fileType(a.MimeType),
		a.MimeType, a.Size, orNil(a.Width), orNil(a.Height), at(a.CreatedAt))
}

// fileType is nself-chat's attachment_type of a media type.
func fileType(mime string) string {
	kind, sub, _ := strings.Cut(mime, "/")
	switch kind {
	case "image", "video", "audio":
		return kind
	case "text":
		return "document"
	}
	sub, _, _ = strings.Cut(sub, ";")
	switch sub {
	case "zip", "x-gzip", "gzip", "x-rar-compressed", "x-tar", "x-7z-compressed":
		return "archive"
	case "pdf", "postscript", "json":
		return "document"
	}
	return "other"
}

// fileIsFree refuses an uploaded file that is not its owner's, is gone, or
// belongs to a message already.
func (t *tx) fileIsFree(a *hub.Attachment) error {
	if a.Hash == "" {
		return nil
	}
	var free bool
	err := each(context.Background(), t, func(row scanner) error { return row.Scan(&free) },
		`SELECT EXISTS (SELECT 1 FROM nchat_attachments WHERE id = $1 AND user_id = $2 AND message_id IS NULL)`, string(a.ID), string(a.UserID))
	if err == nil && !free {
		err = hub.Errorf(hub.NotFound, "There is no such file of this user that is not posted yet.")
	}
	return err
}

// tieFile makes a file part of the message.
func (t *tx) tieFile(a *hub.Attachment, m *hub.Message) error {
	if a.Hash == "" {
		return t.insertFile(a)
	}
	return t.later(`UPDATE nchat_attachments SET message_id = $2, updated_at = $3 WHERE id = $1`,
		string(a.ID), string(m.ID), at(m.CreatedAt))
}

// DeleteFile removes a file of the message in, as it was read (nil: one that is
// not posted), with the events that tell of it. searchable is what the message
// is found by from then on. unused says that no other row used the file's blob
// then (DropBlob). It is a Conflict when the file was
// posted, or the message edited, meanwhile.
func (s *Store) DeleteFile(ctx context.Context, id hub.FileID, in *hub.Message, searchable string, routings ...hub.Routing) (
	unused bool, err error,
) {
	err = s.writeRouted(ctx, routings, func(t *tx) error {
		a, err := one(context.Background(), t, "file", scanFile,
			`SELECT `+fileColumns+` FROM nchat_attachments a WHERE a.id = $1`, string(id))
		if err != nil {
			return err
		}
		if err := t.heldBy(&a, in); err != nil {
			return err
		}
		if unused, err = t.dropFile(&a); err != nil {
			return err
		}
		if in != nil {
			if err := t.index(in.ID, searchable); err != nil {
				return err
			}
		}
		return t.publishAll(routings)
	})
	return unused && err == nil, err
}

// heldBy returns a Conflict unless the file is in that message, as it was read
// (nil: in none).
func (t *tx) heldBy(a *hub.Attachment, in *hub.Message) error {
	switch {
	case in == nil && a.MessageID != "" || in != nil && a.MessageID != in.ID:
		return hub.Errorf(hub.Conflict, "The file was posted meanwhile; nothing was deleted.")
	case in == nil:
		return nil
	}
	h, err := t.head(in.ID)
	switch {
	case err != nil:
		return err
	case h.deleted:
		return hub.Errorf(hub.NotFound, "There is no such file.")
	case h.revision != in.Revision:
		return hub.Errorf(hub.Conflict, "The file's message was changed meanwhile; nothing was deleted.")
	}
	return nil
}

// dropFile deletes the row of a file, and that of its blob when no other row
// uses it.
func (t *tx) dropFile(a *hub.Attachment) (unused bool, err error) {
	if err := t.later(`DELETE FROM nchat_attachments WHERE id = $1`, string(a.ID)); err != nil || a.Hash == "" {
		return false, err
	}
	n, err := t.exec(`DELETE FROM nchat_blobs WHERE hash = $1
		AND NOT EXISTS (SELECT 1 FROM nchat_attachments WHERE file_path = $1)`, a.Hash)
	return n > 0, err
}

// dropFiles deletes the rows of a message's files.
func (t *tx) dropFiles(id hub.MessageID) error {
	files, err := list(context.Background(), t, scanFile,
		`SELECT `+fileColumns+` FROM nchat_attachments a WHERE a.message_id = $1`, string(id))
	if err != nil {
		return err
	}
	for i := range files {
		if _, err := t.dropFile(&files[i]); err != nil {
			return err
		}
	}
	return nil
}

// BlobUsed reports whether a row uses the blob with that hash.
func (s *Store) BlobUsed(ctx context.Context, hash string) (used bool, err error) {
	return blobUsed(ctx, s.readers, hash)
}

func blobUsed(ctx context.Context, q querier, hash string) (used bool, err error) {
	err = each(ctx, q, func(row scanner) error { return row.Scan(&used) },
		`SELECT EXISTS (SELECT 1 FROM nchat_attachments WHERE file_path = $1)`, hash)
	return used, err
}

// DropBlob calls remove when no row uses the blob with that hash. As long as
// remove runs nobody writes, this process or another, so that no row can begin to
// use it; remove should take a moment, and may be called again. When dropped is
// false in the end, what remove did is to be undone.
func (s *Store) DropBlob(ctx context.Context, hash string, remove func() error) (dropped bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		dropped = false
		used, err := blobUsed(ctx, t, hash)
		if err != nil || used {
			return err
		}
		dropped = true
		return remove()
	})
	return dropped && err == nil, err
}
