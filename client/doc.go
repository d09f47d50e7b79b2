// Package client is the Go client of the hub's REST API: all operations of
// its /openapi.json that ask for an API token, with all their parameters and
// fields. It depends on the standard library only.
//
//	c, err := client.New("https://hub.example", os.Getenv("HUB_TOKEN"))
//	if err != nil {
//		return err
//	}
//	// Tell everything that happens in the chat to a URL …
//	hook, err := c.CreateOutgoingWebhook(ctx, client.OutgoingWebhookFields{
//		Name:   client.Set("orders"),
//		URL:    client.Set("https://shop.example/hub"),
//		Events: client.Set([]string{"message.*", "order.created"}),
//	})
//	if err != nil {
//		return err
//	}
//	keep(hook.Secret) // shown once
//	// … and an event of your own.
//	sent, err := c.Publish(ctx, client.Publication{Event: "order.created", Data: order, Key: order.ID})
//	if err != nil {
//		return err
//	}
//	log.Printf("event %s went to %d webhooks", sent.EventID, sent.Deliveries)
//	for delivery, err := range c.Deliveries(ctx, client.DeliveryQuery{WebhookID: hook.ID, Status: "failed"}) {
//		if err != nil {
//			return err
//		}
//		log.Printf("%s: %s", delivery.ID, delivery.LastError)
//	}
//
// # Time
//
// Every method takes a context, which ends the call, the pauses between its
// repetitions, a list that is being read and a stream. The client sets no other
// limit.
//
// # Lists
//
// Lists are iterators that read page after page as they are ranged over. An
// error is yielded last. [WithLimit] ends a list early, [WithCursor] begins it
// where another one ended, and [Collect] makes a slice of it.
//
// # Changes
//
// A change names the fields to be changed, with [Set] and [Null]; what is not
// named stays. What can be changed has a Version, and with [IfMatch] a change is
// made only to that one.
//
// # Refusals
//
// A refusal is an [*Error], to be found with errors.As; [CodeOf] returns its
// code.
//
// # Repetitions
//
// A call that failed because the hub is busy or away, because the connection
// broke, also in the middle of the answer, or because its first try still runs
// there, is made up to three times more, after growing pauses and never before
// the Retry-After of the refusal, unless that is more than a minute or beyond
// the context's deadline. Only calls that can be repeated without harm are:
// reads, PUT, DELETE, and POST, which carries an Idempotency-Key that the
// client makes, or [IdempotencyKey] gives. Events and messages get none by
// themselves, because each costs the hub a note for a day: set Key to have them
// repeated. A change (PATCH) is repeated only when the hub says it did not begin
// with it (429).
//
// # Streams
//
// [Client.Events] follows what happens, comes back by itself when a connection
// breaks or goes silent, and goes on where it stopped. Keep the Seq of the last
// event to do the same over restarts of your program.
//
// What a receiver of webhooks needs is in package
// [github.com/nself-chat/hub/webhook].
package client
