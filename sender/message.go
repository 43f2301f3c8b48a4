package sender

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/hookline/hookline/pkg/event"
)

// Message is one webhook before it is signed and sent.
type Message struct {
	// ID is the message's ID. Only a scheme that signs IDs uses it.
	ID string
	// Header holds the sender's headers, including Content-Type. Sending leaves it unchanged.
	Header http.Header
	Body   []byte
}

// Message returns the sample with an ID and the time, and JSON in compact form. An empty id makes a new ID in the
// sender's style. The same id as before plays a sender's retry.
func (s Sample) Message(id string, now time.Time) Message {
	if id == "" {
		id = newID(s.Preset)
	}
	fill := placeholders(id, now)
	m := Message{ID: id, Header: http.Header{"Content-Type": {"application/" + s.Format}}, Body: []byte(fill.Replace(s.body))}
	for line := range strings.Lines(fill.Replace(s.header)) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			m.Header.Set(name, strings.TrimSpace(value))
		}
	}
	var compact bytes.Buffer
	if s.Format == "json" && json.Compact(&compact, m.Body) == nil {
		m.Body = compact.Bytes()
	}
	return m
}

// placeholders replaces the placeholders of sample files. {{commit}} and {{number}} follow from the ID. They make the bodies of two messages
// differ, also where a header has the ID: a receiver takes a copy of a signed body for a repeat.
func placeholders(id string, now time.Time) *strings.Replacer {
	now = now.UTC()
	digest := sha256.Sum256([]byte(id))
	later := now.AddDate(0, 0, 14) // when a loan is due
	return strings.NewReplacer(
		"{{id}}", id,
		"{{commit}}", hex.EncodeToString(digest[:20]),
		"{{number}}", strconv.FormatUint(1e11+binary.BigEndian.Uint64(digest[:])%9e11, 10),
		"{{time}}", now.Format(event.TimeFormat),
		"{{time_s}}", now.Format(time.RFC3339),
		"{{date}}", now.Format(time.DateOnly),
		"{{unix}}", strconv.FormatInt(now.Unix(), 10),
		"{{millis}}", strconv.FormatInt(now.UnixMilli(), 10),
		"{{later}}", later.Format(event.TimeFormat),
		"{{later_date}}", later.Format(time.DateOnly),
	)
}

// newID returns a new ID in the style of the preset's sender.
func newID(preset string) string {
	random := strings.ReplaceAll(uuid.NewString(), "-", "")
	switch preset {
	case "alma": // 19 digits, which is more than 2^53, like some of Alma's
		return strconv.FormatInt(1e18+rand.Int64N(8e18), 10)
	case "stripe":
		return "evt_" + random[:24]
	case "slack":
		return "Ev" + strings.ToUpper(random[:10])
	case "standard-webhooks":
		return "msg_" + random
	}
	return uuid.NewString()
}
