package rabbitmq

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/textproto"
	"slices"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/event"
)

// The wire form of an event, which is stable: a program in any language may publish to hookline.events or consume a
// work queue.
//
//	routing key    <source>.<action>        message_id     the event's ID
//	app_id         source                   type           action
//	content_type   the request's, if it has at most 255 bytes; else in hookline-content-type
//	timestamp      receipt, in seconds      delivery_mode  2
//	headers        hookline-time (receipt, unix ms), http-<lower case name> for each request header that is kept
//	body           the request's body, byte for byte
//
// A delivery that was tried before carries the headers below, too. Everything else that a message has is dropped when
// the event is stored again for a retry, as a dead letter or by a replay.
const (
	headerTime        = "hookline-time"
	headerContentType = "hookline-content-type"
	headerHTTP        = "http-"

	headerAttempt    = "hookline-attempt"     // number of the next attempt, from 1; of a dead letter: how many there were
	headerDue        = "hookline-due"         // unix ms: not to be tried earlier
	headerWait       = "hookline-wait"        // ms from the message's storing to hookline-due: clocks can differ
	headerRoute      = "hookline-route"       // whose event it is
	headerReason     = "hookline-reason"      // why the last attempt failed, from a closed list
	headerFirstError = "hookline-first-error" // what the first failed attempt said
	headerLastError  = "hookline-last-error"  // what the last one said
	headerDied       = "hookline-died"        // unix ms: when the route gave up
)

// Limits in bytes. An AMQP short string has at most 255 bytes, and a header frame has to fit into the frame size that
// broker and client agree on, 128 KiB by default: what is longer closes the connection for everybody.
const (
	maxShort   = 255
	maxHeaders = 64 << 10 // of all request headers' names and values; what goes beyond is left out, by name from Z
	maxLong    = 8 << 10  // of a content type and of an error's text; a longer one is cut
)

// toEvents is the message that stores e: to the exchange of all routes, by its key.
func toEvents(e event.Event) (message, error) {
	key := e.Key()
	switch {
	case e.ID == "" || len(e.ID) > maxShort:
		return message{}, fmt.Errorf("%w: its ID has %d bytes, not 1 to %d", broker.ErrRefused, len(e.ID), maxShort)
	case len(key) > maxShort:
		return message{}, fmt.Errorf("%w: its routing key has %d bytes, more than %d", broker.ErrRefused, len(key), maxShort)
	case e.Source == "" || e.Action == "":
		return message{}, fmt.Errorf("%w: source or action is empty", broker.ErrRefused)
	}
	return message{EventsExchange, key, encode(e)}, nil
}

// encode writes e's wire form. ID, source and action have to be within their limits; the rest is made so.
func encode(e event.Event) amqp.Publishing {
	headers := amqp.Table{headerTime: e.Time.UnixMilli()}
	contentType := e.ContentType
	if len(contentType) > maxShort {
		headers[headerContentType] = contentType[:min(len(contentType), maxLong)]
		contentType = ""
	}
	if len(e.Header) > 0 {
		addRequest(headers, e.Header)
	}
	return amqp.Publishing{
		MessageId: e.ID, AppId: e.Source, Type: e.Action,
		ContentType: contentType, Timestamp: e.Time, DeliveryMode: amqp.Persistent,
		Headers: headers, Body: e.Data,
	}
}

// addRequest adds the request headers that are kept, as far as they fit.
func addRequest(headers amqp.Table, request map[string]string) {
	room := maxHeaders
	for _, name := range slices.Sorted(maps.Keys(request)) {
		value := request[name]
		name = headerHTTP + strings.ToLower(name)
		if len(name) > maxShort || len(name)+len(value) > room {
			continue
		}
		room -= len(name) + len(value)
		headers[name] = value
	}
}

// decode reads the event of a message. It never fails: what a foreign publisher left out is taken from the routing
// key, the body's hash and now.
func decode(d amqp.Delivery, now time.Time) event.Event {
	source, action := names(d)
	e := event.Event{
		ID: event.NewID(d.MessageId, d.Body), Source: source, Action: action,
		Time:        timeOf(d, now),
		ContentType: cmp.Or(d.ContentType, text(d.Headers[headerContentType])),
		Data:        d.Body,
	}
	for name, value := range d.Headers {
		if name, ok := strings.CutPrefix(name, headerHTTP); ok && name != "" {
			if e.Header == nil {
				e.Header = map[string]string{}
			}
			e.Header[textproto.CanonicalMIMEHeaderKey(name)] = text(value)
		}
	}
	return e
}

// names makes the source and the action of a message: its own properties, else the words of its routing key. Both are
// made safe.
func names(d amqp.Delivery) (source, action string) {
	words := strings.Split(originalKey(d), ".")
	source = cmp.Or(d.AppId, words[0])
	if event.CheckSource(source) != nil {
		source = event.NewAction(strings.ReplaceAll(source, ".", "_")) // the same alphabet
		source = source[:min(len(source), event.MaxSource)]
	}
	if d.Type != "" {
		return source, event.NewAction(strings.Split(d.Type, ".")...)
	}
	return source, event.NewAction(words[1:]...)
}

// originalKey is the routing key with which a message first came: one that RabbitMQ made a dead letter itself has the
// work queue's name as its key and the first one in its history.
func originalKey(d amqp.Delivery) string {
	for _, death := range slices.Backward(deaths(d)) {
		if keys, ok := death["routing-keys"].([]any); ok && len(keys) > 0 {
			return text(keys[0])
		}
	}
	return d.RoutingKey
}

// deaths is the x-death header: one entry for each queue and reason for which RabbitMQ dead-lettered the message,
// newest first.
func deaths(d amqp.Delivery) []amqp.Table {
	list, _ := d.Headers["x-death"].([]any)
	var tables []amqp.Table
	for _, entry := range list {
		if t, ok := entry.(amqp.Table); ok {
			tables = append(tables, t)
		}
	}
	return tables
}

func timeOf(d amqp.Delivery, now time.Time) time.Time {
	if at, ok := moment(d.Headers[headerTime]); ok {
		return at
	}
	if at, ok := moment(d.Timestamp.UnixMilli()); ok {
		return at
	}
	return now.UTC().Truncate(time.Millisecond)
}

// lastMoment is the end of year 9999, the last that RFC 3339 can write.
const lastMoment = 253402300799999

// moment reads unix milliseconds after 1970.
func moment(v any) (time.Time, bool) {
	ms, ok := number(v)
	if !ok || ms <= 0 || ms > lastMoment {
		return time.Time{}, false
	}
	return time.UnixMilli(ms).UTC(), true
}

// number reads any of AMQP's integers.
func number(v any) (int64, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case int32:
		return int64(n), true
	case int16:
		return int64(n), true
	case int8:
		return int64(n), true
	case int:
		return int64(n), true
	case byte:
		return int64(n), true
	case uint16:
		return int64(n), true
	case uint32:
		return int64(n), true
	case uint64:
		return int64(min(n, math.MaxInt64)), true
	}
	return 0, false
}

// text reads a string, which some clients send as bytes.
func text(v any) string {
	switch s := v.(type) {
	case string:
		return s
	case []byte:
		return string(s)
	}
	return ""
}
