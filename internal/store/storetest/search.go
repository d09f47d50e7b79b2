package storetest

import (
	"testing"

	"github.com/nself-chat/hub"
)

func searchTests() []noun {
	return []noun{
		{"search finds words", testSearchWords},
		{"search sees what the viewer sees", testSearchVisible},
	}
}

func testSearchWords(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann := f.user("ann")
	c := f.channel("ops", hub.ChannelPublic, ann.ID)
	deploy := f.post(f.draft(c, ann, "The Deployment of the café is done"))
	both := f.post(f.draft(c, ann, "deployment NEAR done OR undone"))
	hindi := f.post(f.draft(c, ann, "हिन्दी में संदेश"))
	find := func(before hub.MessageID, limit int, terms ...string) []hub.MessageID {
		t.Helper()
		page, err := f.Search(ctx, terms, true, "", true, nil, before, limit)
		f.noError(err)
		return messageIDs(page)
	}
	same(f, "newest first", find("", 10, "deployment"), []hub.MessageID{both.ID, deploy.ID})
	same(f, "a page", find("", 1, "deployment"), []hub.MessageID{both.ID})
	same(f, "the next page", find(both.ID, 1, "deployment"), []hub.MessageID{deploy.ID})
	same(f, "all terms", find("", 10, "done", "cafe"), []hub.MessageID{deploy.ID})
	same(f, "the last one is a prefix", find("", 10, "done", "deploy"), []hub.MessageID{both.ID, deploy.ID})
	whole, err := f.Search(ctx, []string{"done", "deploy"}, false, "", true, nil, "", 10)
	f.noError(err)
	same(f, "unless whole words are asked for", messageIDs(whole), nil)
	same(f, "the others are not", find("", 10, "deploy", "done"), nil)
	same(f, "operators are words", find("", 10, "NEAR"), []hub.MessageID{both.ID})
	same(f, "operators are words", find("", 10, "done", "OR", "undone"), []hub.MessageID{both.ID})
	same(f, "combining marks", find("", 10, "हिन्दी"), []hub.MessageID{hindi.ID})
	same(f, "no terms", find("", 10), nil)
	for _, term := range []string{
		`"`, `"" OR "a`, `content:x`, `-deployment`, `x*`, `(`, `^a`, "a\x00b",
		`'; DROP TABLE nchat_messages; --`, `{a b}:c`,
	} {
		find("", 10, term)
		find("", 10, term, "x")
	}

	both.Content, both.Revision, both.EditedAt = "rewritten", 2, f.tick()
	f.stored(f.EditMessage(ctx, both, nil, ann.ID, "rewritten", nil, nil))
	same(f, "after an edit", find("", 10, "deployment"), []hub.MessageID{deploy.ID})
	same(f, "after an edit", find("", 10, "rewritten"), []hub.MessageID{both.ID})
	f.stored(f.DeleteMessage(ctx, deploy.ID, nil, f.tick(), nil, nil, nil))
	same(f, "after a deletion", find("", 10, "deployment"), nil)
}

func testSearchVisible(t *testing.T, f *fixture) {
	ctx := t.Context()
	ann, bob := f.user("ann"), f.user("bob")
	public, hidden := f.channel("public", hub.ChannelPublic, ann.ID), f.channel("hidden", hub.ChannelPrivate, ann.ID)
	open, secret := f.post(f.draft(public, ann, "words")), f.post(f.draft(hidden, ann, "words"))
	for name, v := range map[string]struct {
		user hub.UserID
		all  bool
		only []hub.ChannelID
		want []hub.MessageID
	}{
		"a member":              {ann.ID, false, nil, []hub.MessageID{secret.ID, open.ID}},
		"no member":             {bob.ID, false, nil, []hub.MessageID{open.ID}},
		"a guest":               {"", false, nil, []hub.MessageID{open.ID}},
		"everything":            {"", true, nil, []hub.MessageID{secret.ID, open.ID}},
		"everything, one place": {"", true, []hub.ChannelID{hidden.ID}, []hub.MessageID{secret.ID}},
		"no member, one place":  {bob.ID, false, []hub.ChannelID{hidden.ID}, nil},
	} {
		page, err := f.Search(ctx, []string{"words"}, true, v.user, v.all, v.only, "", 10)
		f.noError(err)
		same(f, name, messageIDs(page), v.want)
		// The page before the hidden message must not depend on seeing it.
		page, err = f.Search(ctx, []string{"words"}, true, v.user, v.all, v.only, secret.ID, 10)
		f.noError(err)
		for _, m := range page {
			if m.ID == secret.ID {
				t.Errorf("%s: the next page begins with the last one", name)
			}
		}
	}
}
