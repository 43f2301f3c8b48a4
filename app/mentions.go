package app

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/handlers/file"
	"github.com/hookline/hookline/pkg/privacy"
)

// Mentions finds and erases the stored events and the exported files that name a person by a text.
type Mentions struct {
	mention  privacy.Mention
	operator Operator
	exports  exports
}

// NewMentions returns an error for a text without a letter or a digit. See privacy.Mention for the way in which the text is found.
func NewMentions(text string) (Mentions, error) {
	m, err := privacy.NewMention(text)
	return Mentions{mention: m}, err
}

// On returns the mentions on a broker, and in the files of the routes of a configuration.
func (m Mentions) On(c *config.Config, operator Operator) Mentions {
	m.operator, m.exports = operator, newExports(c)
	return m
}

// MentionPlace is a place with events that name a person.
type MentionPlace struct {
	Route  string           `json:"route"`
	Role   broker.QueueRole `json:"role"`
	Events int              `json:"events"`
}

// Found counts the events and files that name a person.
type Found struct {
	Places []MentionPlace `json:"places"` // sorted by route and role
	Events int            `json:"events"` // in all places
	// Unsearched counts further events with compressed or binary bodies.
	Unsearched int            `json:"unsearched"`
	Files      []ExportedFile `json:"files"` // sorted by name
	// UnsearchedFiles are further files of that kind.
	UnsearchedFiles int `json:"unsearched_files"`
	// NotSearched are the places that can have copies of events out of reach.
	NotSearched []NotSearched `json:"not_searched"`
}

// Total is the number of events and files.
func (f Found) Total() int { return f.Events + len(f.Files) }

// picks reports whether a stored delivery names the person, in its event or in the errors of its attempts.
func (m Mentions) picks(d broker.StoredDelivery) bool {
	return m.mention.In(d.Event) || m.mention.InText(d.FirstError) || m.mention.InText(d.LastError)
}

// Find counts the events and files. It changes nothing. With an error the counts are of the places that could be searched.
func (m Mentions) Find(ctx context.Context) (Found, error) {
	f := Found{Places: []MentionPlace{}, Files: []ExportedFile{}, NotSearched: []NotSearched{}} // not nil, which would be null in JSON
	places := map[MentionPlace]int{}
	_, err := m.operator.Erase(ctx, func(d broker.StoredDelivery) bool {
		if m.picks(d) {
			places[MentionPlace{Route: d.Route, Role: d.Role()}]++
			f.Events++
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
	if ctx.Err() != nil {
		return f, errors.Join(err, ctx.Err())
	}
	return f, errors.Join(err, m.exports.find(ctx, m.mention, &f))
}

// Erased is the number of events and files that an Erase removed.
type Erased struct {
	Events int `json:"removed_events"`
	Files  int `json:"removed_files"`
}

// Total is the sum of both.
func (e Erased) Total() int { return e.Events + e.Files }

// Erase removes the events and files for good. It returns their numbers, also with an error. It goes on after an error of one place, and
// ends when ctx ends.
func (m Mentions) Erase(ctx context.Context) (done Erased, err error) {
	done.Events, err = m.operator.Erase(ctx, m.picks)
	if ctx.Err() != nil {
		return done, errors.Join(err, ctx.Err())
	}
	var filesErr error
	done.Files, filesErr = m.exports.erase(ctx, func(_ string, x file.Exported) bool { return isNamed(m.mention, x) }, func(routeFolder) {})
	return done, errors.Join(err, filesErr)
}
