package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	api "github.com/nself-chat/hub/client"
)

// needed returns a setting that .ci/provide makes; without it the test is skipped,
// never under CI.
func needed(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		if os.Getenv("CI") != "" {
			t.Fatal(name, " is not set")
		}
		t.Skip(name, " is not set; .ci/provide sets it")
	}
	return value
}

// node runs a script with the published npm packages. It reads in as JSON from its
// standard input, and what it prints is decoded into out.
func node(t *testing.T, script string, in, out any) {
	t.Helper()
	modules := needed(t, "HUB_TEST_NODE_MODULES")
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "-e", script)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	cmd.Stdin = bytes.NewReader(text)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	printed, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, complaints.Bytes())
	}
	if err := json.Unmarshal(printed, out); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
}

// shown is a message that a person can see.
type shown struct{ api.Message }

// text is all that can be read in the message.
func (m *shown) text() string {
	lines := []string{m.Content}
	for _, c := range m.Embeds {
		lines = append(lines, c.Title, c.Description, c.AuthorName, c.Footer)
		for _, f := range c.Fields {
			lines = append(lines, f.Name, f.Value)
		}
	}
	return strings.Join(lines, "\n")
}

// says fails the test unless all of the words are in the message.
func (m *shown) says(t *testing.T, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(m.text(), word) {
			t.Errorf("%q is not in the message:\n%s", word, m.text())
		}
	}
}

// oldest returns the messages of a channel in the order in which they were posted,
// without replies.
func (p *process) oldest(channelID string) (messages []shown) {
	p.t.Helper()
	for _, m := range p.newest(channelID) {
		if m.ThreadID == "" {
			messages = append(messages, shown{m})
		}
	}
	slices.Reverse(messages)
	return messages
}

// thread returns the replies to a message, oldest first.
func (p *process) thread(id string) (replies []shown) {
	p.t.Helper()
	for _, m := range all(p, p.api().Replies(p.t.Context(), id)) {
		replies = append(replies, shown{m})
	}
	slices.SortFunc(replies, func(a, b shown) int { return strings.Compare(a.ID, b.ID) })
	return replies
}

// room makes a channel with an incoming webhook into it.
func (p *process) room(name string) (channelID string, in hook) {
	p.t.Helper()
	channelID = p.channel(name)
	return channelID, p.incoming(map[string]any{"name": name, "targetChannelId": channelID})
}

// slackScript posts with Slack's own clients. It reads {url, wrong}, two webhooks of
// which one does not exist, and prints what the clients made of the answers.
const slackScript = `
const { IncomingWebhook } = require("@slack/webhook");
const { WebClient, LogLevel } = require("@slack/web-api");
const { url, wrong } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const refused = async (call) => {
	try { await call(); return "accepted"; } catch (e) { return e.data?.error ?? e.body ?? e.message; }
};
const web = (base) => new WebClient("xoxb-any", { slackApiUrl: base + "/slack/", retryConfig: { retries: 0 }, logLevel: LogLevel.ERROR });
(async () => {
	const hook = new IncomingWebhook(url, { username: "CI", icon_emoji: ":rocket:" });
	const answers = [
		await hook.send("*Build* <https://ci.example/7|#7> failed &amp; _stopped_"),
		await hook.send({
			text: "what old clients show",
			blocks: [
				{ type: "header", text: { type: "plain_text", text: "Deploy 42" } },
				{ type: "section", text: { type: "mrkdwn", text: "*staging* is up" }, fields: [{ type: "mrkdwn", text: "*Took*\n3 min" }] },
				{ type: "divider" },
				{ type: "context", elements: [{ type: "mrkdwn", text: "by <https://ci.example|CI>" }] },
			],
		}),
		await hook.send({
			attachments: [{
				color: "danger", pretext: "Look at this", title: "Disk full", title_link: "https://mon.example/1",
				text: "/var is at *99 %*", fields: [{ title: "Host", value: "db-1", short: true }], footer: "monitor", ts: 1700000000,
			}],
		}),
	].map((a) => a.text);
	const api = web(url);
	const first = await api.chat.postMessage({ channel: "#any", text: "A release: *1.2*" });
	const reply = await api.chat.postMessage({ channel: first.channel, text: "It is *out*", thread_ts: first.ts });
	const blocks = await api.chat.postMessage({
		channel: first.channel, text: "fallback", username: "Release bot",
		blocks: [{ type: "section", text: { type: "mrkdwn", text: "Notes for *1.2*" } }],
	});
	console.log(JSON.stringify({
		answers, first, reply, blocks,
		refused: [
			await refused(() => new IncomingWebhook(url + "/slack").send({ username: "CI" })),
			await refused(() => new IncomingWebhook(wrong).send("x")),
			await refused(() => web(wrong).chat.postMessage({ channel: "c", text: "x" })),
			await refused(() => api.chat.postMessage({ channel: "c", text: "" })),
			await refused(() => api.reactions.add({ channel: "c", timestamp: "1", name: "eyes" })),
		],
	}));
})();
`

// TestSlackClients posts with @slack/webhook and @slack/web-api.
func TestSlackClients(t *testing.T) {
	t.Parallel()
	needed(t, "HUB_TEST_NODE_MODULES")
	p := startHub(t)
	general := p.general()
	in := p.incoming(map[string]any{"name": "Slack", "targetChannelId": general})
	type sent struct {
		OK          bool
		Channel, TS string
		Message     struct{ Text, Username string }
	}
	var out struct {
		Answers, Refused     []string
		First, Reply, Blocks sent
	}
	node(t, slackScript, map[string]string{"url": in.URL, "wrong": in.URL + "x"}, &out)
	if want := []string{"ok", "ok", "ok"}; !slices.Equal(out.Answers, want) {
		t.Errorf("the webhook's answers: %q", out.Answers)
	}
	if want := []string{"no_text", "no_service", "invalid_auth", "no_text", "unknown_method"}; !slices.Equal(out.Refused, want) {
		t.Errorf("refused with %q, want %q", out.Refused, want)
	}
	for _, s := range []sent{out.First, out.Reply, out.Blocks} {
		if !s.OK || s.TS == "" || s.Channel == "" || s.Channel != out.First.Channel {
			t.Errorf("chat.postMessage answered %+v", s)
		}
	}
	if got := out.Blocks.Message; got.Username != "Release bot" || got.Text != "Notes for **1.2**" {
		t.Errorf("the message in the answer: %+v", got)
	}

	all := p.oldest(general)
	if len(all) != 5 {
		t.Fatalf("%d messages in the channel: %+v", len(all), all)
	}
	if all[0].Content != "**Build** [#7](https://ci.example/7) failed & *stopped*" {
		t.Errorf("text: %q", all[0].Content)
	}
	for i := range all[:3] {
		if name := all[i].Author.DisplayName; !strings.HasSuffix(name, "CI") || all[i].Author.Kind != "webhook" {
			t.Errorf("message %d is by %+v", i, all[i].Author)
		}
	}
	all[1].says(t, "Deploy 42", "**staging** is up", "Took", "3 min", "[CI](https://ci.example)")
	if strings.Contains(all[1].text(), "old clients") {
		t.Errorf("the fallback stands beside the blocks: %s", all[1].text())
	}
	all[2].says(t, "Look at this", "Disk full", "/var is at **99 %**", "Host", "db-1", "monitor")
	if c := all[2].Embeds; len(c) != 1 || c[0].URL != "https://mon.example/1" || c[0].Color == "" {
		t.Errorf("the attachment: %+v", c)
	}
	all[3].says(t, "A release: **1.2**")
	all[4].says(t, "Notes for **1.2**")
	if replies := p.thread(all[3].ID); len(replies) != 1 || replies[0].Content != "It is **out**" {
		t.Errorf("the thread: %+v", replies)
	}
	p.knows(in, "slack", 6)
	p.stop()
	p.verify()
}

// knows fails the test unless the webhook's log has n accepted calls, all in the
// dialect.
func (p *process) knows(in hook, dialect string, n int) {
	p.t.Helper()
	accepted := 0
	for _, c := range p.callsOf(in.ID) {
		if c.Verdict != "accepted" {
			continue
		}
		accepted++
		if c.Dialect != dialect {
			p.t.Errorf("a call is logged as %s, want %s: %s", c.Dialect, dialect, c.Body)
		}
	}
	if accepted != n {
		p.t.Errorf("%d calls are logged as accepted, want %d", accepted, n)
	}
}

// discordScript posts, reads, edits and deletes with Discord's own client. It reads
// {base, token} of a hub and a webhook.
const discordScript = `
const { WebhookClient, EmbedBuilder } = require("discord.js");
const { base, token } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const client = (token) => new WebhookClient({ id: "incoming", token }, { rest: { api: base + "/api", retries: 0 } });
const refused = async (call) => {
	try { await call(); return "accepted"; } catch (e) { return { status: e.status, code: e.code, message: e.rawError?.message ?? e.message }; }
};
(async () => {
	const hook = client(token);
	const text = await hook.send({ content: "**Build** failed <t:1700000000:R>", username: "CI", avatarURL: "https://a.example/ci.png" });
	const card = await hook.send({ embeds: [
		new EmbedBuilder().setTitle("Disk full").setURL("https://mon.example/1").setDescription("/var is at **99 %**").setColor(0xff0000)
			.addFields({ name: "Host", value: "db-1", inline: true }).setFooter({ text: "monitor" }).setTimestamp(1700000000000),
	] });
	const file = await hook.send({ content: "The log", files: [{ attachment: Buffer.from("line 1\nline 2\n"), name: "build.log", description: "all of it" }] });
	const reply = await hook.send({ content: "It is fixed", threadId: text.id });
	const doomed = await hook.send("soon gone");
	const fetched = await hook.fetchMessage(card.id);
	const edited = await hook.editMessage(text.id, { content: "**Build** is green" });
	const recarded = await hook.editMessage(card.id, { embeds: [new EmbedBuilder().setTitle("Disk fine").setColor(0x00ff00)] });
	const filed = await hook.editMessage(card.id, { files: [{ attachment: Buffer.from("df\n"), name: "df.txt" }] });
	await hook.deleteMessage(doomed.id);
	console.log(JSON.stringify({
		text, card, file, reply, fetched, edited, recarded, filed,
		refused: [
			await refused(() => hook.send({ content: "" })),
			await refused(() => client(token + "x").send("x")),
			await refused(() => hook.fetchMessage("1234567890123456789")),
			await refused(() => hook.editMessage(doomed.id, "x")),
		],
	}));
})().finally(() => process.exit());
`

// TestDiscordClient posts with discord.js.
func TestDiscordClient(t *testing.T) {
	t.Parallel()
	needed(t, "HUB_TEST_NODE_MODULES")
	p := startHub(t)
	general := p.general()
	in := p.incoming(map[string]any{"name": "Discord", "targetChannelId": general})
	type sent struct {
		ID, Content string
		ChannelID   string `json:"channel_id"`
		WebhookID   string `json:"webhook_id"`
		Author      struct{ Username string }
		Edited      string `json:"edited_timestamp"`
		Embeds      []struct {
			Title, Description string
			Color              int
			Fields             []struct{ Name, Value string }
		}
		Attachments []struct {
			Filename, URL string
			Size          int64
		}
	}
	type refusal struct {
		Status, Code int
		Message      string
	}
	var out struct {
		Text, Card, File, Reply, Fetched, Edited, Recarded, Filed sent
		Refused                                                   []refusal
	}
	node(t, discordScript, map[string]string{"base": p.url, "token": in.Token}, &out)
	if want := []refusal{
		{400, 50006, "Cannot send an empty message"},
		{404, 10015, "Unknown Webhook"},
		{404, 10008, "Unknown Message"},
		{404, 10008, "Unknown Message"},
	}; !slices.Equal(out.Refused, want) {
		t.Errorf("refused with %+v", out.Refused)
	}
	if out.Text.Author.Username != "CI" || out.Text.WebhookID == "" || out.Text.Content != "**Build** failed 2023-11-14 22:13 UTC" {
		t.Errorf("the text's answer: %+v", out.Text)
	}
	if c := out.Fetched.Embeds; out.Fetched.ID != out.Card.ID || len(c) != 1 || c[0].Title != "Disk full" || c[0].Color != 0xff0000 ||
		c[0].Description != "/var is at **99 %**" || len(c[0].Fields) != 1 || c[0].Fields[0].Value != "db-1" {
		t.Errorf("the card, fetched: %+v", out.Fetched)
	}
	if a := out.File.Attachments; len(a) != 1 || a[0].Filename != "build.log" || a[0].Size != 14 {
		t.Errorf("the file's answer: %+v", out.File)
	}
	if f := out.Filed; len(f.Attachments) != 1 || f.Attachments[0].Filename != "df.txt" || f.Attachments[0].Size != 3 || len(f.Embeds) != 1 {
		t.Errorf("the answer to an edit that adds a file: %+v", f)
	}
	if out.Edited.ID != out.Text.ID || out.Edited.Content != "**Build** is green" || out.Edited.Edited == "" {
		t.Errorf("the edit's answer: %+v", out.Edited)
	}
	if c := out.Recarded.Embeds; len(c) != 1 || c[0].Title != "Disk fine" || len(c[0].Fields) != 0 {
		t.Errorf("the edited card's answer: %+v", out.Recarded)
	}
	if out.Reply.ChannelID != out.Text.ID {
		t.Errorf("the reply's channel is %s, want the thread %s", out.Reply.ChannelID, out.Text.ID)
	}

	all := p.oldest(general)
	if len(all) != 4 {
		t.Fatalf("%d messages in the channel: %+v", len(all), all)
	}
	if m := all[0]; m.Content != "**Build** is green" || m.Revision != 2 || m.Author.DisplayName != "CI" || m.Author.AvatarURL != "https://a.example/ci.png" {
		t.Errorf("the text: %+v", m)
	}
	if replies := p.thread(all[0].ID); len(replies) != 1 || replies[0].Content != "It is fixed" {
		t.Errorf("the thread: %+v", replies)
	}
	if m := all[1]; len(m.Embeds) != 1 || m.Embeds[0].Title != "Disk fine" || m.Content != "" {
		t.Errorf("the card: %+v", m)
	}
	all[2].says(t, "The log", "all of it")
	if a := all[2].Attachments; len(a) != 1 || a[0].Filename != "build.log" || p.fetch(a[0]) != "line 1\nline 2\n" {
		t.Errorf("the file: %+v", a)
	}
	if !all[3].IsDeleted || all[3].Content != "" {
		t.Errorf("the deleted message: %+v", all[3])
	}
	p.knows(in, "discord", 5)
	p.stop()
	p.verify()
}

// fetch returns what is in a file that is attached to a message.
func (p *process) fetch(a attachment) string {
	p.t.Helper()
	f := result(p.api().Download(p.t.Context(), a.ID)).must(p)
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		p.t.Errorf("the file %s: %v", a.Filename, err)
	}
	return string(content)
}
