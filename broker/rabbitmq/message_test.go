package rabbitmq

import (
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

var now = time.UnixMilli(1_800_000_000_456).UTC()

func anEvent() event.Event {
	return event.Event{
		ID: "42", Source: "alma", Action: "loan.loan_created", Time: time.UnixMilli(1_700_000_000_123).UTC(),
		ContentType: "application/json", Header: map[string]string{"X-Github-Event": "push"}, Data: []byte("\x00{}"),
	}
}

// delivered returns m as a queue delivers it.
func delivered(m message) amqp.Delivery {
	return amqp.Delivery{
		Headers: m.Headers, MessageId: m.MessageId, AppId: m.AppId, Type: m.Type, ContentType: m.ContentType,
		Timestamp: m.Timestamp.Truncate(time.Second), Exchange: m.exchange, RoutingKey: m.key, Body: m.Body,
	}
}

func TestAnEventComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*event.Event){
		"plain":             func(*event.Event) {},
		"bare":              func(e *event.Event) { e.Header, e.Data, e.ContentType = nil, nil, "" },
		"long content type": func(e *event.Event) { e.ContentType = strings.Repeat("x", 300) },
		"longest key": func(e *event.Event) {
			e.Source, e.Action = strings.Repeat("s", event.MaxSource), strings.Repeat("a", event.MaxAction)
		},
	} {
		e := anEvent()
		change(&e)
		m, err := newEventMessage(e)
		if err != nil {
			t.Fatal(name, err)
		}
		if m.key != e.Key() || m.exchange != EventsExchange || m.DeliveryMode != amqp.Persistent {
			t.Errorf("%s: %s %s, delivery mode %d", name, m.exchange, m.key, m.DeliveryMode)
		}
		if back := decode(delivered(m), now); !reflect.DeepEqual(back, e) {
			t.Errorf("%s: came back as %+v", name, back)
		}
	}
}

func TestEncodeKeepsTheLimitsOfAMQP(t *testing.T) {
	t.Parallel()
	e := anEvent()
	e.ContentType = strings.Repeat("c", 1<<20)
	e.Header = map[string]string{strings.Repeat("N", 300): "v", "X-Big": strings.Repeat("b", 1<<20), "X-Kept": "yes"}
	for _, c := range "abcdefgh" {
		e.Header["X-"+string(c)] = strings.Repeat("v", 10<<10)
	}
	m, err := newEventMessage(e)
	if err != nil {
		t.Fatal(err)
	}
	checkLimits(t, m.Publishing)
	if m.Headers["http-x-kept"] != "yes" || m.Headers["http-x-a"] == nil {
		t.Error("small headers were left out for large ones")
	}
	for name, change := range map[string]func(*event.Event){
		"ID":     func(e *event.Event) { e.ID = strings.Repeat("i", 256) },
		"no ID":  func(e *event.Event) { e.ID = "" },
		"action": func(e *event.Event) { e.Action = strings.Repeat("a", 255) },
		"none":   func(e *event.Event) { e.Action = "" },
	} {
		e := anEvent()
		change(&e)
		if _, err := newEventMessage(e); !errors.Is(err, broker.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// checkLimits checks that p fits into AMQP's short strings and into one frame.
func checkLimits(t *testing.T, p amqp.Publishing) {
	t.Helper()
	size := 0
	for name, value := range p.Headers {
		if len(name) > 255 {
			t.Errorf("header name of %d bytes", len(name))
		}
		size += len(name) + len(text(value)) + 16
	}
	for _, s := range []string{p.MessageId, p.AppId, p.Type, p.ContentType} {
		if len(s) > 255 {
			t.Errorf("property of %d bytes", len(s))
		}
		size += len(s)
	}
	if size > 120<<10 {
		t.Errorf("headers of %d bytes", size)
	}
}

func TestAQueuedEventComesBackAsItWas(t *testing.T) {
	t.Parallel()
	want := queuedEvent{
		event: anEvent(), attempt: 3, due: now.Add(time.Minute), reason: "timeout", firstError: "first", lastError: "last", died: now,
	}
	if back := readQueuedEvent(delivered(want.message("x", "archive")), now); !reflect.DeepEqual(back, want) {
		t.Errorf("came back as %+v", back)
	}
}

func TestAWrongClockMakesNoDelayLonger(t *testing.T) {
	t.Parallel()
	stored := time.Now()
	const asked = 3 * time.Second
	m := queuedEvent{event: anEvent(), attempt: 2, due: stored.Add(asked).Truncate(time.Millisecond)}.message("x", "archive")
	for behind, atMost := range map[time.Duration]time.Duration{
		time.Hour:   asked, // the clock of the storing process was an hour ahead
		time.Second: asked,
		0:           asked,
		-asked:      0, // the event is due
		-time.Hour:  asked - time.Hour,
	} {
		now := stored.Add(-behind)
		if wait := readQueuedEvent(delivered(m), now).due.Sub(now); wait > atMost+2*time.Millisecond {
			t.Errorf("a clock that is %v behind waits for %v", behind, wait)
		}
	}
}

func TestAMessageOfAForeignPublisherIsDecoded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		d              amqp.Delivery
		source, action string
	}{
		"key only":          {amqp.Delivery{RoutingKey: "alma.loan.Created"}, "alma", "loan.created"},
		"one word":          {amqp.Delivery{RoutingKey: "alma"}, "alma", event.Unreadable},
		"odd key":           {amqp.Delivery{RoutingKey: "A L/M.job end"}, "a_l_m", "job_end"},
		"no key":            {amqp.Delivery{}, event.Unreadable, event.Unreadable},
		"own names":         {amqp.Delivery{RoutingKey: "x.y", AppId: "github", Type: "push"}, "github", "push"},
		"odd own names":     {amqp.Delivery{RoutingKey: "x.y", AppId: "Git.Hub", Type: "Push/1.A"}, "git_hub", "push_1.a"},
		"dead by the queue": {amqp.Delivery{RoutingKey: "hookline.work.r", Headers: crashed("alma.job_end")}, "alma", "job_end"},
	} {
		c.d.Body = []byte("body")
		e := decode(c.d, now)
		if e.Source != c.source || e.Action != c.action || e.ID != event.NewID("", c.d.Body) || !e.Time.Equal(now) {
			t.Errorf("%s: %+v", name, e)
		}
		m, err := newEventMessage(e)
		if err != nil {
			t.Errorf("%s: cannot be stored again: %v", name, err)
		}
		if back := decode(delivered(m), now.Add(time.Hour)); !reflect.DeepEqual(back, e) {
			t.Errorf("%s: is %+v when stored again", name, back)
		}
	}
}

func crashed(key string) amqp.Table {
	return amqp.Table{"x-death": []any{amqp.Table{
		"reason": "delivery_limit", "queue": "hookline.work.r", "time": now, "routing-keys": []any{key},
	}}}
}

func TestADeadLetterOfTheDeliveryLimitIsACrash(t *testing.T) {
	t.Parallel()
	d := readDeadLetter(amqp.Delivery{RoutingKey: "hookline.work.r", Headers: crashed("alma.job_end")}, "r", now.Add(time.Hour))
	if d.Reason != broker.ReasonCrashed || !d.Died.Equal(now) || d.Attempts != 1 || d.Route != "r" {
		t.Errorf("%+v", d)
	}
}

// FuzzDecode: a foreign publisher chooses every part of a message. decode has to read it, and the decoded event has to fit into a
// message.
func FuzzDecode(f *testing.F) {
	f.Add("alma.job_end", "alma", "job_end", "42", "application/json", "hookline-time", "x", int64(5), byte(0), []byte("{}"))
	f.Add("..", "A.B", "..", "\x00", strings.Repeat("c", 300), "hookline-attempt", "\xff", int64(-1), byte(1), []byte{})
	f.Add("x", "", "", "", "", "x-death", "k", int64(1)<<62, byte(5), []byte("b"))
	f.Add("x", "", "", "", "", "http-"+strings.Repeat("n", 250), "v", int64(0), byte(2), []byte("b"))
	f.Fuzz(func(t *testing.T, key, app, kind, id, contentType, name, value string, n int64, shape byte, body []byte) {
		values := []any{
			value, n, []byte(value), int32(n), time.UnixMilli(n), []any{amqp.Table{name: value, "routing-keys": []any{value, n}, "time": n}},
			amqp.Table{name: n}, nil, true, float64(n), uint64(n), byte(n), int16(n),
		}
		headers := amqp.Table{}
		for i, header := range []string{name, headerTime, headerAttempt, headerDue, headerDied, headerReason, "x-death", headerContentType, "http-x"} {
			headers[header] = values[(int(shape)+i)%len(values)]
		}
		d := amqp.Delivery{Headers: maps.Clone(headers), RoutingKey: key, AppId: app, Type: kind, MessageId: id, ContentType: contentType, Timestamp: time.Unix(n, 0), Body: body}
		r := readQueuedEvent(d, now)
		if event.CheckSource(r.event.Source) != nil || r.attempt < 1 || len(r.event.Key()) > event.MaxKey {
			t.Fatalf("read %+v", r)
		}
		readDeadLetter(d, "r", now)
		if _, err := newEventMessage(r.event); err != nil {
			t.Fatal(err)
		}
		again := r.message("x", "r")
		checkLimits(t, again.Publishing)
		if back := readQueuedEvent(delivered(again), now); back.event.ID != r.event.ID || back.event.Key() != r.event.Key() || back.attempt != r.attempt {
			t.Fatalf("read %+v, then %+v", r, back)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	e := event.Event{
		ID: "7", Source: "github", Action: "push", Time: time.UnixMilli(1_700_000_000_123).UTC(), ContentType: "application/json",
		Header: map[string]string{"X-Github-Event": "push", "X-Github-Delivery": "7", "X-Github-Hook-Id": "8"}, Data: make([]byte, 1200),
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := newEventMessage(e); err != nil {
			b.Fatal(err)
		}
	}
}
