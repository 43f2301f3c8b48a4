package load

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"
	"time"

	"github.com/hookline/hookline/test/bench/stamp"
)

// message is one signed request in its wire form. It is made once. For each event only ID and signature are
// replaced, so that the cost of the sender does not affect the measurement.
type message struct {
	wire      []byte
	id        []byte // part of wire
	signature []byte // part of wire; empty: not signed anew
	body      []byte // part of wire
	mac       hash.Hash
	sum       []byte
}

const noSignature = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

// newMessage returns a job_end event of Alma with size bytes at least.
func newMessage(cfg Config) *message {
	const before, after = `{"id":"`, `","action":"JOB_END","institution":{"value":"01X","desc":"Library"},"time":"2025-02-08T10:00:00.000Z",` +
		`"job_instance":{"name":"`
	const end = `","status":{"value":"COMPLETED_SUCCESS"}}}`
	id := strings.Repeat("0", stamp.IDLength)
	pad := max(0, cfg.Size-len(before)-len(id)-len(after)-len(end))
	body := before + id + after + strings.Repeat("x", pad) + end
	length := len(body)
	if cfg.Kind == Oversized {
		length = 1 << 30
	}
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load\r\nContent-Type: application/json\r\nX-Exl-Signature: %s\r\nContent-Length: %d\r\n\r\n",
		cfg.Path, noSignature, length)
	wire := []byte(head + body)
	at := func(start, length int) []byte { return wire[start : start+length] }
	m := &message{wire: wire, body: wire[len(head):], id: at(len(head)+len(before), len(id))}
	if cfg.Kind == Good {
		m.signature = at(bytes.Index(wire, []byte(noSignature)), len(noSignature))
		m.mac = hmac.New(sha256.New, []byte(cfg.Secret))
	}
	return m
}

// become makes it the event with that number and due time.
func (m *message) become(number uint64, due time.Time) {
	stamp.PutID(m.id, number, due)
	if m.signature == nil {
		return
	}
	m.mac.Reset()
	m.mac.Write(m.body)
	m.sum = m.mac.Sum(m.sum[:0])
	base64.StdEncoding.Encode(m.signature, m.sum)
}
