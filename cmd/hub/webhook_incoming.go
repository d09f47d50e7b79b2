package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/client"
)

func newIncomingCommand(r *reach) *cobra.Command {
	return group(&cobra.Command{
		Use:     "incoming",
		Aliases: []string{"in"},
		Short:   "Manage the URLs that others post to",
		Long: `Manage incoming webhooks: secret URLs to which other products post, each into one
channel. Every call is in a log, refused ones too, and can be posted again.`,
		Example: `  hub webhook incoming create ci --channel general
  hub webhook incoming log ci`,
	}, newIncomingListCommand(r), newIncomingShowCommand(r), newIncomingCreateCommand(r), newIncomingEditCommand(r),
		newIncomingRotateCommand(r), newIncomingDeleteCommand(r), newIncomingLogCommand(r), newIncomingReplayCommand(r),
		newDialectsCommand(r))
}

func newIncomingListCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List incoming webhooks",
		Long:    "List incoming webhooks, oldest first.",
		Example: "  hub webhook incoming list\n  hub webhook incoming list --json | jq -r '.[].name'",
		Args:    cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			return printList(j, j.IncomingWebhooks(j.ctx), 0,
				"There are no incoming webhooks yet: `hub webhook incoming create NAME --channel CHANNEL` makes one.",
				func(w client.IncomingWebhook) string { return w.ID }, []column[client.IncomingWebhook]{
					{"ID", func(w client.IncomingWebhook) string { return w.ID }},
					{"NAME", func(w client.IncomingWebhook) string { return w.Name }},
					{"CHANNEL", func(w client.IncomingWebhook) string { return j.channelName(w.TargetChannelID) }},
					{"STATE", func(w client.IncomingWebhook) string { return enabledWord(w.Enabled) }},
					{"CALLS", func(w client.IncomingWebhook) string { return fmt.Sprint(w.CallCount) }},
					{"REFUSED", func(w client.IncomingWebhook) string { return fmt.Sprint(w.RefusedCount) }},
					{"LAST USED", func(w client.IncomingWebhook) string { return minute(w.LastUsedAt) }},
				})
		}),
	}
	var quiet bool
	quietFlag(cmd, &quiet)
	watchFlag(cmd)
	return cmd
}

func enabledWord(enabled bool) string {
	if enabled {
		return "enabled"
	}
	return "disabled"
}

func (j *job) showIncoming(w client.IncomingWebhook) error {
	limit := "the hub's default"
	if w.RateLimit != nil {
		limit = perMinute(*w.RateLimit)
	}
	return j.show(w.ID, "ID", w.ID, "Name", w.Name, "Channel", j.channelName(w.TargetChannelID), "State", enabledWord(w.Enabled),
		"URL", w.URL, "Token", w.Token, "Shows as", w.Username, "Picture", w.AvatarURL, "Signed", yes(w.Signed),
		"Allowed from", strings.Join(w.AllowIPs, ", "), "Expires", clock(w.ExpiresAt), "Rate limit", limit,
		"May mention all", yes(w.AllowMentions), "Key template", w.KeyTemplate, "Field map", fieldMapText(w.FieldMap),
		"Old token until", clock(w.PreviousTokenUntil), "Calls", fmt.Sprintf("%d, %d refused", w.CallCount, w.RefusedCount),
		"Last used", minute(w.LastUsedAt), "Created", clock(w.CreatedAt), "Created by", j.userName(w.CreatedBy))
}

func perMinute(n int) string {
	if n == 0 {
		return "none"
	}
	return fmt.Sprintf("%d a minute", n)
}

func fieldMapText(m *client.FieldMap) string {
	if m == nil {
		return ""
	}
	text, _ := json.Marshal(m) // strings only
	return string(text)
}

func newIncomingShowCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "show WEBHOOK",
		Short:             "Show an incoming webhook",
		Long:              "Show an incoming webhook. Its URL and token were shown when they were made; `rotate` makes new ones.",
		Example:           "  hub webhook incoming show ci",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeIncoming(),
		RunE: r.job(func(j *job, args []string) error {
			id, err := j.incomingID(args[0])
			if err != nil {
				return err
			}
			w, err := j.IncomingWebhook(j.ctx, id)
			if err != nil {
				return err
			}
			return j.showIncoming(w)
		}),
	}
	watchFlag(cmd)
	return cmd
}

// incomingFlags are the fields of an incoming webhook as flags.
type incomingFlags struct {
	change
	name, channel, username, avatar, hmac, key, fieldMap string
	enabled, mentions                                    bool
	ips                                                  []string
	expires                                              whenFlag
	rate                                                 int
}

func (f *incomingFlags) add(r *reach, cmd *cobra.Command) {
	f.cmd, f.expires.toCome = cmd, true
	flags := cmd.Flags()
	flags.StringVar(&f.channel, "channel", "", "channel that it posts into")
	flags.StringVar(&f.username, "username", "", "name that its messages show (default: the webhook's)")
	flags.StringVar(&f.avatar, "avatar-url", "", "picture that its messages show")
	flags.BoolVar(&f.enabled, "enabled", true, "take calls")
	flags.StringVar(&f.hmac, "hmac-secret", "", "secret that calls must be signed with: TEXT, @FILE or -")
	flags.StringSliceVar(&f.ips, "allow-ip", nil, "address or range that may call; may be repeated")
	flags.Var(&f.expires, "expires", "when it ends, as in 30d or 2027-01-01")
	flags.IntVar(&f.rate, "rate-limit", 0, "calls a minute from one client; 0: no limit (default: the hub's)")
	flags.BoolVar(&f.mentions, "allow-mentions", false, "its texts may mention everybody")
	flags.StringVar(&f.key, "key-template", "", "makes of a call what it is about; a later one about the same replaces the message")
	flags.StringVar(&f.fieldMap, "field-map", "", "how calls of an unknown sender are read: JSON, @FILE or -")
	completeFlag(cmd, "channel", r.completeChannels())
}

// incomingFlagNames are the flags that change something.
var incomingFlagNames = []string{
	"name", "channel", "username", "avatar-url", "enabled", "hmac-secret", "allow-ip", "expires", "rate-limit", "allow-mentions",
	"key-template", "field-map",
}

func (f *incomingFlags) fields(j *job) (client.IncomingWebhookFields, error) {
	channel, err := unless(f.channel, j.channelID)
	if err != nil {
		return client.IncomingWebhookFields{}, err
	}
	secret, err := secretValue(j.cmd, f.hmac)
	if err != nil {
		return client.IncomingWebhookFields{}, err
	}
	fieldMap, err := fieldMapValue(j.cmd, f.fieldMap)
	if err != nil {
		return client.IncomingWebhookFields{}, err
	}
	c := &f.change
	return client.IncomingWebhookFields{
		TargetChannelID: given(c, "channel", channel), Username: given(c, "username", f.username), AvatarURL: given(c, "avatar-url", f.avatar),
		Enabled: given(c, "enabled", f.enabled), HMACSecret: given(c, "hmac-secret", secret), AllowIPs: given(c, "allow-ip", f.ips),
		ExpiresAt: given(c, "expires", f.expires.Time), RateLimit: given(c, "rate-limit", f.rate),
		AllowMentions: given(c, "allow-mentions", f.mentions), KeyTemplate: given(c, "key-template", f.key),
		FieldMap: given(c, "field-map", fieldMap),
	}, nil
}

// fieldMapValue reads a field map; "" is an empty one.
func fieldMapValue(cmd *cobra.Command, text string) (m client.FieldMap, err error) {
	if text == "" {
		return m, nil
	}
	raw, err := jsonValue(cmd, "--field-map", text)
	if err != nil {
		return m, err
	}
	if err := decodeStrict(raw, &m); err != nil {
		return m, usagef("--field-map: %w", err)
	}
	return m, nil
}

// decodeStrict decodes JSON that has no fields but those of v.
func decodeStrict(text []byte, v any) error {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

const shownOnce = "The URL and its token are shown only now: keep them where secrets are kept."

func newIncomingCreateCommand(r *reach) *cobra.Command {
	var f incomingFlags
	var quiet bool
	cmd := &cobra.Command{
		Use:   "create NAME --channel CHANNEL",
		Short: "Make an incoming webhook",
		Long: `Make an incoming webhook. The URL to post to is printed once: the hub keeps only a
hash of its token.`,
		Example: `  hub webhook incoming create ci --channel general
  hub webhook incoming create billing --channel '#sales' --username Billing --allow-ip 192.0.2.0/24 --expires 90d
  URL=$(hub webhook incoming create ci --channel general --json | jq -r .url)`,
		Args: cobra.ExactArgs(1),
		RunE: r.job(func(j *job, args []string) error {
			if f.channel == "" {
				return usagef("--channel is required: the channel that it posts into")
			}
			fields, err := f.fields(j)
			if err != nil {
				return err
			}
			fields.Name = client.Set(args[0])
			w, err := j.CreateIncomingWebhook(j.ctx, fields)
			if err != nil {
				return err
			}
			if err := j.showIncoming(w); err != nil {
				return err
			}
			if j.quiet {
				j.note("Its URL was not shown; `hub webhook incoming rotate %s` makes another.", w.ID)
			} else {
				j.note(shownOnce)
			}
			return nil
		}),
	}
	f.add(r, cmd)
	quietFlag(cmd, &quiet)
	return cmd
}

func newIncomingEditCommand(r *reach) *cobra.Command {
	var f incomingFlags
	cmd := &cobra.Command{
		Use:   "edit WEBHOOK",
		Short: "Change an incoming webhook",
		Long:  "Change an incoming webhook. What no flag names stays as it is; --reset sets back to the default.",
		Example: `  hub webhook incoming edit ci --channel builds --enabled=false
  hub webhook incoming edit ci --reset hmac-secret,expires`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeIncoming(),
		RunE: r.job(func(j *job, args []string) error {
			if err := f.empty(incomingFlagNames...); err != nil {
				return err
			}
			id, err := j.incomingID(args[0])
			if err != nil {
				return err
			}
			fields, err := f.fields(j)
			if err != nil {
				return err
			}
			fields.Name = given(&f.change, "name", f.name)
			w, err := j.UpdateIncomingWebhook(j.ctx, id, fields, j.onVersion()...)
			if err != nil {
				return err
			}
			return j.showIncoming(w)
		}),
	}
	cmd.Flags().StringVar(&f.name, "name", "", "new name")
	f.add(r, cmd)
	versionFlag(cmd)
	f.resetFlag(cmd, "username", "avatar-url", "hmac-secret", "allow-ip", "expires", "rate-limit", "key-template", "field-map")
	return cmd
}

func newIncomingRotateCommand(r *reach) *cobra.Command {
	overlap := spanFlag{defaultOverlap}
	cmd := &cobra.Command{
		Use:               "rotate WEBHOOK",
		Short:             "Give an incoming webhook a new URL",
		Long:              "Give an incoming webhook a new token and URL, which are printed once. The old one is taken until the overlap ends.",
		Example:           "  hub webhook incoming rotate ci\n  hub webhook incoming rotate ci --overlap 0s    # the old URL leaked",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: r.completeIncoming(),
		RunE: r.job(func(j *job, args []string) error {
			id, err := j.incomingID(args[0])
			if err != nil {
				return err
			}
			w, err := j.RotateIncomingWebhook(j.ctx, id, overlap.Duration)
			if err != nil {
				return err
			}
			if err := j.showIncoming(w); err != nil {
				return err
			}
			j.note(shownOnce)
			return nil
		}),
	}
	cmd.Flags().Var(&overlap, "overlap", "how long the old URL stays good, 7d at most")
	return cmd
}

func newIncomingDeleteCommand(r *reach) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "delete WEBHOOK...",
		Short:             "Delete incoming webhooks",
		Long:              "Delete incoming webhooks. Who posts to their URLs is refused from then on; their messages and their log stay.",
		Example:           "  hub webhook incoming delete ci --yes",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: r.completeIncoming(),
		RunE: r.job(func(j *job, args []string) error {
			if err := j.confirm("Delete the incoming webhook %s for good?", join(args, "and")); err != nil {
				return err
			}
			return j.each(args, func(arg string) error {
				id, err := j.incomingID(arg)
				if err != nil {
					return err
				}
				if err := j.DeleteIncomingWebhook(j.ctx, id); err != nil {
					return err
				}
				return j.done("Deleted the incoming webhook %s.", arg)
			})
		}),
	}
	yesFlag(cmd)
	return cmd
}

func newIncomingLogCommand(r *reach) *cobra.Command {
	var limit int
	var quiet bool
	cmd := &cobra.Command{
		Use:   "log WEBHOOK [CALL]",
		Short: "List the calls of an incoming webhook, or show one",
		Long: `List the calls of an incoming webhook, newest first, with the verdict on each; or
show one call with its body and what was answered.`,
		Example: `  hub webhook incoming log ci
  hub webhook incoming log ci 01a20028-dd55-7000-8b7e-02788dca0b21`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: r.completeIncoming(),
		RunE: r.job(func(j *job, args []string) error {
			id, err := j.incomingID(args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				call, err := j.Call(j.ctx, id, args[1])
				if err != nil {
					return err
				}
				return j.showCall(call)
			}
			return printList(j, j.Calls(j.ctx, id, atMost(limit)), limit, "Nothing has called it yet.", callID, j.callColumns(false))
		}),
	}
	limitFlag(cmd, &limit)
	quietFlag(cmd, &quiet)
	watchFlag(cmd)
	return cmd
}

func newIncomingReplayCommand(r *reach) *cobra.Command {
	var f readingFlags
	cmd := &cobra.Command{
		Use:   "replay WEBHOOK CALL...",
		Short: "Post calls of the log again",
		Long: `Post calls of the log again, read as the webhook is set now. --dry-run shows what
would be posted, with another key template or field map, too.`,
		Example: `  hub webhook incoming replay ci 01a20028-dd55-7000-8b7e-02788dca0b21
  hub webhook incoming replay ci 01a20028-dd55-7000-8b7e-02788dca0b21 --dry-run --field-map '{"title": "{/host}"}'`,
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: r.completeIncoming(),
		RunE: r.job(func(j *job, args []string) error {
			id, err := j.incomingID(args[0])
			if err != nil {
				return err
			}
			return j.replayCalls(args[1:], &f, func(string) (string, error) { return id, nil },
				func(call string) (client.Call, error) { return j.ReplayCall(j.ctx, id, call) })
		}),
	}
	f.add(cmd)
	return cmd
}

func newDialectsCommand(r *reach) *cobra.Command {
	var quiet bool
	cmd := &cobra.Command{
		Use:   "dialects",
		Short: "List the products whose posts are understood",
		Long:  "List the products whose posts are understood. The name at the end of a webhook's URL forces that reading.",
		Example: `  hub webhook incoming dialects
  hub webhook incoming dialects --json`,
		Args: cobra.NoArgs,
		RunE: r.job(func(j *job, _ []string) error {
			return printList(j, j.Dialects(j.ctx), 0, "There are none.", func(d client.Dialect) string { return d.Name }, []column[client.Dialect]{
				{"NAME", func(d client.Dialect) string { return d.Name }},
				{"PRODUCT", func(d client.Dialect) string { return d.Title }},
			})
		}),
	}
	quietFlag(cmd, &quiet)
	return cmd
}
