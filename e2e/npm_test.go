package e2e

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// npmScript verifies deliveries with the published receivers. It reads
// [{secret, headers, body}] and prints for each what either of them found.
const npmScript = `
const { Webhook: Standard } = require("standardwebhooks");
const { Webhook: Svix } = require("svix");
const attempt = (verify) => { try { return verify().event; } catch (e) { return "refused: " + e.constructor.name; } };
const all = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(all.map(({ secret, headers, body }) => {
	const options = secret.startsWith("whsec_") ? {} : { format: "raw" };
	return {
		standardwebhooks: attempt(() => new Standard(secret, options).verify(body, headers)),
		svix: attempt(() => new Svix(secret, options).verify(body, headers)),
	};
})));
`

// TestNPM verifies real deliveries with npm's standardwebhooks and svix.
func TestNPM(t *testing.T) {
	t.Parallel()
	modules := os.Getenv("HUB_TEST_NODE_MODULES")
	if modules == "" {
		t.Skip("HUB_TEST_NODE_MODULES is not set: the published npm receivers are not here")
	}
	p, receiver := startHub(t), newSink(t)
	generated := p.webhookTo(receiver, "/generated", []string{"*"}, nil)
	brought := "whsec_" + base64.StdEncoding.EncodeToString([]byte("thirty-two bytes make a good key"))
	p.webhookTo(receiver, "/brought", []string{"*"}, map[string]any{"secret": brought})
	p.webhookTo(receiver, "/plain", []string{"*"}, map[string]any{"secret": "your-secret-key"})
	rotated := p.webhookTo(receiver, "/rotated", []string{"*"}, nil)
	fresh := p.rotateSecret(rotated, time.Hour)
	p.say(p.general(), "Grüße, 世界 😀 <b>&amp;</b> \"quoted\"\n\u2028")

	type input struct {
		Secret  string            `json:"secret"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	}
	type verdict struct{ Standardwebhooks, Svix string }
	var inputs []input
	var want []verdict
	add := func(path, secret, event string, change func(*input)) {
		a := receiver.await(path, 1)[0]
		in := input{secret, map[string]string{}, string(a.Body)}
		for name := range a.Header {
			in.Headers[strings.ToLower(name)] = a.Header.Get(name)
		}
		if change != nil {
			change(&in)
		}
		inputs, want = append(inputs, in), append(want, verdict{event, event})
	}
	const ok, refused = "message.created", "refused: WebhookVerificationError"
	add("/generated", generated.Secret, ok, nil)
	add("/brought", brought, ok, nil)
	add("/plain", "your-secret-key", ok, nil)
	add("/rotated", rotated.Secret, ok, nil)
	add("/rotated", fresh.Secret, ok, nil)
	add("/generated", brought, refused, nil)
	add("/generated", generated.Secret, refused, func(in *input) { in.Body += " " })
	add("/generated", generated.Secret, refused, func(in *input) { in.Headers["webhook-id"] = "another" })
	add("/generated", generated.Secret, refused, func(in *input) { in.Headers["webhook-timestamp"] = "1700000000" })

	text, err := json.Marshal(inputs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "-e", npmScript)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	cmd.Stdin = strings.NewReader(string(text))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, out)
	}
	var got []verdict
	if err := json.Unmarshal(out, &got); err != nil || len(got) != len(want) {
		t.Fatalf("%v: %s", err, out)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("delivery %d: %+v, want %+v", i, got[i], want[i])
		}
	}
}
