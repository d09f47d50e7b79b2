package slack

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nself-chat/hub/internal/markup"
)

var update = flag.Bool("update", false, "write the golden files anew")

// recorded returns the recorded payloads that Slack sends or is sent, by their
// names; a test without them is skipped.
func recorded(t *testing.T) map[string][]byte {
	t.Helper()
	root := filepath.Join("..", "..", "..", "..", "shared", "fixtures")
	if _, err := os.Stat(root); errors.Is(err, os.ErrNotExist) && os.Getenv("CI") == "" {
		t.Skipf("recorded payloads are not here (%s)", root)
	}
	out := map[string][]byte{}
	for _, folder := range []string{"slack", "senders/slack-incoming", "senders/alertmanager", "senders/uptime-kuma"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			name, err := filepath.Rel(root, path)
			if err != nil || strings.HasPrefix(name, "senders/") && !slackShaped.MatchString(filepath.ToSlash(name)) {
				return err
			}
			data, err := os.ReadFile(path)
			out[filepath.ToSlash(name)] = data
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// slackShaped are the senders that write Slack's format, or one like it.
var slackShaped = regexp.MustCompile(`slack|mattermost|rocketchat`)

// payloads returns the values in a recorded file: JSON, a request with a body,
// a form, or the files of an archive.
func payloads(t *testing.T, name string, data []byte) []any {
	t.Helper()
	switch {
	case strings.HasSuffix(name, ".zip"):
		return archived(t, data)
	case strings.HasSuffix(name, ".txt"):
		form, err := url.ParseQuery(strings.TrimSpace(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		data = []byte(form.Get("payload"))
	case !strings.HasSuffix(name, ".json"):
		return nil
	}
	v, err := decode(data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if body := asObject(v).str("body"); strings.HasSuffix(name, ".request.json") {
		return payloads(t, "body.json", []byte(body))
	}
	return []any{v}
}

func archived(t *testing.T, data []byte) []any {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var out []any
	for _, file := range z.File {
		f, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file.Name, ".json") {
			out = append(out, payloads(t, file.Name, text)...)
		}
	}
	return out
}

// messagesIn returns the messages in a value, wherever they are: events,
// exports and answers of the Web API have them at different places.
func messagesIn(name string, v any) []object {
	if list, ok := v.([]any); ok {
		var out []object
		for _, e := range list {
			out = append(out, messagesIn(name, e)...)
		}
		return out
	}
	o := asObject(v)
	if o == nil {
		return nil
	}
	switch base := filepath.Base(name); {
	case strings.HasPrefix(base, "attachments."):
		return []object{{"attachments": []any{v}}}
	case strings.HasPrefix(base, "block_conv."):
		return []object{{"blocks": []any{map[string]any{"type": "actions", "elements": []any{v}}}}}
	case strings.HasPrefix(base, "block_rich_text."):
		return []object{richFixture(o)}
	}
	var out []object
	_, hasText := o["text"].(string)
	if hasText && o.str("type") != "button" || o["blocks"] != nil || o["attachments"] != nil {
		out = append(out, o)
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if !slices.Contains([]string{"blocks", "attachments", "text", "actions", "confirm", "state"}, name) {
			out = append(out, messagesIn("", o[name])...)
		}
	}
	return out
}

// richFixture returns a message around a part of a rich_text block.
func richFixture(o object) object {
	var block any = map[string]any(o)
	switch {
	case o.str("type") == "rich_text":
		return object{"blocks": []any{block}}
	case o["style"] != nil:
		o["type"] = "rich_text_list"
	default:
		o["type"] = "rich_text_section"
	}
	return object{"blocks": []any{map[string]any{"type": "rich_text", "elements": []any{block}}}}
}

// Every recorded message is read as the golden file says, nothing that it says
// is missing, and it is printed within Slack's limits.
func TestRecorded(t *testing.T) {
	files := recorded(t)
	folders := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		read := ""
		for _, v := range payloads(t, name, files[name]) {
			for _, o := range messagesIn(name, v) {
				read += readRecorded(t, name, o)
			}
		}
		if read != "" {
			folders[filepath.Dir(name)] += "=== " + filepath.Base(name) + "\n" + read
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		checkGolden(t, folder, folders[folder])
	}
}

// readRecorded returns what is kept of a message: its text, kinds and losses.
func readRecorded(t *testing.T, name string, o object) string {
	t.Helper()
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	d, lost, err := ParseMessage(data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	plain := markup.Plain(d)
	for _, word := range saidIn(o) {
		if !strings.Contains(plain, word) {
			t.Errorf("%s: %q is missing in\n%s\nof %s", name, word, plain, data)
		}
	}
	checkMessage(t, data)
	if plain == "" {
		return ""
	}
	if strings.HasPrefix(name, "slack/export/") {
		plain = "(what people said)"
	}
	return fmt.Sprintf("%s\n  [%s] %v\n\n", plain, kindsIn(d), lost)
}

// kindsIn returns the kinds of nodes of a document but text, in their order.
func kindsIn(d markup.Document) string {
	var out []string
	markup.Walk(d, func(n markup.Node) bool {
		if k := string(n.Kind()); k != "text" && (len(out) == 0 || out[len(out)-1] != k) {
			out = append(out, k)
		}
		return true
	})
	return strings.Join(out, " ")
}

func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", strings.ReplaceAll(name, "/", "-")+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", path, diff)
	}
}

// shownNames are the names of what people see of a message. It is a list of
// its own, not the parser's.
var shownNames = []string{
	"text", "pretext", "title", "value", "author_name", "footer", "alt_text", "title_link", "author_link", "image_url", "thumb_url", "url",
	"service_name", "caption", "user_id", "channel_id", "usergroup_id",
}

// saidIn returns the words of a message that nobody may miss.
func saidIn(o object) []string {
	var out []string
	hasBlocks := len(o.list("blocks")) > 0
	var walk func(v any)
	walk = func(v any) {
		if list, ok := v.([]any); ok {
			for _, e := range list {
				walk(e)
			}
			return
		}
		o := asObject(v)
		isElement := o["action_id"] != nil || o.str("type") == "button" || o["url"] != nil && o["value"] != nil
		for name, v := range o {
			s, ok := v.(string)
			switch {
			case !ok:
				if name != "confirm" && name != "files" && name != "metadata" {
					walk(v)
				}
			case name == "value" && (isElement || o["text"] != nil): // of a choice: for the program that asked
			case slices.Contains(shownNames, name):
				out = append(out, words(s)...)
			}
		}
	}
	if !hasBlocks {
		out = words(o.str("text"))
	}
	walk(o["blocks"])
	walk(o["attachments"])
	return out
}

var (
	marksOfMrkdwn = regexp.MustCompile("<(!date|tel:[^|]*|[@#]?[A-Z][A-Z0-9]+\\|)?|[>|*_~`\\s]+|&(amp|lt|gt);|:[a-z0-9_]+:|\\^[^|>]*")
	someWord      = regexp.MustCompile(`^[\p{L}\p{N}/:.#?=%-]{2,}$`)
)

// words returns the words of mrkdwn that are no markup.
func words(s string) []string {
	var out []string
	for _, w := range marksOfMrkdwn.Split(s, -1) {
		w = strings.TrimLeft(strings.Trim(w, ".:,;?-"), "@#!")
		if someWord.MatchString(w) {
			out = append(out, w)
		}
	}
	return out
}

// What people must be able to read of some recorded messages, by hand.
func TestRecordedWords(t *testing.T) {
	files := recorded(t)
	for name, wanted := range map[string][]string{
		"senders/slack-incoming/blocks.json":                                                                    {"Overlook Hotel (https://example.com)", "⭐", "Haunted hotel image", "Average Rating: 1.0"},
		"senders/slack-incoming/urlencoded_text.txt":                                                            {"project tag v0.0.2rc10 to staging"},
		"senders/alertmanager/slack-default.002.request.json":                                                   {"[FIRING:2] HighErrorRate eu-1 (api critical) (http://vm:19210/#/alerts?receiver=all)"},
		"senders/alertmanager/mattermost-default.006.request.json":                                              {"• cluster = eu-1", "<checkout>", "https://runbooks.example.org/HighErrorRate"},
		"senders/uptime-kuma/slack-rich-down.request.json":                                                      {"🔴 Down", "@channel", "Prod", "Time (Europe/Berlin): 2026-03-04 06:06:07", "Visit site (https://shop.example.org/health)"},
		"senders/uptime-kuma/slack-rich-test.request.json":                                                      {`"quotes" & <b>tags</b> 🚦 @channel`},
		"senders/uptime-kuma/mattermost-default-up.request.json":                                                {"service went up!", "Ping: 123ms"},
		"slack/export/bot_message.json":                                                                         {"Poll title", "ℹ️ Edit Poll", "1️⃣ this is one    8", "@U12345678", "Created by @U12345678 with /poll"},
		"slack/webapi-objects/slack-go/attachments.01.TestAttachment_UnmarshalMarshalJSON_WithBlocks.json":      {"Pick something:", "Select one item: ghi"},
		"slack/webapi-objects/slack-go/block_conv.01.TestWorkflowButtonBlockElementUnmarshal.json":              {"Run Workflow (https://slack.com/shortcuts/Ft0123ABC/xyz)"},
		"slack/webapi-objects/slack-go/block_rich_text.03.TestRichTextSection_UnmarshalJSON.json":               {"hi2021-11-15", "(https://example.com)"},
		"slack/webapi-objects/slack-go/block_rich_text.06.TestRichTextSectionUsergroupStyleExtendedFields.json": {"@ausergroupid"},
		"slack/webapi-objects/slack-go/messages.18.TestChannelNameMessage.json":                                 {"@cal archived the channel"},
	} {
		data, ok := files[name]
		if !ok {
			t.Errorf("%s is not there", name)
			continue
		}
		all := ""
		for _, v := range payloads(t, name, data) {
			for _, o := range messagesIn(name, v) {
				text, err := json.Marshal(o)
				if err != nil {
					t.Fatal(err)
				}
				d, _, err := ParseMessage(text)
				if err != nil {
					t.Fatal(err)
				}
				all += markup.Plain(d) + "\n"
			}
		}
		for _, s := range wanted {
			if !strings.Contains(all, s) {
				t.Errorf("%s: %q is missing in\n%s", name, s, all)
			}
		}
	}
}
