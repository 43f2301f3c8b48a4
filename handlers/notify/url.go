package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// urlSender sends by shoutrrr, to Slack, Discord and its many other services.
type urlSender struct {
	address string
	slots   chan struct{}
}

// slotsOfURL is the maximum number of messages under way at once. shoutrrr ignores contexts: a send that hangs keeps its slot, so that
// no more than these can hang.
const slotsOfURL = 4

// newURL checks the address. The address is secret: errors and logs leave it out.
func newURL(address string) (Sender, error) {
	if address == "" {
		return nil, nil
	}
	if strings.HasPrefix(address, teamsPrefix) {
		return newTeams(address)
	}
	if u, err := url.Parse(address); err == nil && u.Scheme == "matrix" && u.User.Username() != "" {
		return nil, errors.New("url: matrix needs an access token, matrix://:TOKEN@host; with a name and a password each message would log in again")
	}
	if _, err := locate(address); err != nil {
		return nil, errors.New("url: is not an address that shoutrrr knows, such as slack://TOKEN@CHANNEL or generic+https://host/path; see https://shoutrrr.nickfedor.com")
	}
	return urlSender{address, make(chan struct{}, slotsOfURL)}, nil
}

// locate makes a new service for each message, because a service is not safe for concurrent use.
func locate(address string) (types.Service, error) { return (&router.ServiceRouter{}).Locate(address) }

// Send passes the text to the service of the URL.
func (u urlSender) Send(ctx context.Context, m Message) error {
	service, err := locate(u.address)
	if err != nil {
		return errors.New("the URL is no longer valid")
	}
	select {
	case u.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return await(ctx, func() error {
		defer func() { <-u.slots }()
		params := types.Params{}
		if m.Subject != "" {
			params.SetTitle(m.Subject)
		}
		return classifyShoutrrr(service.Send(m.Text, &params))
	})
}

// classifyShoutrrr turns an error of shoutrrr, which quotes the URL, into an error of Sender.Send. A message may have been sent if its
// connection was made and its answer was lost. Services that hide their errors, as generic does, count as not sent.
func classifyShoutrrr(err error) error {
	var request *url.Error
	var network *net.OpError
	var certificate *tls.CertificateVerificationError
	unconnected := errors.As(err, &network) && network.Op == "dial" || errors.As(err, &certificate)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &request) && !unconnected:
		return fmt.Errorf("%w: its answer was lost", errMaybe)
	}
	return errors.New("the service did not accept the message; check the URL's token and the connection to the service")
}
