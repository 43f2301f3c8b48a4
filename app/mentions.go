package app

import (
	"cmp"
	"context"
	"slices"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/pkg/privacy"
)

// Mentions finds and erases the stored events that name a person by a text.
type Mentions struct{ mention privacy.Mention }

// NewMentions returns an error for a text without a letter or a digit. See privacy.Mention for the way in which the text is found.
func NewMentions(text string) (Mentions, error) {
	m, err := privacy.NewMention(text)
	return Mentions{m}, err
}

// MentionPlace is a place with events that name a person.
type MentionPlace struct {
	Route  string
	Role   broker.QueueRole
	Events int
}

// Found counts the events that name a person.
type Found struct {
	Places     []MentionPlace // sorted by route and role
	Total      int
	Unsearched int // further events with compressed or binary bodies
}

// picks reports whether a stored delivery names the person, in its event or in the errors of its attempts.
func (m Mentions) picks(d broker.StoredDelivery) bool {
	return m.mention.In(d.Event) || m.mention.InText(d.FirstError) || m.mention.InText(d.LastError)
}

// Find counts the events. It changes nothing.
func (m Mentions) Find(ctx context.Context, operator Operator) (f Found, err error) {
	places := map[MentionPlace]int{}
	_, err = operator.Erase(ctx, func(d broker.StoredDelivery) bool {
		if m.picks(d) {
			places[MentionPlace{Route: d.Route, Role: d.Role()}]++
			f.Total++
		} else if !privacy.Searchable(d.Event) {
			f.Unsearched++
		}
		return false
	})
	for place, n := range places {
		place.Events = n
		f.Places = append(f.Places, place)
	}
	slices.SortFunc(f.Places, func(a, b MentionPlace) int {
		return cmp.Or(cmp.Compare(a.Route, b.Route), cmp.Compare(a.Role, b.Role))
	})
	return f, err
}

// Erase removes the events for good, and returns their number, also with an error.
func (m Mentions) Erase(ctx context.Context, operator Operator) (int, error) {
	return operator.Erase(ctx, m.picks)
}
