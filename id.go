package hub

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"sync"
	"time"
)

// Identifiers of the hub's nouns: UUIDv7 in canonical text form
// (RFC 9562 §5.7). Distinct types keep one noun's id from standing in for
// another's.
type (
	// UserID identifies a User.
	UserID string
	// ChannelID identifies a Channel.
	ChannelID string
	// MessageID identifies a Message. The id of a thread is that of its root message.
	MessageID string
	// FileID identifies an Attachment.
	FileID string
	// EventID identifies an Event.
	EventID string
	// WebhookID identifies an OutgoingWebhook, and thereby a lane.
	WebhookID string
	// IncomingID identifies an IncomingWebhook.
	IncomingID string
	// DeliveryID identifies a Delivery; receivers see it as webhook-id.
	DeliveryID string
	// TokenID identifies an APIToken.
	TokenID string
	// SessionID identifies a Session.
	SessionID string
	// CallID identifies a Call of an incoming webhook.
	CallID string
)

// IDs makes UUIDv7 values that sort in the order they were made, also within
// one millisecond and after the clock stepped back. The zero value is ready;
// it is safe for concurrent use.
type IDs struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Rand fills its argument with random bytes; nil means crypto/rand.
	Rand func([]byte)

	mu   sync.Mutex
	last uint64 // milliseconds << 12 | counter of the id made last
	slot uint64 // the counter's value modulo slots
}

// slots is the number of processes that may make ids for one database at a
// time without two of them sharing their first 64 bits.
const slots = 16

// SetSlot gives the ids that follow a residue of their own, 0 to 15, so that
// none of them shares time and counter with one of another process.
func (g *IDs) SetSlot(slot int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.slot = uint64(slot) % slots //nolint:gosec // from 0 to 15
}

// New returns a fresh id in canonical text form.
func (g *IDs) New() string {
	now := time.Now
	if g.Now != nil {
		now = g.Now
	}
	var u [16]byte
	if g.Rand != nil {
		g.Rand(u[8:])
	} else {
		_, _ = rand.Read(u[8:]) // never fails (crypto/rand since Go 1.24)
	}
	tick := uint64(now().UnixMilli()) << 12
	g.mu.Lock()
	tick += g.slot
	if tick <= g.last { // same millisecond, or a clock that stepped back
		tick = g.last + slots - (g.last-g.slot)%slots
	}
	g.last = tick
	g.mu.Unlock()
	putTime(&u, tick>>12)
	u[6] = 0x70 | byte(tick>>8)&0x0f
	u[7] = byte(tick)
	u[8] = 0x80 | u[8]&0x3f
	return formatUUID(&u)
}

// Seed makes the ids that follow sort above id, as after a restart with a clock
// that stepped back. Anything but a UUIDv7 is ignored.
func (g *IDs) Seed(id string) {
	if !ValidID(id) {
		return
	}
	counter, err := strconv.ParseUint(id[15:18], 16, 64)
	if err != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = max(g.last, uint64(IDTime(id).UnixMilli())<<12|counter)
}

// DeliveryIDFor returns the id of the delivery of an event to a webhook: the
// event's time and counter, and a hash of the pair. A second fan-out of the
// same event therefore collides with the first on the primary key, deliveries
// sort as their events do, and those of one event lie side by side.
func DeliveryIDFor(event EventID, webhook WebhookID) DeliveryID {
	var buf [80]byte
	sum := sha256.Sum256(append(append(buf[:0], event...), webhook...))
	var u [16]byte
	copy(u[8:], sum[:])
	u[8] = 0x80 | u[8]&0x3f
	id := []byte(formatUUID(&u))
	copy(id[:timePrefix], event)
	return DeliveryID(id)
}

// timePrefix is the length of the part of a UUIDv7's text that carries the
// time and the counter: "0190b3c8-7c4e-7a12".
const timePrefix = 18

// DeliveryRange returns the ends, included, of the ids that deliveries of an
// event can have. Events made by one IDs never share a range.
func DeliveryRange(event EventID) (low, high DeliveryID) {
	if len(event) < timePrefix {
		return "", ""
	}
	return DeliveryID(event[:timePrefix]) + "-0000-000000000000", DeliveryID(event[:timePrefix]) + "-ffff-ffffffffffff"
}

// IDTime returns the millisecond that a UUIDv7 carries, and the zero Unix
// time for anything else.
func IDTime(id string) time.Time {
	if len(id) < 13 || id[8] != '-' {
		return time.UnixMilli(0).UTC()
	}
	var b [8]byte
	if _, err := hex.Decode(b[2:6], []byte(id[:8])); err != nil {
		return time.UnixMilli(0).UTC()
	}
	if _, err := hex.Decode(b[6:8], []byte(id[9:13])); err != nil {
		return time.UnixMilli(0).UTC()
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b[:]))).UTC()
}

// FirstID returns the smallest UUIDv7 text of t's millisecond: what was made
// before t sorts below it. Before 1970 it is the smallest of all.
func FirstID(t time.Time) string {
	var u [16]byte
	putTime(&u, uint64(max(t.UnixMilli(), 0)))
	return formatUUID(&u)
}

// ValidID reports whether s is a UUID in canonical lower-case text form.
func ValidID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}

func putTime(u *[16]byte, ms uint64) {
	u[0], u[1], u[2] = byte(ms>>40), byte(ms>>32), byte(ms>>24)
	u[3], u[4], u[5] = byte(ms>>16), byte(ms>>8), byte(ms)
}

func formatUUID(u *[16]byte) string {
	var out [36]byte
	hex.Encode(out[0:8], u[0:4])
	hex.Encode(out[9:13], u[4:6])
	hex.Encode(out[14:18], u[6:8])
	hex.Encode(out[19:23], u[8:10])
	hex.Encode(out[24:36], u[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}
