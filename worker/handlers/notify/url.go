package notify

import (
	"context"
	"errors"
	"fmt"

	"github.com/nicholas-fedor/shoutrrr"
	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// urlSender sends by shoutrrr, to Slack, Teams, Discord and the many others that it knows.
type urlSender struct {
	router *router.ServiceRouter
	slots  chan struct{}
}

// slotsOfURL is how many messages are under way at once. shoutrrr knows no contexts: what hangs keeps its slot, so that no
// more than these can hang.
const slotsOfURL = 4

// newURL checks the address. It is secret: neither errors nor logs have it.
func newURL(address string) (Sender, error) {
	if address == "" {
		return nil, nil
	}
	r, err := shoutrrr.CreateSender(address)
	if err != nil {
		return nil, errors.New("url: is not an address that shoutrrr knows, such as slack://TOKEN@CHANNEL or generic+https://host/path; see https://shoutrrr.nickfedor.com")
	}
	return &urlSender{r, make(chan struct{}, slotsOfURL)}, nil
}

// Send hands the text to the service that the URL names. shoutrrr's errors quote URLs and cannot be told apart, so that
// all of them mean the same: not sent. The context's end is another thing: then nobody knows.
func (u *urlSender) Send(ctx context.Context, m Message) error {
	select {
	case u.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	done := make(chan []error, 1)
	go func() {
		defer func() { <-u.slots }()
		params := types.Params{}
		if m.Subject != "" {
			params.SetTitle(m.Subject)
		}
		done <- u.router.Send(m.Text, &params)
	}()
	select {
	case errs := <-done:
		err := errors.Join(errs...)
		if errors.Is(err, router.ErrServiceTimeout) {
			return fmt.Errorf("%w: the service did not answer in time", errMaybe)
		}
		if err != nil {
			return errors.New("the service did not take it; check the URL's token and whether the service can be reached")
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errMaybe, context.Cause(ctx))
	}
}
