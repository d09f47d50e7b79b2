package hub

import "time"

// DeliveryQuery selects deliveries for a list, newest first. Zero fields do
// not restrict.
type DeliveryQuery struct {
	WebhookID WebhookID
	Status    DeliveryStatus
	Event     string     // event pattern
	Since     time.Time  // event time, included
	Until     time.Time  // event time, excluded
	Before    DeliveryID // deliveries that sort below this one: the next page
	Limit     int
}
