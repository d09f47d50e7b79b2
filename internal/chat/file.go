package chat

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"

	"github.com/nself-chat/hub"
)

// Upload is a file about to be stored.
type Upload struct {
	Filename string
	Content  io.Reader
	// Once makes a repetition return the file stored the first time. Save sets
	// RequestHash, from name and content, and Result. nil: no key.
	Once *hub.Idempotency
}

// Save stores an uploaded file of the user by.By, to be posted with Post. The
// content is streamed to disk; its type is found by looking at it. When Save
// returns, the file survives a crash. repeated says that it was stored before,
// under the same key.
//
// Errors: Invalid (the upload broke off), TooLarge, StorageFull, NotFound (no
// such user; the file of a repetition was deleted), Conflict (key used for
// something else).
func (s *Service) Save(ctx context.Context, u Upload, by Cause) (a hub.Attachment, repeated bool, err error) {
	c, err := s.begin(ctx, by, nil)
	if err != nil {
		return hub.Attachment{}, false, err
	}
	if c.actor == nil {
		return hub.Attachment{}, false, hub.Errorf(hub.Invalid, "A file needs a user.")
	}
	in, err := s.Blobs.receive(u.Content, s.Limits.fileBytes())
	if err != nil {
		return hub.Attachment{}, false, err
	}
	defer in.drop()
	a = hub.Attachment{
		ID: hub.FileID(s.IDs.New()), UserID: by.By, Filename: cleanFilename(u.Filename), MimeType: sniff(in.head), Size: in.size,
		Hash: in.hash, CreatedAt: s.now(),
	}
	a.Width, a.Height = dimensions(a.MimeType, io.NewSectionReader(in.file, 0, in.size))
	err = s.saveFile(ctx, &a, in, u.Once, &c)
	if r, ok := errors.AsType[*hub.RepeatedError](err); ok {
		a, err = s.File(ctx, hub.FileID(r.Result))
		return a, err == nil, err
	}
	if err != nil {
		return hub.Attachment{}, false, err // the blob is swept when nothing else uses it
	}
	return a, false, nil
}

// saveFile keeps received content and stores the file's row with all that
// belongs to it.
func (s *Service) saveFile(ctx context.Context, a *hub.Attachment, in *incoming, once *hub.Idempotency, c *change) error {
	event, err := s.fileEvent(c, hub.EventFileUploaded, a)
	if err != nil {
		return err
	}
	if once != nil {
		key := *once
		key.RequestHash, key.Result = uploadHash(a), string(a.ID)
		once = &key
	}
	done, err := s.order.wait(ctx, blobKey(a.Hash))
	if err != nil {
		return err
	}
	defer done()
	if err := s.Blobs.keep(in); err != nil {
		return err
	}
	_, err = s.commit(func(routings []hub.Routing) (bool, error) {
		return true, s.Store.CreateFile(ctx, a, once, routings...)
	}, event)
	if err != nil {
		return err
	}
	// Another process may have removed the blob between the two. It did so before
	// the commit, or it would have seen the row.
	return s.Blobs.keep(in)
}

// uploadHash identifies an upload. The form around the content is not part of
// it: clients write it anew each time.
func uploadHash(a *hub.Attachment) string {
	sum := sha256.Sum256([]byte("upload\n" + a.Filename + "\n" + a.Hash))
	return hex.EncodeToString(sum[:])
}

// blobKey is the turn for writing and removing a blob: a file that is being
// saved must not lose the blob it shares with one that is being deleted.
func blobKey(hash string) string { return "b:" + hash }

func (s *Service) fileEvent(c *change, kind string, a *hub.Attachment) (*hub.Event, error) {
	key := ""
	if c.channel != nil {
		key = hub.ChannelOrderKey(c.channel.ID)
	}
	return s.event(c, kind, key, hub.FileData{File: fileInfo(a), User: c.actor})
}

// File returns what is known of a file. Those of deleted messages are NotFound.
func (s *Service) File(ctx context.Context, id hub.FileID) (hub.Attachment, error) {
	return s.Store.File(ctx, id)
}

// Download is a file about to be served.
type Download struct {
	hub.Attachment
	// Content is closed by the caller.
	Content *os.File
	// Header is to be set on the response as it is.
	Header http.Header
}

// Open opens a file for download. Errors: NotFound; Conflict for a file that
// lives elsewhere, which its URL tells.
func (s *Service) Open(ctx context.Context, id hub.FileID) (*Download, error) {
	a, err := s.File(ctx, id)
	if err != nil {
		return nil, err
	}
	if a.Hash == "" {
		return nil, hub.Errorf(hub.Conflict, "The hub does not keep this file; its url says where it is.")
	}
	f, err := s.Blobs.open(a.Hash)
	if err != nil {
		return nil, err
	}
	return &Download{Attachment: a, Content: f, Header: fileHeader(&a)}, nil
}

// DeleteFile deletes a file, and its content when no other file has the same.
// Errors: NotFound; Conflict (it was posted, or its message edited elsewhere, at
// this very moment).
func (s *Service) DeleteFile(ctx context.Context, id hub.FileID, by Cause) error {
	a, err := s.File(ctx, id)
	if err != nil {
		return err
	}
	if a.MessageID == "" {
		return s.deleteFile(ctx, &a, nil, by)
	}
	// The message is found by something else then, and must not be edited
	// between its reading and that.
	done, err := s.order.wait(ctx, hub.MessageOrderKey(a.MessageID))
	if err != nil {
		return err
	}
	defer done()
	m, err := s.Message(ctx, a.MessageID)
	if err != nil {
		return err
	}
	// The event is in the order of the channel's.
	inChannel, err := s.order.wait(ctx, hub.ChannelOrderKey(m.ChannelID))
	if err != nil {
		return err
	}
	defer inChannel()
	return s.deleteFile(ctx, &a, &m, by)
}

// deleteFile deletes a file of the message in; nil: one that is not posted.
func (s *Service) deleteFile(ctx context.Context, a *hub.Attachment, in *hub.Message, by Cause) error {
	var channel *hub.Channel
	text := ""
	if in != nil {
		found, err := s.channel(ctx, in.ChannelID)
		if err != nil {
			return err
		}
		channel = &found
		in.Files = slices.DeleteFunc(in.Files, func(f hub.Attachment) bool { return f.ID == a.ID })
		text = searchable(in)
	}
	c, err := s.begin(ctx, by, channel)
	if err != nil {
		return err
	}
	event, err := s.fileEvent(&c, hub.EventFileDeleted, a)
	if err != nil {
		return err
	}
	done, err := s.order.wait(ctx, blobKey(a.Hash))
	if err != nil {
		return err
	}
	defer done()
	unused := false
	_, err = s.commit(func(routings []hub.Routing) (_ bool, err error) {
		unused, err = s.Store.DeleteFile(ctx, a.ID, in, text, routings...)
		return true, err
	}, event)
	if err != nil || !unused {
		return err
	}
	s.removeBlob(ctx, a.Hash)
	return nil
}

// dropBlob removes a blob unless a file uses it.
func (s *Service) dropBlob(ctx context.Context, hash string) (removed bool) {
	done, err := s.order.wait(ctx, blobKey(hash))
	if err != nil {
		return false
	}
	defer done()
	if used, err := s.Store.BlobUsed(ctx, hash); err != nil || used {
		return false
	}
	return s.removeBlob(ctx, hash)
}

// removeBlob removes a blob unless a file uses it, which the store decides while
// no process can begin to. The caller has the blob's turn.
func (s *Service) removeBlob(ctx context.Context, hash string) (removed bool) {
	if !isHash(hash) {
		return false
	}
	aside := s.Blobs.asideName()
	removed, err := s.Store.DropBlob(ctx, hash, func() error { return s.Blobs.setAside(hash, aside) })
	if removed {
		err = s.Blobs.removeAside(aside)
	} else {
		err = errors.Join(err, s.Blobs.putBack(hash, aside))
	}
	if err != nil {
		s.Log.Warn("a file's content could not be removed; it is tried again", "error", err)
	}
	return removed
}

// sweepBatch is the number of files deleted between two looks at the database.
const sweepBatch = 100

// SweepFiles deletes what is older than Limits.OrphanAge and belongs to
// nothing: files that were uploaded and never posted, content without a file,
// and what interrupted uploads left. It returns how many files and blobs it
// removed. The app calls it now and then.
func (s *Service) SweepFiles(ctx context.Context) (removed int, err error) {
	before := s.now().Add(-s.Limits.orphanAge())
	for {
		files, err := s.Store.UnpostedFiles(ctx, before, sweepBatch)
		if err != nil {
			return removed, err
		}
		for i := range files {
			switch err := s.deleteFile(ctx, &files[i], nil, Cause{}); hub.CodeOf(err) {
			case "":
				removed++
			case hub.Conflict, hub.NotFound: // posted or deleted since it was read
			default:
				return removed, err
			}
		}
		if len(files) < sweepBatch {
			break
		}
	}
	err = s.Blobs.sweep(before, func(hash string) error {
		if s.dropBlob(ctx, hash) {
			removed++
		}
		return ctx.Err()
	})
	return removed, err
}
