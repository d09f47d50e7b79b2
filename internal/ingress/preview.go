package ingress

import (
	"context"
	"strings"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/chat"
	"github.com/nself-chat/hub/internal/ingress/dialect"
	"github.com/nself-chat/hub/internal/ingress/fieldmap"
)

// Preview reads a logged call as [Ingress.Replay] does and tells what that would
// post; nothing is posted and nothing logged. fieldMap and keyTemplate take the
// place of those of the webhook: nil leaves them, "" is none.
//
// Errors: Invalid (also of the two), and those of Replay that are about the call.
func (in *Ingress) Preview(ctx context.Context, id hub.CallID, fieldMap, keyTemplate *string) (hub.Reading, error) {
	c, err := in.reopen(ctx, id)
	if err != nil {
		return hub.Reading{}, err
	}
	if err := c.readAs(fieldMap, keyTemplate); err != nil {
		return hub.Reading{}, err
	}
	p, failed := c.understand()
	if failed != nil {
		return hub.Reading{}, asError(failed)
	}
	m, err := in.Chat.Preview(ctx, chat.Post{
		ChannelID: c.hook.ChannelID, Author: author(c.hook, &p), Content: p.Markdown, Document: p.Doc, Remote: p.Files,
		AllowMentions: c.hook.AllowMentions && !p.NoMentions,
	}, files(p.Uploads))
	if err != nil {
		return hub.Reading{}, asError(c.failure(err))
	}
	return hub.Reading{
		Dialect: c.dialect.Name, RecognisedBy: c.why, Key: p.Key, Thread: dialect.Told(p.Thread), Message: m, Losses: losses(&p),
		Remarks: c.previewRemarks(),
	}, nil
}

// previewRemarks says everything about how the call is read. (Optional parts would fill
// the log.)
func (c *call) previewRemarks() string {
	out := c.readingRemarks()
	if len(c.unfilled) > 0 {
		out = append(out, "The field mapping has nothing that can be shown for: "+strings.Join(c.unfilled, ", ")+".")
	}
	return strings.Join(out, " ")
}

// readAs lets the call be read in another way than its webhook says.
func (c *call) readAs(fieldMap, keyTemplate *string) error {
	if keyTemplate != nil {
		c.hook.KeyTemplate = *keyTemplate
	}
	if fieldMap != nil {
		c.hook.FieldMap = *fieldMap
	}
	if err := c.in.CheckReading(c.hook.KeyTemplate, c.hook.FieldMap).Err(); err != nil {
		return err
	}
	c.hook.subject, c.hook.fields = fieldmap.Template(c.hook.KeyTemplate), fieldmap.Map{}
	if c.hook.FieldMap != "" {
		c.hook.fields, _ = fieldmap.Decode([]byte(c.hook.FieldMap)) // checked
	}
	return nil
}

// files are the uploads as files of a message that are not stored.
func files(uploads []dialect.Upload) []hub.Attachment {
	out := make([]hub.Attachment, 0, min(len(uploads), maxUploads))
	for _, u := range uploads[:cap(out)] {
		out = append(out, hub.Attachment{Filename: u.Filename, Size: int64(len(u.Content))})
	}
	return out
}

func losses(p *dialect.Post) []hub.Loss {
	out := make([]hub.Loss, len(p.Losses))
	for i, l := range p.Losses {
		out[i] = hub.Loss{Kind: string(l.Kind), Done: string(l.Done), Count: l.Count}
	}
	return out
}
