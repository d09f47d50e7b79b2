package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/client"
)

func newMessageCommand(r *reach) *cobra.Command {
	return r.noun(&cobra.Command{
		Use:     "message",
		Aliases: []string{"messages"},
		Short:   "Read, post, edit and find messages",
		Long:    "Read the messages of channels, post and edit them, react to them and find them.",
		Example: "  hub message post general 'Deploy **done**'\n  hub message list general\n  hub message search deploy",
	}, newMessageListCommand(r), newMessageShowCommand(r), newMessagePostCommand(r), newMessageEditCommand(r), newMessageDeleteCommand(r),
		newMessagePinCommand(r), newMessageUnpinCommand(r), newMessageReactCommand(r), newMessageThreadCommand(r), newMessageSearchCommand(r))
}

func messageID(m client.Message) string { return m.ID }

// messageColumns are the columns of messages.
var messageColumns = []column[client.Message]{
	{"ID", messageID},
	{"TIME", func(m client.Message) string { return clock(m.CreatedAt) }},
	{"AUTHOR", func(m client.Message) string { return authorName(m.Author) }},
	{"TEXT", messageText},
}

func authorName(a client.Author) string { return orText(a.DisplayName, a.Username) }

// messageText is a message in one line: what it says, else what it has.
func messageText(m client.Message) string {
	var marks []string
	if m.IsPinned {
		marks = append(marks, "pinned")
	}
	if m.ReplyCount > 0 {
		marks = append(marks, fmt.Sprintf("%d replies", m.ReplyCount))
	}
	if m.IsDeleted {
		marks = append(marks, "deleted")
	}
	text := m.Content
	for _, e := range m.Embeds {
		text += " [" + orText(e.Title, e.Description) + "]"
	}
	for _, a := range m.Attachments {
		text += " (" + a.Filename + ")"
	}
	if len(marks) > 0 {
		text += " · " + strings.Join(marks, ", ")
	}
	return strings.TrimSpace(text)
}

func newMessageListCommand(r *reach) *cobra.Command {
	var q client.MessageQuery
	var limit int
	var quiet bool
	cmd := &cobra.Command{
		Use:               "list CHANNEL",
		Short:             "List the messages of a channel",
		Long:              "List the messages of a channel, newest first.",
		Example:           "  hub message list general --limit 20\n  hub message list general --pinned",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeChannels(),
		RunE: r.job(func(j *job, args []string) error {
			id, err := j.channelID(args[0])
			if err != nil {
				return err
			}
			return printList(j, j.Messages(j.ctx, id, q, atMost(limit)), limit, "There are no such messages: `hub message post CHANNEL TEXT` posts one.",
				messageID, messageColumns)
		}),
	}
	cmd.Flags().StringVar(&q.Before, "before", "", "only messages older than the one with this id")
	cmd.Flags().StringVar(&q.After, "after", "", "only messages newer than the one with this id")
	cmd.Flags().StringVar(&q.Thread, "thread", "", "only replies in the thread of the message with this id")
	cmd.Flags().BoolVar(&q.Pinned, "pinned", false, "only pinned messages")
	cmd.MarkFlagsMutuallyExclusive("before", "after")
	limitFlag(cmd, &limit)
	quietFlag(cmd, &quiet)
	watchFlag(cmd)
	return cmd
}

func (j *job) showMessage(m client.Message, further ...string) error {
	var cards, files, reactions []string
	for _, e := range m.Embeds {
		cards = append(cards, embedText(e))
	}
	for _, a := range m.Attachments {
		files = append(files, fmt.Sprintf("%s  %s, %s  %s", a.Filename, a.MimeType, sizeText(a.Size), orText(a.ID, a.URL)))
	}
	for _, e := range m.Reactions {
		reactions = append(reactions, fmt.Sprintf("%s %d", e.Emoji, e.Count))
	}
	return j.show(m.ID, append([]string{
		"ID", m.ID, "Channel", j.channelName(m.ChannelID), "Author", fmt.Sprintf("%s (%s)", authorName(m.Author), m.Author.Kind),
		"Time", clock(m.CreatedAt), "Edited", clock(m.EditedAt), "Deleted", clock(m.DeletedAt), "Replies to", m.ThreadID,
		"Replies", number(m.ReplyCount), "Pinned", yes(m.IsPinned), "Reactions", strings.Join(reactions, "  "),
		"Text", m.Content, "Cards", strings.Join(cards, "\n"), "Files", strings.Join(files, "\n"),
	}, further...)...)
}

// embedText is a card as text.
func embedText(e client.Embed) string {
	lines := []string{strings.TrimSpace(e.Title + "  " + e.URL), e.Description}
	for _, f := range e.Fields {
		lines = append(lines, f.Name+": "+f.Value)
	}
	lines = append(lines, e.Footer)
	var b strings.Builder
	for _, line := range lines {
		if line != "" {
			b.WriteString(line + "\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func newMessageShowCommand(r *reach) *cobra.Command {
	var revisions bool
	cmd := &cobra.Command{
		Use:     "show MESSAGE",
		Short:   "Show a message",
		Long:    "Show a message, with --revisions what it said before each edit.",
		Example: "  hub message show 01a20028-dd55-7000-8b7e-02788dca0b21 --revisions",
		Args:    cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			if revisions {
				return printList(j, j.Revisions(j.ctx, args[0]), 0, "It was never edited.", func(v client.Revision) string { return fmt.Sprint(v.Number) },
					[]column[client.Revision]{
						{"REVISION", func(v client.Revision) string { return fmt.Sprint(v.Number) }},
						{"REPLACED", func(v client.Revision) string { return clock(v.CreatedAt) }},
						{"BY", func(v client.Revision) string { return orText(j.userName(v.EditedBy), "the hub") }},
						{"TEXT", func(v client.Revision) string { return v.Content }},
					})
			}
			m, err := j.Message(j.ctx, args[0])
			if err != nil {
				return err
			}
			return j.showMessage(m)
		}),
	}
	cmd.Flags().BoolVar(&revisions, "revisions", false, "list what it said before each edit instead")
	watchFlag(cmd)
	return cmd
}

// embedsValue reads cards as the API takes them.
func embedsValue(cmd *cobra.Command, text string) (embeds []client.Embed, err error) {
	if text == "" {
		return nil, nil
	}
	raw, err := jsonValue(cmd, "--embeds", text)
	if err != nil {
		return nil, err
	}
	if err := decodeStrict(raw, &embeds); err != nil {
		return nil, usagef("--embeds: want a list of cards as the API takes them: %w", err)
	}
	return embeds, nil
}

func newMessagePostCommand(r *reach) *cobra.Command {
	var m client.NewMessage
	var files []string
	var embeds string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "post CHANNEL [TEXT|@FILE|-]",
		Short: "Post a message",
		Long: `Post a message, in Markdown. The text is the argument, or the content of @FILE, or
what comes on standard input with -. Files are uploaded and posted with it.`,
		Example: `  hub message post general 'Deploy **done**'
  git log -1 | hub message post builds -
  hub message post general 'The report' --file report.pdf`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: r.completeChannels(),
		RunE: r.job(func(j *job, args []string) error {
			id, err := j.channelID(args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				if m.Content, err = textValue(j.cmd, args[1]); err != nil {
					return err
				}
			}
			if m.Embeds, err = embedsValue(j.cmd, embeds); err != nil {
				return err
			}
			if m.Content == "" && len(m.Embeds)+len(m.FileIDs)+len(files) == 0 {
				return usagef("there is nothing to post: give a text, - for standard input, --file or --embeds")
			}
			for _, path := range files {
				f, err := j.upload(path, "")
				if err != nil {
					return err
				}
				m.FileIDs = append(m.FileIDs, f.ID)
			}
			posted, err := j.PostMessage(j.ctx, id, m)
			if err != nil {
				return err
			}
			return j.showMessage(posted)
		}),
	}
	cmd.Flags().StringVar(&m.ThreadID, "thread", "", "id of the message that it replies to")
	cmd.Flags().StringArrayVar(&files, "file", nil, "file to upload and post with it; may be repeated")
	cmd.Flags().StringSliceVar(&m.FileIDs, "file-id", nil, "file that was uploaded before; may be repeated")
	cmd.Flags().StringVar(&embeds, "embeds", "", "cards to post with it: JSON, @FILE or -")
	cmd.Flags().StringVar(&m.Key, "key", "", "posted once, however often it is called with the same key in a day")
	quietFlag(cmd, &quiet)
	return cmd
}

func newMessageEditCommand(r *reach) *cobra.Command {
	var f change
	var embeds string
	cmd := &cobra.Command{
		Use:     "edit MESSAGE [TEXT|@FILE|-]",
		Short:   "Change what a message says",
		Long:    "Change what a message says. What it said is kept as a revision.",
		Example: "  hub message edit 01a20028-dd55-7000-8b7e-02788dca0b21 'Deploy done, and verified'",
		Args:    cobra.RangeArgs(1, 2),
		RunE: r.job(func(j *job, args []string) error {
			var c client.MessageChange
			if len(args) == 2 {
				text, err := textValue(j.cmd, args[1])
				if err != nil {
					return err
				}
				c.Content = client.Set(text)
			} else if err := f.empty("embeds"); err != nil {
				return usagef("nothing is to change: give a text, - for standard input, or --embeds")
			}
			cards, err := embedsValue(j.cmd, embeds)
			if err != nil {
				return err
			}
			c.Embeds = given(&f, "embeds", cards)
			m, err := j.EditMessage(j.ctx, args[0], c, j.onVersion()...)
			if err != nil {
				return err
			}
			return j.showMessage(m)
		}),
	}
	cmd.Flags().StringVar(&embeds, "embeds", "", "cards in place of those it has: JSON, @FILE or -")
	f.cmd = cmd
	versionFlag(cmd)
	return cmd
}

func newMessageDeleteCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "delete MESSAGE...",
		Short:   "Delete messages",
		Long:    "Delete messages. Nobody can read them any more.",
		Example: "  hub message delete 01a20028-dd55-7000-8b7e-02788dca0b21 --yes",
		Args:    cobra.MinimumNArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			if err := j.confirm("Delete the message %s?", join(args, "and")); err != nil {
				return err
			}
			return j.each(args, func(arg string) error {
				if err := j.DeleteMessage(j.ctx, arg); err != nil {
					return err
				}
				return j.done("Deleted the message %s.", arg)
			})
		}),
	}
	yesFlag(cmd)
	return cmd
}

func newMessagePinCommand(r *reach) *cobra.Command {
	return &cobra.Command{
		Use:     "pin MESSAGE",
		Short:   "Pin a message in its channel",
		Long:    "Pin a message in its channel. `hub message list CHANNEL --pinned` lists those that are.",
		Example: "  hub message pin 01a20028-dd55-7000-8b7e-02788dca0b21",
		Args:    cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			if err := j.PinMessage(j.ctx, args[0]); err != nil {
				return err
			}
			return j.done("Pinned the message %s.", args[0])
		}),
	}
}

func newMessageUnpinCommand(r *reach) *cobra.Command {
	return &cobra.Command{
		Use:     "unpin MESSAGE",
		Short:   "Take a pinned message off",
		Long:    "Take a pinned message off.",
		Example: "  hub message unpin 01a20028-dd55-7000-8b7e-02788dca0b21",
		Args:    cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			if err := j.UnpinMessage(j.ctx, args[0]); err != nil {
				return err
			}
			return j.done("Took the message %s off.", args[0])
		}),
	}
}

func newMessageReactCommand(r *reach) *cobra.Command {
	var remove bool
	cmd := &cobra.Command{
		Use:     "react MESSAGE EMOJI",
		Short:   "React to a message",
		Long:    "React to a message with an emoji, or take a reaction off with --remove.",
		Example: "  hub message react 01a20028-dd55-7000-8b7e-02788dca0b21 👍\n  hub message react 01a20028-dd55-7000-8b7e-02788dca0b21 👍 --remove",
		Args:    cobra.ExactArgs(2),
		RunE: r.job(func(j *job, args []string) error {
			if remove {
				if err := j.Unreact(j.ctx, args[0], args[1]); err != nil {
					return err
				}
				return j.done("Took %s off the message %s.", args[1], args[0])
			}
			if err := j.React(j.ctx, args[0], args[1]); err != nil {
				return err
			}
			return j.done("Reacted with %s to the message %s.", args[1], args[0])
		}),
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "take it off")
	return cmd
}

func newMessageThreadCommand(r *reach) *cobra.Command {
	var limit int
	var quiet bool
	cmd := &cobra.Command{
		Use:     "thread MESSAGE",
		Short:   "List the replies to a message",
		Long:    "List the replies in the thread of a message, newest first.",
		Example: "  hub message thread 01a20028-dd55-7000-8b7e-02788dca0b21",
		Args:    cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			return printList(j, j.Replies(j.ctx, args[0], atMost(limit)), limit,
				"There are no replies: `hub message post CHANNEL TEXT --thread MESSAGE` posts one.",
				messageID, messageColumns)
		}),
	}
	limitFlag(cmd, &limit)
	quietFlag(cmd, &quiet)
	watchFlag(cmd)
	return cmd
}

func newMessageSearchCommand(r *reach) *cobra.Command {
	var limit int
	var quiet bool
	cmd := &cobra.Command{
		Use:     "search WORD...",
		Short:   "Find messages",
		Long:    "Find messages that have all of the words, newest first. The last one may be the beginning of a word.",
		Example: "  hub message search deploy failed",
		Args:    cobra.MinimumNArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			return printList(j, j.Search(j.ctx, strings.Join(args, " "), atMost(limit)), limit, "Nothing was found.",
				func(h client.Hit) string { return h.Message.ID }, []column[client.Hit]{
					{"ID", func(h client.Hit) string { return h.Message.ID }},
					{"TIME", func(h client.Hit) string { return clock(h.Message.CreatedAt) }},
					{"CHANNEL", func(h client.Hit) string { return j.channelName(h.Message.ChannelID) }},
					{"AUTHOR", func(h client.Hit) string { return authorName(h.Message.Author) }},
					{"FOUND", func(h client.Hit) string { return h.Snippet }},
				})
		}),
	}
	limitFlag(cmd, &limit)
	quietFlag(cmd, &quiet)
	return cmd
}

// upload stores a file under a name, with its progress shown.
func (j *job) upload(path, name string) (client.Attachment, error) {
	if path == "-" {
		if name == "" {
			return client.Attachment{}, usagef("--name is required for what comes on standard input")
		}
		return j.Upload(j.ctx, name, standardInput(j.cmd))
	}
	f, err := os.Open(path)
	if err != nil {
		return client.Attachment{}, usagef("%w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return client.Attachment{}, err
	}
	if info.IsDir() {
		return client.Attachment{}, usagef("%s is a folder: name a file", path)
	}
	content := j.metered(f, "uploading "+filepath.Base(path), info.Size())
	defer content.progress.end()
	return j.Upload(j.ctx, orText(name, filepath.Base(path)), content)
}
