// Package webhook is for programs that receive the outgoing webhooks of
// nself-chat hub. It verifies their signatures, decodes their envelope, and
// signs the way the hub does, which makes it easy to test a receiver.
//
// The short way is [Handler]:
//
//	http.Handle("/hook", webhook.Handler(os.Getenv("HOOK_SECRET"),
//		func(ctx context.Context, e webhook.Event) error {
//			...
//		}))
//
// The steps are also there one by one: [Verify], then [Parse], then
// [Event.Decode] into the struct of the event.
//
// The hub delivers at least once. An event that was not answered with a 2xx in
// time comes again, and now and then one comes twice although it was. Every
// repetition, a replay by hand included, carries the same [Event.ID] (also in
// the header webhook-id): a receiver that must act once remembers the ids it
// has dealt with.
//
// Each request has two signatures. The Standard Webhooks one
// (webhook-signature) covers id, time and body; use it. X-Webhook-Signature
// covers the body only and so cannot tell a new request from an old one that
// somebody recorded; it exists for receivers that were written for it.
//
// The package depends on the standard library only and has no state.
package webhook
