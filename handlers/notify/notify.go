// Package notify tells a person that something happened: by text message, else by e-mail, else at a notification URL.
//
// For each event one message is sent, over the first way that there is. Where Config.User names somebody, they are
// looked up in Alma: their phone that is marked for text messages, if Config.SMS says how to reach it; else their
// preferred e-mail address, if Config.Email does. When there is nobody (Alma itself, somebody whom Alma does not know, a
// person without either) or nobody is asked for, the message goes to Config.URL, if there is one. Else nothing is sent,
// which is no error.
//
// What can happen twice: with Config.Sent, a folder that all workers share, nothing is sent twice: not after a crash, not when
// Alma repeats the event. What was begun and not seen to end becomes a dead letter that says "maybe sent", for a person
// to decide: `hookline dead replay` sends it. Without Config.Sent the message is sent again after a crash and when Alma repeats the event.
// A service that says that it has failed, though it has sent, is believed, and generic:// whatever went wrong.
package notify

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/text"
)

// Sender sends one message. An error says that it was not sent: one that handler.Permanent made, that no repeat will send it;
// errMaybe in it, that nobody knows.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Message is what is sent.
type Message struct {
	// To is a phone number in the form of E.164 or an e-mail address; empty where the service knows itself.
	To string
	// Subject is for what has one.
	Subject string
	Text    string
	// Key is the same each time the same event brings the message; it tells nothing of the event.
	Key string
}

// errMaybe says that a message may have been sent.
var errMaybe = errors.New("maybe sent")

// await runs what knows no contexts. When ctx ends first it goes on by itself, and nobody knows how it ends. A panic is caught
// here, since the worker cannot: it is in a goroutine of its own.
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
	people  People // nil: nobody is looked up
	user    text.Template
	text    text.Template
	subject text.Template
	sms     Sender // nil: none, as the two below
	email   Sender
	url     Sender
	smsName string // the service that sms is
	country string
	sent    *sentStore // nil: nothing is remembered
	metrics *Metrics
	log     *zap.Logger
}

// Handle sends the event's message. Its errors and log lines name no person.
func (n *notifier) Handle(ctx context.Context, d event.Delivery) error {
	data, err := text.Of(d)
	if err != nil {
		return handler.Permanent(err)
	}
	to, err := n.recipient(ctx, data)
	if err != nil {
		return err
	}
	if to.sender == nil {
		n.metrics.count(nobody, resultNone)
		n.log.Info("nobody to notify", zap.String("id", d.Event.ID), zap.String("route", d.Route), zap.String("because", to.because))
		return nil
	}
	m, err := n.message(to, data, d)
	if err != nil {
		return handler.Permanent(err)
	}
	if n.sent == nil {
		return n.send(ctx, to, m)
	}
	return n.sendOnce(ctx, to, m)
}

// sendOnce marks the message as begun before it is sent, and as sent after it.
func (n *notifier) sendOnce(ctx context.Context, to recipient, m Message) error {
	switch err := n.sent.begin(m.Key); {
	case errors.Is(err, errSent):
		n.metrics.count(to.service, resultRepeat)
		return nil
	case errors.Is(err, errMaybe):
		n.metrics.count(to.service, resultMaybe)
		return maybe(to.service, errors.New("an earlier delivery began to send it and did not tell how it ended"))
	case err != nil:
		return err
	}
	err := n.send(ctx, to, m)
	if errors.Is(err, errMaybe) && errors.Is(ctx.Err(), context.Canceled) {
		return err // by the stop of the process: the event comes again without anybody's decision, so the mark stays
	}
	if err != nil {
		return errors.Join(err, n.sent.forget(m.Key)) // not sent, or a person decides: in both cases the next time sends
	}
	if err := n.sent.sent(m.Key); err != nil { // it is sent: a failure here must not send it again
		n.log.Error("a message was sent, but that could not be kept; a repeat of its event will say maybe sent", zap.String("service", to.service), zap.Error(err))
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

// maybe makes a dead letter of it: whether a person shall hear it twice or perhaps not at all is not for a program to decide.
func maybe(service string, err error) error {
	return handler.Permanent(fmt.Errorf("maybe sent by %s: look there; `hookline dead replay` sends it, `dead discard` does not: %w", service, err))
}
