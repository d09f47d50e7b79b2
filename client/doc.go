// Package client is the Go client of the hub's REST API. It depends on the
// standard library only.
//
//	c, err := client.New("https://hub.example", token)
//	...
//	sent, err := c.Publish(ctx, client.Publication{Event: "order.created", Data: order})
//	for delivery, err := range c.Deliveries(ctx, client.DeliveryQuery{Status: "failed"}) {
//		...
//	}
//
// Lists are iterators that read page after page. Refusals are [*Error]. Calls
// that can be repeated without harm are, when the hub is busy or the
// connection breaks: reads, PUT, DELETE, and POST with an Idempotency-Key,
// which the client makes itself except for events and messages.
//
// What a receiver of webhooks needs is in package webhook.
package client
