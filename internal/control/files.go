package control

import (
	"context"
	"io"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
)

// SaveFile stores a file that the actor uploads, to be posted with a message.
// key asks that it be stored once; "" asks for nothing. repeated says that it
// was stored before.
func (s *Service) SaveFile(ctx context.Context, a hub.Actor, filename string, content io.Reader, key string) (
	f hub.Attachment, repeated bool, err error,
) {
	if err := allow(a, writeChat); err != nil {
		return hub.Attachment{}, false, err
	}
	if err := s.intake(); err != nil {
		return hub.Attachment{}, false, err
	}
	var errs hub.FieldErrors
	checkKey(&errs, key)
	if err := errs.Err(); err != nil {
		return hub.Attachment{}, false, err
	}
	u := chat.Upload{Filename: filename, Content: content}
	if key != "" {
		u.Once = &hub.Idempotency{TokenID: KeyOwner(a), Key: key}
	}
	f, repeated, err = s.Chat.Save(ctx, u, cause(ctx, a))
	if err == nil && !repeated {
		s.audit(ctx, a, "file.upload", string(f.ID), nil, fileFacts(&f))
	}
	return f, repeated, err
}

// fileFacts is what the audit log keeps of a file.
func fileFacts(f *hub.Attachment) map[string]any {
	return map[string]any{"userId": f.UserID, "filename": f.Filename, "mimeType": f.MimeType, "size": f.Size}
}

// OpenFile opens a file for download: one that was posted for those who see
// the channel, one that was not for who uploaded it. The caller closes it.
func (s *Service) OpenFile(ctx context.Context, a hub.Actor, id hub.FileID) (*chat.Download, error) {
	if _, _, err := s.file(ctx, a, id, readChat); err != nil {
		return nil, err
	}
	return s.Chat.Open(ctx, id)
}

// DeleteFile deletes a file: who uploaded it, or who manages the channel it
// was posted in.
func (s *Service) DeleteFile(ctx context.Context, a hub.Actor, id hub.FileID) error {
	f, c, err := s.file(ctx, a, id, writeChat)
	if err != nil {
		return err
	}
	if f.UserID != a.UserID && c != nil {
		if _, err := s.managed(ctx, a, c.ID); err != nil {
			return err
		}
	}
	if err := s.Chat.DeleteFile(ctx, id, cause(ctx, a)); err != nil {
		return err
	}
	s.audit(ctx, a, "file.delete", string(id), fileFacts(&f), nil)
	return nil
}

// file returns a file and the channel it was posted in (nil: none yet), if the
// actor may do that with it.
func (s *Service) file(ctx context.Context, a hub.Actor, id hub.FileID, what action) (hub.Attachment, *hub.Channel, error) {
	if err := allow(a, what); err != nil {
		return hub.Attachment{}, nil, err
	}
	f, err := s.Chat.File(ctx, id)
	if err != nil {
		return hub.Attachment{}, nil, err
	}
	if f.MessageID == "" {
		// Outside all channels, so not for tokens that are restricted to some.
		if f.UserID != a.UserID && (!privileged(a) || len(a.Channels) > 0) {
			return hub.Attachment{}, nil, errNoFile()
		}
		return f, nil, nil
	}
	_, c, err := s.message(ctx, a, f.MessageID, what)
	if hub.CodeOf(err) == hub.NotFound {
		err = errNoFile()
	}
	if err != nil {
		return hub.Attachment{}, nil, err
	}
	return f, &c, nil
}

func errNoFile() error { return hub.Errorf(hub.NotFound, "There is no such file.") }
