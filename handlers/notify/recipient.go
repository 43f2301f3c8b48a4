package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/privacy"
	"github.com/hookline/hookline/pkg/text"
)

// recipient is the person or place that gets a message, with the sender that reaches it.
type recipient struct {
	sender  Sender // nil: nobody can be reached
	service string
	address string
	person  Person
	because string // why sender is nil
}

// recipient returns the person of the event, or else the fixed address, or else the notification URL.
func (n *notifier) recipient(ctx context.Context, data map[string]any) (recipient, error) {
	to, err := n.personalRecipient(ctx, data)
	switch {
	case err != nil || to.sender != nil:
	case n.emailTo != "":
		to.sender, to.service, to.address = n.email, serviceEmail, n.emailTo
	case n.url != nil:
		to.sender, to.service = n.url, serviceURL
	}
	return to, err
}

// personalRecipient returns the person of the event, with the first service that reaches them. A person without a phone
// and an e-mail address is no error.
func (n *notifier) personalRecipient(ctx context.Context, data map[string]any) (recipient, error) {
	if n.people == nil {
		return recipient{because: "neither sms nor email is configured"}, nil
	}
	id, err := n.personID(data)
	if err != nil {
		return recipient{}, err
	}
	person, err := n.people.Person(ctx, id)
	switch {
	case errors.Is(err, ErrNoPerson):
		return recipient{because: err.Error()}, nil
	case err != nil:
		return recipient{}, fmt.Errorf("look the user up: %w", err)
	}
	if n.sms != nil {
		if number, ok := phone(person.Phone, n.country); ok {
			return recipient{sender: n.sms, service: n.smsName, address: number, person: person}, nil
		}
	}
	if n.email != nil && n.emailTo == "" && person.Email != "" {
		return recipient{sender: n.email, service: serviceEmail, address: person.Email, person: person}, nil
	}
	return recipient{person: person, because: "the user has no usable phone marked for SMS and no preferred e-mail address"}, nil
}

// personID returns the ID of the event's person.
func (n *notifier) personID(data map[string]any) (string, error) {
	id, err := n.user.Fill(data)
	if err != nil {
		return "", handler.Permanent(err)
	}
	switch id = strings.TrimSpace(id); {
	case id == "":
		return "", handler.Permanent(errors.New("user: the template gives no text for this event; write one that finds the user in it"))
	case privacy.Redacted(id):
		return "", handler.Permanent(errors.New("user: the ID is redacted already; redact in the other routes instead of at the source"))
	}
	return id, nil
}

// message returns the message about the event.
func (n *notifier) message(to recipient, data map[string]any, d event.Delivery) (Message, error) {
	data["user"] = map[string]any{
		"primary_id": to.person.ID, "first_name": to.person.FirstName, "last_name": to.person.LastName, "language": to.person.Language,
	}
	content, err := n.text.Fill(data)
	if err != nil {
		return Message{}, err
	}
	if content = strings.TrimSpace(content); content == "" {
		return Message{}, errors.New("text: the template gives no text for this event")
	}
	m := Message{To: to.address, Text: cut(content), Key: key(d)}
	switch to.service {
	case serviceEmail:
		m.Subject, err = subject(n.subject, data)
	case serviceURL:
		m.Subject, err = subject(n.title, data)
	}
	return m, err
}

// subject returns the text of a template on one line.
func subject(t text.Template, data map[string]any) (string, error) {
	filled, err := t.Fill(data)
	return strings.Join(strings.Fields(filled), " "), err
}

// maxText is the longest text in characters. Twilio and SNS accept that much in one message of several parts.
const maxText = 1600

// cut shortens a text to maxText.
func cut(text string) string {
	if runes := []rune(text); len(runes) > maxText {
		return string(runes[:maxText-1]) + "…"
	}
	return text
}
