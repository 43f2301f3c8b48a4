// Package doctor plays Alma from outside and says what is right and what is wrong with a set-up, and to which line of
// Alma's forms each finding belongs.
package doctor

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/sender"
)

// The lines of Alma's forms. The first four are those of an integration profile of the type Webhooks (Configuration, General,
// External Systems, Integration Profiles), the last one of an API key in the Developer Network (Build My APIs, API Keys).
const (
	LineURL     = "Webhook Listener URL"
	LineActive  = "Activate"
	LineSecret  = "Secret"
	LineMessage = "Message type"
	LineKey     = "API key"
)

// Status is how bad a finding is.
type Status string

// The statuses of a finding.
const (
	OK      Status = "ok"
	Warning Status = "warning" // works, but somebody should look
	Failed  Status = "failed"
)

// Finding is one thing that was looked at.
type Finding struct {
	Status Status `json:"status"`
	// Line is of Alma's form.
	Line string `json:"line"`
	// Text says what was found and, if it is not ok, what to do. It holds no secret.
	Text string `json:"text"`
}

// Webhook is what Alma would be told.
type Webhook struct {
	Target   sender.Target
	Verifier *signature.Verifier
}

const (
	// almaWaits is how long Alma waits for an answer, after which it counts as a 500 and the event is sent again.
	almaWaits = 5 * time.Second
	// slow is what should make somebody look before that happens.
	slow = time.Second
	// clockOff is a difference between clocks that should make somebody look: certificates and logs go by them.
	clockOff = time.Minute
)

// Examine examines a receiver: where it is, the challenge, an event as Alma signs it, two that nobody should take, how long it takes, and
// its clock. The event is of the action "hookline_doctor", so that only routes for everything ("#") do something with it.
func (w Webhook) Examine(ctx context.Context) []Finding {
	found := w.address(ctx)
	challenge, err := sender.Challenge(ctx, w.Target)
	if err != nil {
		return append(found, Finding{Failed, LineActive, fmt.Sprintf("the challenge: %v. Alma would leave the profile at Pending activation", err)})
	}
	found = append(found, Finding{OK, LineActive, "the challenge is answered"})
	signed, more := w.signed(ctx)
	found = append(found, more...)
	found = append(found, w.forged(ctx)...)
	found = append(found, pace(max(challenge.Took, signed.Took)))
	there, _ := http.ParseTime(challenge.Header.Get("Date")) // a proxy may leave it out
	return append(found, clock("the receiver's clock", LineURL, there, time.Now())...)
}

// event is one that no route is there for, in Alma's envelope.
func event() sender.Message {
	id := rand.Text()
	return sender.Message{ID: id, Header: http.Header{"Content-Type": {"application/json"}},
		Body: fmt.Appendf(nil, `{"id":%q,"action":"HOOKLINE_DOCTOR","institution":{"value":"hookline_doctor"},"time":%q}`, id, time.Now().UTC().Format(time.RFC3339))}
}

func (w Webhook) signed(ctx context.Context) (sender.Answer, []Finding) {
	answer, err := sender.Send(ctx, w.Target, event(), w.Verifier)
	switch {
	case err != nil:
		return answer, []Finding{{Failed, LineURL, fmt.Sprintf("a signed event: %v", err)}}
	case answer.Code == http.StatusUnauthorized:
		return answer, []Finding{{Failed, LineSecret, "an event signed with this configuration's secret is answered 401: the receiver has another one, or a proxy changes the body. Alma never repeats what is answered 401"}}
	case answer.Code >= 400 && answer.Code < 500:
		return answer, []Finding{{Failed, LineURL, fmt.Sprintf("a signed event is answered %d: is this the receiver's path? Alma never repeats what is answered so", answer.Code)}}
	case answer.Code < 200 || answer.Code > 299:
		return answer, []Finding{{Failed, LineURL, fmt.Sprintf("a signed event is answered %d instead of 200: see the receiver's log and `hookline health`", answer.Code)}}
	}
	return answer, []Finding{
		{OK, LineSecret, "an event that is signed with this configuration's secret is taken"},
		{OK, LineMessage, "JSON is taken; so is XML, but where, notify and enrich read JSON only: choose JSON"},
	}
}

// wrongSignature is as long as a right one, so that it is compared.
const wrongSignature = "wrong signature, yet of 32 bytes"

// forged sends what must be refused: with a wrong signature, and with none.
func (w Webhook) forged(ctx context.Context) (found []Finding) {
	wrong := event()
	wrong.Header.Set("X-Exl-Signature", base64.StdEncoding.EncodeToString([]byte(wrongSignature)))
	for _, c := range []struct {
		name string
		m    sender.Message
	}{{"a wrong signature", wrong}, {"no signature", event()}} {
		answer, err := sender.Send(ctx, w.Target, c.m, nil)
		switch {
		case err != nil:
			found = append(found, Finding{Failed, LineURL, fmt.Sprintf("an event with %s: %v", c.name, err)})
		case answer.Code >= 200 && answer.Code < 300:
			found = append(found, Finding{Failed, LineSecret, fmt.Sprintf("an event with %s is taken: strangers could send anything. Is a proxy answering?", c.name)})
		default:
			found = append(found, Finding{OK, LineSecret, fmt.Sprintf("an event with %s is refused (%d)", c.name, answer.Code)})
		}
	}
	return found
}

func pace(took time.Duration) Finding {
	text := fmt.Sprintf("the slowest answer took %v of the %v that Alma waits", took.Round(time.Millisecond), almaWaits)
	switch {
	case took >= almaWaits:
		return Finding{Failed, LineURL, text + ": it would send the event again"}
	case took > slow:
		return Finding{Warning, LineURL, text + ": look at the broker, the disk and the network in between"}
	}
	return Finding{OK, LineURL, text}
}

// clock compares the clock over there, if it is known, with the one here.
func clock(whose, line string, there, now time.Time) []Finding {
	if there.IsZero() {
		return nil
	}
	off := now.Sub(there).Round(time.Second)
	if off.Abs() > clockOff {
		return []Finding{{Warning, line, fmt.Sprintf("%s is %v off the clock here: set both by NTP; certificates and logs go by them", whose, off)}}
	}
	return []Finding{{OK, line, fmt.Sprintf("%s and the one here agree within a minute", whose)}}
}
