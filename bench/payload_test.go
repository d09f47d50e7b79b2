package main

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

func TestPayloadIsJSONOfTheStatedSize(t *testing.T) {
	sent := time.UnixMicro(1769947200000000)
	var event struct {
		Event string
		Data  struct{ BenchSeq, BenchSent int64 }
	}
	if err := json.Unmarshal(appendEvent(nil, eventName, 12345, sent), &event); err != nil {
		t.Fatal(err)
	}
	if event.Event != eventName || event.Data.BenchSeq != 12345 || event.Data.BenchSent != sent.UnixMicro() {
		t.Errorf("%+v", event)
	}
	if n := len(appendData(nil, 12345, sent)); n < 380 || n > 420 {
		t.Errorf("data has %d bytes, want about 400", n)
	}
	if n := len(appendEvent(nil, eventName+".1000", maxSeq, sent)); n > eventSize {
		t.Errorf("event has %d bytes, more than eventSize", n)
	}
	envelope := appendEnvelope(nil, "an-id", 3, sent)
	if !json.Valid(envelope) {
		t.Errorf("not JSON: %s", envelope)
	}
	if m, ok := readMark(envelope); !ok || m != (mark{seq: 3, sent: sent.UnixMicro()}) {
		t.Errorf("mark %+v, %v", m, ok)
	}
}

func FuzzReadMark(f *testing.F) {
	f.Add([]byte(`{"benchSeq":1,"benchSent":2}`))
	f.Add([]byte(`"benchSeq":99999999999999999999,"benchSent":1`))
	f.Add([]byte(`"benchSeq":,"benchSent":`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, ok := readMark(body)
		if !ok {
			return
		}
		if m.seq < 0 || m.seq > maxSeq || m.sent < 0 {
			t.Errorf("%q: mark %+v out of range", body, m)
		}
	})
}

// The vector is that of the Standard Webhooks reference libraries.
func TestStandardSignatureVector(t *testing.T) {
	key, err := standardKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := standardSignature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The vector is that of GitHub's guide "Validating webhook deliveries".
func TestBodySignatureVector(t *testing.T) {
	got := bodySignature("It's a Secret to Everybody", []byte("Hello, World!"))
	if want := "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCheckSignatures(t *testing.T) {
	body := appendEnvelope(nil, "an-id", 0, time.Unix(1, 0))
	key, err := standardKey(floorSecret)
	if err != nil {
		t.Fatal(err)
	}
	signed := func() http.Header {
		h := http.Header{}
		setDeliveryHeaders(h, floorSecret, key, "an-id", time.Unix(1, 0), body)
		return h
	}
	if err := checkSignatures(floorSecret, signed(), body); err != nil {
		t.Errorf("a good one: %v", err)
	}
	rotating := signed()
	rotating.Set(headerStandardSignature, "v1,b3RoZXI= "+rotating.Get(headerStandardSignature))
	if err := checkSignatures(floorSecret, rotating, body); err != nil {
		t.Errorf("a list: %v", err)
	}
	for _, name := range []string{headerSignature, headerStandardSignature, headerStandardID, headerStandardTimestamp} {
		h := signed()
		h.Del(name)
		if checkSignatures(floorSecret, h, body) == nil {
			t.Errorf("without %s it was accepted", name)
		}
	}
	if checkSignatures(floorSecret, signed(), append(body, ' ')) == nil {
		t.Error("a changed body was accepted")
	}
	if checkSignatures("whsec_!", signed(), body) == nil {
		t.Error("a bad secret was accepted")
	}
}
