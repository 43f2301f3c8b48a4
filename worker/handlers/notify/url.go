package notify

import (
	"context"
	"errors"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// urlSender sends by shoutrrr, to Slack, Teams, Discord and the many others that it knows.
type urlSender struct {
	address string
	slots   chan struct{}
}

// slotsOfURL is how many messages are under way at once. shoutrrr knows no contexts: what hangs keeps its slot, so that
// no more than these can hang.
const slotsOfURL = 4

// newURL checks the address. It is secret: neither errors nor logs have it.
func newURL(address string) (Sender, error) {
	if address == "" {
		return nil, nil
	}
	if strings.HasPrefix(address, teamsPrefix) {
		return newTeams(address)
	}
	if _, err := locate(address); err != nil {
		return nil, errors.New("url: is not an address that shoutrrr knows, such as slack://TOKEN@CHANNEL or generic+https://host/path; see https://shoutrrr.nickfedor.com")
	}
	return urlSender{address, make(chan struct{}, slotsOfURL)}, nil
}

// locate makes the service anew for each message: one cannot be used by two goroutines.
func locate(address string) (types.Service, error) { return (&router.ServiceRouter{}).Locate(address) }

// Send hands the text to the service that the URL names. shoutrrr's errors quote URLs and cannot be told apart, so that
// all of them mean the same: not sent.
func (u urlSender) Send(ctx context.Context, m Message) error {
	service, err := locate(u.address)
	if err != nil {
		return errors.New("the URL cannot be used any more")
	}
	select {
	case u.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return await(ctx, func() error {
		defer func() { <-u.slots }()
		if service.Send(m.Text, &types.Params{}) != nil {
			return errors.New("the service did not take it; check the URL's token and whether the service can be reached")
		}
		return nil
	})
}
