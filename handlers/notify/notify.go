// Package notify sends a message about an event to a person: by text message, else by e-mail, else to a notification URL.
//
// Each event causes one message, by the first service that reaches the recipient. Config.User gives the ID of a person. People looks
// the person up. Config.SMS sends to their phone for text messages; else Config.Email sends to their preferred e-mail
// address, or to the fixed address Email.To, which needs no person. Config.URL gets the message if the ID stands for no person, if the person has neither, or if neither SMS nor Email is configured.
// Without a URL, no message is sent, and the event counts as done.
//
// Duplicates: with Config.Sent, a folder that all workers share, no message is sent twice, even after a crash or when the sender
// repeats the event. A message that was begun without a known end becomes a dead letter that says "maybe sent", for a person
// to decide: `hookline dead replay` sends it. Without Config.Sent, a crash and a repeat of the event send the message again.
// The handler trusts a service that reports a failure: it sends again, even if the service has sent the message. generic:// reports each error so.
package notify

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/jsonbody"
	"github.com/hookline/hookline/pkg/text"
)

// Sender sends one message. An error means that the message was not sent. An error of handler.Permanent means that a repeat cannot
// send it either. An error that wraps errMaybe means that the message may have been sent.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Message is one message to one recipient.
type Message struct {
	// To is a phone number in the form of E.164 or an e-mail address; empty for Config.URL.
	To string
	// Subject is for e-mail, and for services of Config.URL that have a title; empty: no title.
	Subject string
	Text    string
	// Key is the same each time the same event causes the message. It reveals nothing about the event.
	Key string
}

// errMaybe says that a message may have been sent.
var errMaybe = errors.New("maybe sent")

// await runs a send function that ignores contexts. If ctx ends first, send goes on in the background and its result is lost.
// await catches a panic of send: the worker cannot, because send has a goroutine of its own.
func await(ctx context.Context, send func() error) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if value := recover(); value != nil {
				done <- handler.Private(fmt.Errorf("%w: panic while it was sent", errMaybe), fmt.Sprint(value))
			}
		}()
		done <- send()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errMaybe, context.Cause(ctx))
	}
}

type notifier struct {
	people  People // nil: no person is looked up
	user    text.Template
	text    text.Template
	subject text.Template // of e-mail
	title   text.Template // at the URL
	sms     Sender        // nil: not configured, as the two below
	email   Sender
	emailTo string // fixed address; empty: the person's
	url     Sender
	smsName string // the service of sms
	country string
	sent    *sentStore // nil: sent messages are not recorded
	metrics *Metrics
	log     *zap.Logger

	decoding *jsonbody.Budget
}

// Handle sends the event's message. Its errors and log lines name no person.
func (n *notifier) Handle(ctx context.Context, d event.Delivery) error {
	to, m, err := n.compose(ctx, d)
	switch {
	case err != nil:
		return err
	case to.sender == nil:
		n.metrics.count(nobody, resultNone)
		n.log.Info("nobody to notify", zap.String("id", d.Event.ID), zap.String("route", d.Route), zap.String("because", to.because))
		return nil
	case n.sent == nil:
		return n.send(ctx, to, m)
	}
	return n.sendOnce(ctx, to, m)
}

// compose returns the event's recipient and message. The body's values are dropped before the message is sent.
func (n *notifier) compose(ctx context.Context, d event.Delivery) (recipient, Message, error) {
	free, err := n.decoding.Take(ctx, len(d.Event.Data))
	if err != nil {
		return recipient{}, Message{}, err
	}
	defer free()
	data, err := text.Of(d)
	if err != nil {
		return recipient{}, Message{}, handler.Permanent(err)
	}
	to, err := n.recipient(ctx, data)
	if err != nil || to.sender == nil {
		return to, Message{}, err
	}
	m, err := n.message(to, data, d)
	return to, m, handler.Permanent(err)
}

// sendOnce marks the message as begun before it sends it, and as sent afterwards.
func (n *notifier) sendOnce(ctx context.Context, to recipient, m Message) error {
	switch err := n.sent.begin(m.Key); {
	case errors.Is(err, errSent):
		n.metrics.count(to.service, resultRepeat)
		return nil
	case errors.Is(err, errMaybe):
		n.metrics.count(to.service, resultMaybe)
		return maybe(to.service, errors.New("an earlier delivery began to send it and left no result"))
	case err != nil:
		return err
	}
	err := n.send(ctx, to, m)
	if errors.Is(err, errMaybe) && errors.Is(ctx.Err(), context.Canceled) {
		return err // the process stops: the event comes again by itself, so the marker stays
	}
	if err != nil {
		return errors.Join(err, n.sent.forget(m.Key)) // not sent, or a person decides: the next attempt sends
	}
	if err := n.sent.finish(m.Key); err != nil { // the message is sent: an error here must not send it again
		n.log.Error("message sent, but not recorded as sent; a repeat of its event will say maybe sent", zap.String("service", to.service), zap.Error(err))
	}
	return nil
}

func (n *notifier) send(ctx context.Context, to recipient, m Message) error {
	switch err := to.sender.Send(ctx, m); {
	case err == nil:
		n.metrics.count(to.service, resultSent)
		return nil
	case errors.Is(err, errMaybe):
		n.metrics.count(to.service, resultMaybe)
		return maybe(to.service, err)
	default:
		n.metrics.count(to.service, resultFailed)
		return fmt.Errorf("not sent by %s: %w", to.service, err)
	}
}

// maybe makes err permanent, so that a person decides between a second message and perhaps none.
func maybe(service string, err error) error {
	return handler.Permanent(fmt.Errorf("maybe sent by %s: check the log of that service; `hookline dead replay` sends the message, `dead discard` does not: %w", service, err))
}
