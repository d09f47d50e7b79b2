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
// [Event.Typed] decodes the data of the event into the struct of its name. The
// steps are also there one by one: [Verify], then [Parse], then [Event.Decode];
// [Verifier.Event] is the first two for programs that read requests in their own
// way. Names and fields that a newer hub sends are no errors.
//
// # Once
//
// The hub delivers at least once. An event that was not answered with a 2xx in
// time comes again, and now and then one comes twice although it was. Every
// repetition, a replay by hand included, carries the same [Event.ID] (also in
// the header webhook-id). A receiver that must act once stores the ids it has
// dealt with, in the same transaction as what it did, and answers a known one
// with success. Repetitions come for as long as the webhook's retries last, and
// replays for as long as the hub keeps its log: by default 30 days, and 90 of
// what failed.
//
// The time in the Standard Webhooks signature only keeps others from sending
// again what they recorded: older requests than [DefaultTolerance] are refused.
// Within that time the stored ids do.
//
// # Loops
//
// A receiver that sends on to a hub what it got passes [Event.Hop] along, in
// the header X-Hub-Hop or as client.Publication.Hop, so that events do not go
// round for ever.
//
// # Signatures
//
// Each request has two signatures. The Standard Webhooks one
// (webhook-signature) covers id, time and body; use it. X-Webhook-Signature
// covers the body only and so cannot tell a new request from an old one that
// somebody recorded; it exists for receivers that were written for it.
//
// The package depends on the standard library only and has no state.
package webhook
