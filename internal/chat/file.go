package chat

import (
	"context"
	"io"
	"net/http"
	"os"

	"github.com/nself-chat/hub"
)

// Save stores an uploaded file of the user by.By, to be posted with Post. The
// content is streamed to disk; its type is found by looking at it. When Save
// returns, the file survives a crash.
//
// Errors: Invalid (the upload broke off), TooLarge, StorageFull, NotFound (no
// such user).
func (s *Service) Save(ctx context.Context, filename string, content io.Reader, by Cause) (hub.Attachment, error) {
	c, err := s.begin(ctx, by, nil)
	if err != nil {
		return hub.Attachment{}, err
	}
	if c.actor == nil {
		return hub.Attachment{}, hub.Errorf(hub.Invalid, "A file needs a user.")
	}
	in, err := s.Blobs.receive(content, s.Limits.fileBytes())
	if err != nil {
		return hub.Attachment{}, err
	}
	defer in.drop()
	a := hub.Attachment{
		ID: hub.FileID(s.IDs.New()), UserID: by.By, Filename: cleanFilename(filename), MimeType: sniff(in.head), Size: in.size,
		Hash: in.hash, CreatedAt: s.now(),
	}
	a.Width, a.Height = dimensions(a.MimeType, io.NewSectionReader(in.file, 0, in.size))
	event, err := s.fileEvent(&c, hub.EventFileUploaded, &a)
	if err != nil {
		return hub.Attachment{}, err
	}
	done, err := s.order.wait(ctx, blobKey(a.Hash))
	if err != nil {
		return hub.Attachment{}, err
	}
	defer done()
	if err := s.Blobs.keep(in); err != nil {
		return hub.Attachment{}, err
	}
	_, err = s.commit(func(routings []hub.Routing) (bool, error) {
		return true, s.Store.CreateFile(ctx, &a, routings...)
	}, event)
	if err != nil {
		return hub.Attachment{}, err // the blob is swept when nothing else uses it
	}
	return a, nil
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
// Errors: NotFound; Conflict (it was posted at this very moment).
func (s *Service) DeleteFile(ctx context.Context, id hub.FileID, by Cause) error {
	a, err := s.File(ctx, id)
	if err != nil {
		return err
	}
	channel, err := s.channelOf(ctx, &a)
	if err != nil {
		return err
	}
	if channel != nil {
		// The event is in the order of the channel's.
		done, err := s.order.wait(ctx, hub.ChannelOrderKey(channel.ID))
		if err != nil {
			return err
		}
		defer done()
	}
	return s.deleteFile(ctx, &a, channel, by)
}

// channelOf returns the channel a file was posted in, nil when it was not.
func (s *Service) channelOf(ctx context.Context, a *hub.Attachment) (*hub.Channel, error) {
	if a.MessageID == "" {
		return nil, nil
	}
	m, err := s.Message(ctx, a.MessageID)
	if err != nil {
		return nil, err
	}
	channel, err := s.channel(ctx, m.ChannelID)
	return &channel, err
}

func (s *Service) deleteFile(ctx context.Context, a *hub.Attachment, channel *hub.Channel, by Cause) error {
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
		unused, err = s.Store.DeleteFile(ctx, a.ID, a.MessageID, routings...)
		return true, err
	}, event)
	if err != nil || !unused {
		return err
	}
	if err := s.Blobs.remove(a.Hash); err != nil {
		s.Log.Warn("a file's content could not be removed; it is tried again", "error", err)
	}
	return nil
}

// dropBlob removes a blob unless a file uses it.
func (s *Service) dropBlob(ctx context.Context, hash string) (removed bool) {
	if hash == "" {
		return false
	}
	done, err := s.order.wait(ctx, blobKey(hash))
	if err != nil {
		return false
	}
	defer done()
	used, err := s.Store.BlobUsed(ctx, hash)
	if err == nil && !used {
		err = s.Blobs.remove(hash)
	}
	if err != nil {
		s.Log.Warn("a file's content could not be removed; it is tried again", "error", err)
	}
	return err == nil && !used
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
