package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/privacy"
)

// way is how a message gets to whom it is for.
type way struct {
	sender  Sender // nil: there is none
	service string
	address string
	user    alma.User
	because string // why nobody was found
}

// way finds the first way that there is.
func (n *notifier) way(ctx context.Context, data map[string]any) (way, error) {
	to, err := n.person(ctx, data)
	if err == nil && to.sender == nil && n.url != nil {
		to.sender, to.service = n.url, serviceURL
	}
	return to, err
}

// person finds a way to the person that the event is about. That there is none is no error.
func (n *notifier) person(ctx context.Context, data map[string]any) (way, error) {
	if n.people == nil {
		return way{because: "neither sms nor email is configured"}, nil
	}
	id, err := n.user.Fill(data)
	if err != nil {
		return way{}, handler.Permanent(err)
	}
	switch id = strings.TrimSpace(id); {
	case id == "":
		return way{}, handler.Permanent(errors.New("user: the template made nothing of this event; write one that finds the user in it"))
	case privacy.Redacted(id):
		return way{}, handler.Permanent(errors.New("user: the ID was redacted before it came here; redact before the handlers that may not see it instead"))
	case alma.IsSystem(id):
		return way{because: "it was Alma itself"}, nil
	}
	user, err := n.people.User(ctx, id)
	var used *alma.QuotaError
	switch {
	case errors.Is(err, alma.ErrNotFound), errors.Is(err, alma.ErrNoID):
		return way{because: "Alma does not know the user"}, nil
	case errors.As(err, &used):
		return way{}, handler.RetryAfter(used.Wait(), fmt.Errorf("look the user up: %w", err))
	case err != nil:
		return way{}, fmt.Errorf("look the user up: %w", err)
	}
	if n.sms != nil {
		if number, ok := phone(user.SMS(), n.country); ok {
			return way{sender: n.sms, service: n.smsName, address: number, user: user}, nil
		}
	}
	if n.email != nil && user.Email() != "" {
		return way{sender: n.email, service: serviceEmail, address: user.Email(), user: user}, nil
	}
	return way{user: user, because: "the user has no phone marked for SMS and no preferred e-mail address that can be used here"}, nil
}

// message is what goes this way for the event.
func (n *notifier) message(to way, data map[string]any, d event.Delivery) (Message, error) {
	data["user"] = map[string]any{
		"primary_id": to.user.PrimaryID, "first_name": to.user.FirstName, "last_name": to.user.LastName, "language": to.user.Language.Value,
	}
	said, err := n.text.Fill(data)
	if err != nil {
		return Message{}, err
	}
	if said = strings.TrimSpace(said); said == "" {
		return Message{}, errors.New("text: the template made nothing of this event")
	}
	m := Message{To: to.address, Text: cut(said), Key: key(d)}
	if to.service == serviceEmail {
		subject, err := n.subject.Fill(data)
		if err != nil {
			return Message{}, err
		}
		m.Subject = strings.Join(strings.Fields(subject), " ") // one line
	}
	return m, nil
}

// maxText is the longest text in characters: what Twilio and SNS take in one message of several parts.
const maxText = 1600

// cut shortens a text that is too long.
func cut(text string) string {
	if runes := []rune(text); len(runes) > maxText {
		return string(runes[:maxText-1]) + "…"
	}
	return text
}
