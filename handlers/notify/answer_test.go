package notify

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	netmail "net/mail"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/hookline/hookline/pkg/handler"
)

// verdict names the kind of an error of Sender.Send.
func verdict(err error) string {
	switch {
	case err == nil:
		return "sent"
	case errors.Is(err, errMaybe):
		return "maybe"
	case handler.IsPermanent(err):
		return "given up"
	}
	return "again"
}

func TestAnswersOfServices(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{
		199: "given up", 200: "sent", 299: "sent", 300: "given up", 400: "given up", 408: "again", 425: "again", 429: "again",
		499: "given up", 500: "again", 502: "maybe", 503: "again", 504: "maybe", 599: "again",
	} {
		if got := verdict(checkResponse(&http.Response{StatusCode: code, Header: http.Header{}}, nil)); got != want {
			t.Errorf("%d: %s, want %s", code, got, want)
		}
	}
	for given, want := range map[string]time.Duration{"": 0, "0": 0, "-1": 0, "1": time.Second, "86400": 24 * time.Hour, "86401": 24 * time.Hour, "soon": 0} {
		for _, code := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			err := checkResponse(&http.Response{StatusCode: code, Header: http.Header{"Retry-After": {given}}}, nil)
			if after, ok := handler.AfterOf(err); after != want || ok != (want > 0) || verdict(err) != "again" {
				t.Errorf("%d, Retry-After %q: %v, %v", code, given, after, err)
			}
		}
	}
}

func TestAnErrorOfARequestHasNoURL(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	for name, err := range map[string]error{"with a URL": &url.Error{Op: "Post", URL: "https://host/secret", Err: refused}, "without": refused} {
		if got := cause(err); !errors.Is(got, refused) || strings.Contains(got.Error(), "secret") {
			t.Errorf("%s: %v", name, got)
		}
	}
	err := post(t.Context(), newClient(), "https://host/secret\x7f", nil, "")
	if verdict(err) != "given up" || strings.Contains(err.Error(), "secret") {
		t.Errorf("a URL that cannot be used: %v", err)
	}
}

func TestURLsOfServices(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{"https://host": true, "http://host/path": true, "ftp://host": false, "https://": false, "host": false, ":": false, "": false} {
		if err := checkURL("sms.url", text); (err == nil) != ok || err != nil && !strings.HasPrefix(err.Error(), "sms.url: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAnErrorOfSMTPIsWithoutTheServersText(t *testing.T) {
	t.Parallel()
	if err := classifySMTP(nil, false); err != nil {
		t.Error(err)
	}
	if err := classifySMTP(errors.New("reset"), true); err != nil {
		t.Errorf("a message that was delivered: %v", err)
	}
	if err := classifySMTP(fmt.Errorf("to %s", "person@example.org"), false); verdict(err) != "maybe" || strings.Contains(err.Error(), "person") {
		t.Errorf("a connection that broke: %v", err)
	}
	if err := classifySMTP(&mail.SendError{Reason: mail.ErrSMTPDataClose}, false); verdict(err) != "maybe" {
		t.Errorf("no answer to the whole message: %v", err)
	}
	if err := classifySMTP(&mail.SendError{Reason: mail.ErrSMTPRcptTo}, false); verdict(err) != "again" {
		t.Errorf("no answer to the address: %v", err)
	}
}

func TestLongTextsAreCut(t *testing.T) {
	t.Parallel()
	whole := strings.Repeat("ä", 1600)
	for given, want := range map[string]string{"short": "short", whole: whole, whole + "ä": strings.Repeat("ä", 1599) + "…"} {
		if got := cut(given); got != want {
			t.Errorf("%d bytes become %d, want %d", len(given), len(got), len(want))
		}
	}
}

func TestMailWithoutAServerIsNotSent(t *testing.T) {
	t.Parallel()
	gone, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := gone.Addr().(*net.TCPAddr).Port
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	m := Message{To: "person@example.org", Text: "text", Key: "1"}
	for name, e := range map[string]emailSender{
		"no name":     {host: "", from: &netmail.Address{Address: "a@example.org"}},
		"a port of 0": {host: "localhost", options: []mail.Option{mail.WithPort(-1)}, from: &netmail.Address{Address: "a@example.org"}},
		"gone":        {host: "127.0.0.1", options: []mail.Option{mail.WithPort(port)}, from: &netmail.Address{Address: "a@example.org"}},
	} {
		if got := verdict(e.Send(t.Context(), m)); got != "again" {
			t.Errorf("%s: %s", name, got)
		}
	}
	m.To = "no address"
	if got := verdict(emailSender{host: "localhost", from: &netmail.Address{Address: "a@example.org"}}.Send(t.Context(), m)); got != "given up" {
		t.Errorf("an address that cannot be read: %s", got)
	}
}
