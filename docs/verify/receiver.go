// A receiver of the hub's deliveries: HOOK_SECRET=whsec_… PORT=9000 go run receiver.go
package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/nself-chat/hub/webhook"
)

// handle gets what is verified. A delivery can come twice, with the same e.ID.
func handle(_ context.Context, e webhook.Event) error {
	log.Printf("%s %s", e.ID, e.Event)
	return nil // the answer is 204; after an error 500, and the hub sends it again
}

func main() {
	secrets := strings.Fields(os.Getenv("HOOK_SECRET")) // during a rotation both, with a space between

	// webhook-signature (Standard Webhooks): id, time and body.
	http.Handle("/hook", webhook.Handler(secrets, handle))

	// X-Webhook-Signature: the body alone.
	http.HandleFunc("/nchat", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, webhook.MaxBody))
		if err != nil {
			http.Error(w, "the body could not be read", http.StatusBadRequest)
			return
		}
		if err := webhook.VerifyBody(secrets, r.Header, body); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
