package egress

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// rawReceiver accepts TCP connections on loopback and hands each to a
// function, which may do anything HTTP does not allow.
type rawReceiver struct {
	address  string
	accepted atomic.Int64
	// stop closes the listener and waits until every connection has ended by
	// itself, which proves that the client closed its side.
	stop func()
}

func receive(t testing.TB, address string, talk func(net.Conn)) *rawReceiver {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	r := &rawReceiver{address: listener.Addr().String()}
	var ended sync.WaitGroup
	ended.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.accepted.Add(1)
			ended.Go(func() {
				defer func() { _ = conn.Close() }()
				talk(conn)
			})
		}
	})
	r.stop = sync.OnceFunc(func() {
		_ = listener.Close()
		finished := make(chan struct{})
		go func() {
			ended.Wait()
			close(finished)
		}()
		select {
		case <-finished:
		case <-time.After(2 * mostTime):
			t.Error("a connection was still open after its request had ended")
		}
	})
	t.Cleanup(r.stop)
	return r
}

func (r *rawReceiver) url() string { return "http://" + r.address + "/hook" }

// readRequest reads one request and drops it.
func readRequest(conn net.Conn) error {
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, request.Body)
	return err
}

// untilClosed returns when the other side has closed the connection.
func untilClosed(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// forever writes text again and again until the other side closes. It returns
// the number of bytes the other side let it write.
func forever(conn net.Conn, text string) int64 {
	chunk := []byte(strings.Repeat(text, 1+32<<10/len(text)))
	var total int64
	for {
		n, err := conn.Write(chunk)
		total += int64(n)
		if err != nil {
			return total
		}
	}
}

// drip writes text again and again, a piece each millisecond, so that no
// timeout between two reads would ever expire.
func drip(conn net.Conn, text string) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
	}
}

// reset closes a connection with RST.
func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// The bounds within which every hostile exchange must end. They are far below
// what the attack would take (for ever) and far above what a busy machine
// needs.
const (
	mostTime   = 10 * time.Second
	mostMemory = 32 << 20
)

// bounded makes one exchange and fails the test when it took too long or
// allocated too much.
func bounded(ctx context.Context, t *testing.T, c *Client, r *Request) Result {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	started := time.Now()
	result := c.Do(ctx, r)
	took := time.Since(started)
	runtime.ReadMemStats(&after)
	if took > mostTime {
		t.Errorf("it took %v", took)
	}
	if grew := after.TotalAlloc - before.TotalAlloc; grew > mostMemory {
		t.Errorf("it allocated %d bytes", grew)
	}
	if (result.Status == 0) != (result.Err != nil) || (result.Err != nil) != (result.Kind != KindNone) {
		t.Errorf("status %d, kind %q and error %v contradict each other", result.Status, result.Kind, result.Err)
	}
	if result.Err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", result.Err, result.Err, errors.Unwrap(result.Err)), "S3CR3T") {
		t.Errorf("the error holds a secret: %#v", result.Err)
	}
	return result
}

// nameServer is a DNS server on loopback. answer returns the addresses of a
// name for the n-th query of its type (from 1); nil: the name does not exist.
type nameServer struct {
	answer func(name string, n int) []netip.Addr
	silent bool

	conn net.PacketConn
	mu   sync.Mutex
	seen map[string]int
}

const (
	typeA    = 1
	typeAAAA = 28
)

func startNameServer(t testing.TB, s *nameServer) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.conn, s.seen = conn, make(map[string]int)
	var serving sync.WaitGroup
	serving.Go(s.serve)
	// The resolver goes on asking after the one who wanted to know has left;
	// the end of the test ends that too.
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		_ = conn.Close()
		serving.Wait()
	})
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		var d net.Dialer
		query, err := d.DialContext(ctx, "udp", conn.LocalAddr().String())
		if err == nil {
			context.AfterFunc(ctx, func() { _ = query.Close() })
		}
		return query, err
	}}
}

func (s *nameServer) serve() {
	buf := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if reply := s.reply(buf[:n]); reply != nil {
			_, _ = s.conn.WriteTo(reply, from)
		}
	}
}

// reply answers one query (RFC 1035 §4).
func (s *nameServer) reply(query []byte) []byte {
	if s.silent || len(query) < 17 {
		return nil
	}
	var labels []string
	at := 12
	for query[at] != 0 {
		size := int(query[at])
		labels = append(labels, string(query[at+1:at+1+size]))
		at += 1 + size
	}
	kind := binary.BigEndian.Uint16(query[at+1:])
	question := query[12 : at+5]
	name := strings.Join(labels, ".")

	s.mu.Lock()
	key := fmt.Sprint(kind, name)
	s.seen[key]++
	addrs := s.answer(name, s.seen[key])
	s.mu.Unlock()

	flags := uint16(0x8180)
	if addrs == nil {
		flags |= 3 // NXDOMAIN
	}
	var records [][]byte
	for _, addr := range addrs {
		if kind == typeA && addr.Is4() || kind == typeAAAA && addr.Is6() {
			record := []byte{0xc0, 12} // the name of the question
			record = binary.BigEndian.AppendUint16(record, kind)
			record = append(record, 0, 1, 0, 0, 0, 0) // IN, TTL 0
			record = binary.BigEndian.AppendUint16(record, uint16(addr.BitLen()/8))
			records = append(records, append(record, addr.AsSlice()...))
		}
	}
	reply := append([]byte{}, query[:2]...)
	reply = binary.BigEndian.AppendUint16(reply, flags)
	reply = append(reply, 0, 1, 0, byte(len(records)), 0, 0, 0, 0)
	reply = append(reply, question...)
	for _, record := range records {
		reply = append(reply, record...)
	}
	return reply
}

func addrs(list ...string) []netip.Addr {
	out := []netip.Addr{}
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}
