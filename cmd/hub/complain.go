package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/nself-chat/hub/client"
)

// complain tells a person what went wrong, and what to do.
func complain(w io.Writer, cmd *cobra.Command, at target, err error) {
	text := strings.TrimPrefix(err.Error(), "hub: ")
	if e, ok := errors.AsType[*client.Error](err); ok {
		text = refusalText(cmd, at, e)
	} else if unreachable(err) && at.from != "" {
		text = unreachableText(at, err)
	}
	fmt.Fprintln(w, "hub:", visible(strings.ReplaceAll(text, "\t", "  "), maxShown))
	if f, ok := errors.AsType[*failure](err); ok && f.code == exitUsage && !f.plain {
		fmt.Fprintf(w, "`%s --help` says how it is used.\n", cmd.CommandPath())
	}
}

// refusalText says what the hub said, a line for each field, and the next step.
func refusalText(cmd *cobra.Command, at target, e *client.Error) string {
	var b strings.Builder
	b.WriteString(e.Detail)
	if e.Code == "" {
		fmt.Fprintf(&b, " (status %d, and not a hub's words: is %s the address of a hub?)", e.Status, at.url)
	}
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "\n  %s: %s", flagNamed(cmd, f.Field), f.Detail)
	}
	if next := nextStep(cmd, at, e); next != "" {
		b.WriteString("\n" + next)
	}
	if e.Status >= http.StatusInternalServerError && e.RequestID != "" && !e.Temporary() && !strings.Contains(e.Detail, e.RequestID) {
		fmt.Fprintf(&b, "\nThe hub's log has the reason, under the request id %s.", e.RequestID)
	}
	return b.String()
}

// nextStep is what to do about a refusal; "" when that is plain.
func nextStep(cmd *cobra.Command, at target, e *client.Error) string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return fmt.Sprintf("The hub at %s does not take the token from %s. Make one with `hub token create NAME` on the hub's machine, "+
			"and give it in HUB_TOKEN, or keep it with `hub context add`.", at.url, at.tokenFrom)
	case e.Status == http.StatusForbidden && at.local: // as its owner
		return ""
	case e.Status == http.StatusForbidden:
		if scope := neededScope.FindStringSubmatch(e.Detail); scope != nil {
			return fmt.Sprintf("`hub token create NAME --scope %s` on the hub's machine makes a token that may.", scope[1])
		}
		if strings.Contains(e.Detail, "restricted to channels") {
			return "`hub token create NAME` without --channel, on the hub's machine, makes a token that may."
		}
		return "A token of another user may: `hub token create NAME --user USER` on the hub's machine makes one."
	case e.Status == http.StatusNotFound && (e.Code == "" || e.Detail == nothingHere):
		return elsewhere(at)
	case e.Status == http.StatusNotFound && siblingList(cmd) != "":
		return fmt.Sprintf("`%s` shows what is there.", siblingList(cmd))
	case e.RetryAfter > 0:
		return fmt.Sprintf("Try again in %s.", e.RetryAfter.Round(time.Second))
	}
	return ""
}

// neededScope finds what the token lacks in what a hub says.
var neededScope = regexp.MustCompile(`need the scope (\w+)`)

// nothingHere is what a hub says of an address that it does not know.
const nothingHere = "There is nothing at this address."

// elsewhere says what is wrong with an address at which there is no API; "" when that is not known.
func elsewhere(at target) string {
	u, err := url.Parse(at.url)
	if err != nil || at.local || strings.Trim(u.Path, "/") == "" {
		return ""
	}
	path := strings.TrimRight(u.Path, "/")
	u.Path, u.RawPath = "", ""
	return fmt.Sprintf("%s (from %s) is not the address of a hub: leave %s away, as in %s.", at.url, at.from, path, u)
}

// siblingList names the command that lists what cmd works on.
func siblingList(cmd *cobra.Command) string {
	if cmd == nil || cmd.Parent() == nil {
		return ""
	}
	for _, c := range cmd.Parent().Commands() {
		if c.Name() == "list" && len(strings.Fields(c.Use)) == 1 {
			return c.CommandPath()
		}
	}
	return ""
}

func unreachableText(at target, err error) string {
	why := err.Error()
	if e, ok := errors.AsType[*url.Error](err); ok {
		why = e.Err.Error()
	}
	if silent, ok := errors.AsType[*silence](err); ok {
		which := "the hub at " + at.url
		if at.local {
			which = "the hub of this machine"
		}
		return fmt.Sprintf("%s (from %s) does not answer: it took the call, and has said nothing for %s.\n"+
			"It hangs, or has too much to do: look at its log. What was asked for may be done all the same.", which, at.from, silent.after)
	}
	if at.local {
		return fmt.Sprintf("the hub of this machine (from %s) does not answer: %s.\nIs it still running? `hub serve` starts it.", at.from, why)
	}
	return fmt.Sprintf("no hub answers at %s (from %s): %s.\nIs it running there? `hub serve` starts one; --url, --context or HUB_URL name another.",
		at.url, at.from, why)
}

// flagOf has the flags whose names are not those of their fields in the API.
var flagOf = map[string]string{
	"targetChannelId": "channel", "channelIds": "channel", "channelId": "channel", "events": "event", "allowIps": "allow-ip",
	"headers": "header", "expiresAt": "expires", "userId": "user", "overlapHours": "overlap", "fileIds": "file-id",
	"webhookId": "webhook", "ratePerMinute": "rate", "idempotencyKey": "key", "idempotency-key": "key", "url": "to",
}

// flagNamed says which flag a field of the API belongs to, or the field's name
// when cmd has no flag for it.
func flagNamed(cmd *cobra.Command, field string) string {
	base, _, _ := strings.Cut(field, "[")
	base, _, _ = strings.Cut(base, ".")
	name := flagOf[base]
	if name == "" {
		name = kebab(base)
	}
	if cmd == nil || cmd.Flags().Lookup(name) == nil {
		return field
	}
	if rest := field[len(base):]; rest != "" {
		return "--" + name + " (" + field + ")"
	}
	return "--" + name
}

// kebab writes a name of the API as a flag's: avatarUrl as avatar-url.
func kebab(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
