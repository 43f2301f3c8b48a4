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

// message is a message and the exchange and routing key that it is published with.
type message struct {
	exchange, key string
	amqp.Publishing
}

// messageKey identifies a returned message.
type messageKey struct{ exchange, routingKey, id string }

func (m *message) messageKey() messageKey { return messageKey{m.exchange, m.key, m.MessageId} }

// The wire form of an event. It is stable: a program in any language may publish to hookline.events or consume a work queue.
//
//	routing key    <source>.<action>        message_id     the event's ID
//	app_id         source                   type           action
//	content_type   of the request, if it has at most 255 bytes; else in hookline-content-type
//	timestamp      receipt, in seconds      delivery_mode  2
//	headers        hookline-time (receipt, unix ms), http-<lower case name> for each kept request header
//	body           of the request, byte for byte
//
// A delivery with failed attempts carries the headers below, too. All other properties and headers are dropped when the
// event is stored again for a retry, as a dead letter or by a replay.
const (
	headerTime        = "hookline-time"
	headerContentType = "hookline-content-type"
	headerHTTP        = "http-"

	headerAttempt    = "hookline-attempt"     // number of the next attempt, from 1; of a dead letter: how many attempts there were
	headerDue        = "hookline-due"         // unix ms: no attempt earlier
	headerWait       = "hookline-wait"        // ms from the message's storing to hookline-due: clocks can differ
	headerRoute      = "hookline-route"       // the event's route
	headerReason     = "hookline-reason"      // why the last attempt failed, from a closed list
	headerFirstError = "hookline-first-error" // of the first failed attempt
	headerLastError  = "hookline-last-error"  // of the last failed attempt
	headerDied       = "hookline-died"        // unix ms: when the route gave up
)

// Limits in bytes. An AMQP short string has at most 255 bytes. A header frame has to fit into the frame size that RabbitMQ and
// client agree on, 128 KiB by default. A longer one closes the connection, with all its publishes.
const (
	maxShort   = 255
	maxHeaders = 64 << 10 // of all request headers' names and values; beyond it, the alphabetically last headers are left out
	maxLong    = 8 << 10  // of a content type and of an error's text; a longer one is cut
)

// newEventMessage returns the message that stores e for all matching routes.
func newEventMessage(e event.Event) (message, error) {
	key := e.Key()
	switch {
	case e.ID == "" || len(e.ID) > maxShort:
		return message{}, fmt.Errorf("%w: its ID has %d bytes, not 1 to %d", broker.ErrRejected, len(e.ID), maxShort)
	case len(key) > maxShort:
		return message{}, fmt.Errorf("%w: its routing key has %d bytes, more than %d", broker.ErrRejected, len(key), maxShort)
	case e.Source == "" || e.Action == "":
		return message{}, fmt.Errorf("%w: source or action is empty", broker.ErrRejected)
	}
	return message{EventsExchange, key, encode(e)}, nil
}

// encode writes the wire form of e. The caller has to check the limits of ID, source and action; encode enforces the other limits.
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

// addRequest adds the kept request headers, up to maxHeaders.
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

// decode reads the event of a message. It never fails: source and action that a foreign publisher left out come from the routing
// key, the ID from the body's hash, and the time is now.
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

// names returns the source and the action of a message: its properties, else the words of its routing key. It replaces
// the characters that are not allowed.
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

// originalKey returns the first routing key of a message. A message that RabbitMQ itself dead-lettered has the work queue's
// name as its routing key, and its first key in the x-death header.
func originalKey(d amqp.Delivery) string {
	for _, death := range slices.Backward(deaths(d)) {
		if keys, ok := death["routing-keys"].([]any); ok && len(keys) > 0 {
			return text(keys[0])
		}
	}
	return d.RoutingKey
}

// deaths returns the x-death header: an entry for each queue and reason for which RabbitMQ dead-lettered the message,
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

// lastMoment is the end of the year 9999 in unix milliseconds, the last year that RFC 3339 can write.
const lastMoment = 253402300799999

// moment reads a time after 1970 from unix milliseconds.
func moment(v any) (time.Time, bool) {
	ms, ok := number(v)
	if !ok || ms <= 0 || ms > lastMoment {
		return time.Time{}, false
	}
	return time.UnixMilli(ms).UTC(), true
}

// number reads an integer of any AMQP type.
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

// text reads a string. Some clients send strings as bytes.
func text(v any) string {
	switch s := v.(type) {
	case string:
		return s
	case []byte:
		return string(s)
	}
	return ""
}
