package control

import (
	"context"
	"encoding/json"

	"github.com/nself-chat/hub"
	"github.com/nself-chat/hub/internal/secret"
)

// requestStore remembers requests by their Idempotency-Key.
type requestStore interface {
	BeginRequest(ctx context.Context, k hub.Idempotency) (response string, err error)
	FinishRequest(ctx context.Context, owner hub.TokenID, key string, status int, response string) error
	ForgetRequest(ctx context.Context, owner hub.TokenID, key string) error
}

// Answer is what was answered to a request.
type Answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header,omitempty"`
	Body   []byte            `json:"body,omitempty"`
}

// BeginRequest notes that a request is about to be carried out under an
// Idempotency-Key; hash identifies its content. It returns the answer of the
// same request before, nil when this is the first. Then exactly one of
// FinishRequest and ForgetRequest must follow.
func (s *Service) BeginRequest(ctx context.Context, a hub.Actor, key, hash string) (*Answer, error) {
	var errs hub.FieldErrors
	checkKey(&errs, key)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	owner := KeyOwner(a)
	sealed, err := s.Store.BeginRequest(ctx, hub.Idempotency{TokenID: owner, Key: key, RequestHash: hash})
	if err != nil || sealed == "" {
		return nil, err
	}
	text, err := s.Keys.Open(sealed, answerAAD(owner, key))
	if err != nil {
		return nil, hub.Wrap(hub.Internal, err, "The earlier answer cannot be read.")
	}
	out := &Answer{}
	if err := json.Unmarshal([]byte(text.Reveal()), out); err != nil {
		return nil, hub.Wrap(hub.Internal, err, "The earlier answer cannot be read.")
	}
	return out, nil
}

// FinishRequest keeps the answer for repetitions. It may hold secrets that are
// shown once, so it is sealed.
func (s *Service) FinishRequest(ctx context.Context, a hub.Actor, key string, answer Answer) error {
	b, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	owner := KeyOwner(a)
	return s.Store.FinishRequest(context.WithoutCancel(ctx), owner, key, answer.Status, s.Keys.Seal(secret.New(string(b)), answerAAD(owner, key)))
}

// ForgetRequest gives the key of a refused request back.
func (s *Service) ForgetRequest(ctx context.Context, a hub.Actor, key string) error {
	return s.Store.ForgetRequest(context.WithoutCancel(ctx), KeyOwner(a), key)
}

func answerAAD(owner hub.TokenID, key string) string {
	return "nchat_idempotency/" + string(owner) + "/" + key + "/response"
}
