package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// Kind says how an exchange failed. The list is closed; it is stored and shown,
// so the words stay.
type Kind string

// The kinds.
const (
	// KindNone: there is a response; its status says the rest.
	KindNone Kind = ""
	// KindInvalid: no request could be made of the URL, method or headers.
	KindInvalid Kind = "invalid"
	// KindRefused: the policy does not admit the address. Nothing was sent.
	KindRefused Kind = "refused"
	// KindDNS: the host name could not be resolved. Nothing was sent.
	KindDNS Kind = "dns"
	// KindConnect: no TCP connection. Nothing was sent.
	KindConnect Kind = "connect"
	// KindTLS: no trusted TLS connection. No request was sent.
	KindTLS Kind = "tls"
	// KindTimeout: the time for the whole exchange was up before the response
	// headers were complete. The receiver may have the request.
	KindTimeout Kind = "timeout"
	// KindReset: the connection broke before the response headers were
	// complete. The receiver may have the request.
	KindReset Kind = "reset"
	// KindProtocol: what came back is not an HTTP response.
	KindProtocol Kind = "protocol"
	// KindHeaderTooLarge: the response headers, informational (1xx) responses
	// included, are over Options.MaxHeader.
	KindHeaderTooLarge Kind = "too_large_header"
	// KindLocal: this machine ran out of sockets, ports or memory. It says
	// nothing about the receiver.
	KindLocal Kind = "local"
	// KindCanceled: the caller's context ended first. It says nothing about the
	// receiver, which may have the request.
	KindCanceled Kind = "canceled"
)

// Error is why there is no response. Its text is fit to be shown to the owner
// of the URL: it holds the host and addresses, never path, query, user
// information, headers or anything the receiver sent besides the names in its
// certificate.
type Error struct {
	Kind Kind
	// Host is the host, with port if given, of the URL; "" if that is unreadable.
	Host string
	// Rule and Addr are set with KindRefused. Addr is invalid when a URL was
	// refused for its scheme alone.
	Rule Rule
	Addr netip.Addr

	text  string
	cause error // a context error, or nil
}

// Error returns the host and what happened, in one or two sentences.
func (e *Error) Error() string {
	if e.Host == "" {
		return e.text
	}
	return e.Host + ": " + e.text
}

// Detail returns what happened without the host.
func (e *Error) Detail() string { return e.text }

// Unwrap returns the context's error for KindTimeout and KindCanceled, else
// nil: the errors of the network libraries may repeat what must not be shown.
func (e *Error) Unwrap() error { return e.cause }

// What the hub finds wrong itself, before or instead of net/http. They are copied
// before a host is put in.
var (
	errHeaderTooLarge = &Error{Kind: KindHeaderTooLarge, text: "The response headers are too large."}
	errInvalidHeader  = &Error{Kind: KindInvalid, text: "A header has a name or value that HTTP does not allow."}
	errNotHTTP        = &Error{Kind: KindProtocol, text: "The answer is not an HTTP response."}
	errInvalidMethod  = &Error{Kind: KindInvalid, text: "The method is not one that HTTP allows."}
)

// errTimeUp is the cause with which an exchange that ran out of time is canceled.
var errTimeUp = errors.New("egress: time is up")

// The texts by which net/http reports what it has no type for. TestHostile,
// TestHostileHTTP2 and TestBadTLS fail when a new Go release words them
// differently.
const (
	textHeaderTooLarge1 = "server response headers exceeded"
	textHeaderTooLarge2 = "response header list larger than advertised limit"
	textHeaderTooLarge3 = "header list too large"
	textTLSTimeout      = "TLS handshake timeout"
	textInvalidHeader   = "net/http: invalid header"
	textInvalidMethod   = "net/http: invalid method"
	textMalformed       = "malformed"
	textHTTP2           = "http2:"
	textStream          = "stream error:"
	textConnection      = "connection error:"
	textProtocol        = "PROTOCOL_ERROR"
	textFromPeer        = "received from peer"
	textHTTPToHTTPS     = "server gave HTTP response to HTTPS client"
)

// stage is how far an exchange came, for the wording and the kind of its failure.
type stage struct {
	connected bool // a connection was obtained
	secure    bool // https
	limit     time.Duration
	connect   time.Duration
	caller    context.Context
	ended     error // the cause the exchange's own context ended with, or nil
}

// explain turns an error of the transport into one that can be shown.
func explain(err error, s stage) *Error {
	if refusal, ok := errors.AsType[*Error](err); ok {
		known := *refusal // the dialer's value may be shared
		return &known
	}
	if s.ended != nil {
		return explainEnd(s)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return explainDial(op, s)
	}
	if text, ok := tlsProblem(err, s); ok {
		return &Error{Kind: KindTLS, text: text}
	}
	return explainExchange(err)
}

func explainEnd(s stage) *Error {
	if !errors.Is(s.ended, errTimeUp) {
		return &Error{Kind: KindCanceled, text: "The request was given up.", cause: s.caller.Err()}
	}
	waited := "no response"
	if !s.connected {
		waited = "no connection"
	}
	return &Error{
		Kind: KindTimeout, cause: context.DeadlineExceeded,
		text: fmt.Sprintf("There was %s within %v.", waited, s.limit),
	}
}

func explainDial(op *net.OpError, s stage) *Error {
	if name, ok := errors.AsType[*net.DNSError](op); ok {
		text := "The host name cannot be resolved: the DNS server failed."
		switch {
		case name.IsNotFound:
			text = "The host name does not exist."
		case name.IsTimeout:
			text = "The host name cannot be resolved: the DNS server does not answer."
		}
		return &Error{Kind: KindDNS, text: text}
	}
	to := "the host"
	if op.Addr != nil {
		to = op.Addr.String()
	}
	errno, isErrno := errors.AsType[syscall.Errno](op)
	switch {
	case isErrno && isLocal(errno):
		return &Error{Kind: KindLocal, text: "The hub cannot open a connection: " + errno.Error() + "."}
	case isErrno:
		return &Error{Kind: KindConnect, text: "Connecting to " + to + " failed: " + errno.Error() + "."}
	case op.Timeout() || errors.Is(op, os.ErrDeadlineExceeded):
		return &Error{Kind: KindConnect, text: fmt.Sprintf("Connecting to %s took longer than %v.", to, s.connect)}
	}
	return &Error{Kind: KindConnect, text: "Connecting to " + to + " failed."}
}

// isLocal reports whether a failed connect is this machine's own lack.
func isLocal(errno syscall.Errno) bool {
	switch errno {
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL, syscall.EAGAIN:
		return true
	}
	return false
}

// tlsProblem words a failure to set up TLS.
func tlsProblem(err error, s stage) (string, bool) {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || strings.Contains(err.Error(), textHTTPToHTTPS) {
		return "The host does not speak TLS on this port.", true
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "The host's certificate is not valid: " + certificateProblem(bad.Err) + ".", true
	}
	if !s.secure || s.connected {
		return "", false
	}
	// The TCP connection stood and the exchange did not begin: only the
	// handshake lies between.
	if strings.Contains(err.Error(), textTLSTimeout) {
		return fmt.Sprintf("The TLS handshake took longer than %v.", s.connect), true
	}
	if isBroken(err) {
		return "The host closed the connection during the TLS handshake.", true
	}
	return "The TLS handshake failed: " + printable(strings.TrimPrefix(err.Error(), "tls: ")) + ".", true
}

// certificateProblem words why a certificate is refused. The names in it are
// the receiver's choice, hence printable.
func certificateProblem(err error) string {
	if host, ok := errors.AsType[x509.HostnameError](err); ok && host.Certificate != nil {
		return "it is for " + printable(strings.Join(host.Certificate.DNSNames, ", ")) + ", not for this host"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "signed by an unknown authority"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "expired or not yet valid"
	}
	return printable(strings.TrimPrefix(err.Error(), "x509: "))
}

func explainExchange(err error) *Error {
	text := err.Error()
	switch {
	case strings.Contains(text, textHeaderTooLarge1), strings.Contains(text, textHeaderTooLarge2),
		strings.Contains(text, textHeaderTooLarge3):
		return &Error{Kind: errHeaderTooLarge.Kind, text: errHeaderTooLarge.text}
	case strings.HasPrefix(text, textInvalidHeader):
		return &Error{Kind: errInvalidHeader.Kind, text: errInvalidHeader.text}
	case strings.HasPrefix(text, textInvalidMethod):
		return &Error{Kind: errInvalidMethod.Kind, text: errInvalidMethod.text}
	case strings.Contains(text, textMalformed), strings.Contains(text, textProtocol) && !strings.Contains(text, textFromPeer):
		return &Error{Kind: errNotHTTP.Kind, text: errNotHTTP.text}
	case isBroken(err):
		return &Error{Kind: KindReset, text: "The host closed the connection before it had answered."}
	case strings.Contains(text, textHTTP2), strings.Contains(text, textStream), strings.Contains(text, textConnection):
		return &Error{Kind: KindReset, text: "The host ended the HTTP/2 stream before it had answered."}
	}
	return &Error{Kind: KindProtocol, text: "The answer is not a usable HTTP response."}
}

// isBroken reports whether err says that the other side went away.
func isBroken(err error) bool {
	for _, end := range []error{
		io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed,
		syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH,
	} {
		if errors.Is(err, end) {
			return true
		}
	}
	return strings.Contains(err.Error(), "server closed idle connection")
}

// printable keeps at most 120 bytes of text from outside, without control
// characters or invalid UTF-8.
func printable(s string) string {
	const most = 120
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s[:min(len(s), 4*most)])
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
