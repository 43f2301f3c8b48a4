package notify

import (
	"context"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/text"
)

// unnamed stands for a person who is not looked up.
func unnamed(id string) Person {
	return Person{ID: id, FirstName: "(first name)", LastName: "(last name)", Language: "(language)"}
}

// Preview returns the message of each service that could send it. A person is not looked up: the message has placeholders in place of the
// names, and which service would send it is not known.
func (n *notifier) Preview(ctx context.Context, d event.Delivery) (p handler.Preview, err error) {
	free, err := n.decoding.Take(ctx, len(d.Event.Data))
	if err != nil {
		return p, err
	}
	defer free()
	data, err := text.Of(d)
	if err != nil {
		return p, handler.Permanent(err)
	}
	var person Person
	if n.people != nil {
		id, err := n.personID(data)
		if err != nil {
			return p, err
		}
		person = unnamed(id)
		p.Add("user", id)
		p.Unknown = append(p.Unknown, "the user is not looked up, so the names are placeholders, and the service that reaches the user is not known")
	}
	p.Unknown = append(p.Unknown, "no message is sent")
	for _, to := range n.services(person) {
		m, err := n.message(to, data, d)
		if err != nil {
			return p, handler.Permanent(err)
		}
		p.Add(to.service+" to", m.To)
		p.Add(to.service+" subject", m.Subject)
		p.Add(to.service+" text", m.Text)
	}
	return p, nil
}

// services returns the recipients that recipient chooses from.
func (n *notifier) services(person Person) (all []recipient) {
	if n.sms != nil {
		all = append(all, recipient{sender: n.sms, service: n.smsName, person: person})
	}
	if n.email != nil {
		all = append(all, recipient{sender: n.email, service: serviceEmail, address: n.emailTo, person: person})
	}
	if n.url != nil {
		all = append(all, recipient{sender: n.url, service: serviceURL, person: person})
	}
	return all
}
