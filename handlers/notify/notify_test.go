package notify_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/hookline/hookline/handlers/notify"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

var certificate tls.Certificate

func TestMain(m *testing.M) {
	var remove func()
	var err error
	if certificate, remove, err = trusted(); err != nil {
		panic(err)
	}
	defer remove()
	goleak.VerifyTestMain(m,
		// Kept-alive connections of clients whose server is gone end by themselves.
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

// people is a directory of a few persons.
type people map[string]notify.Person

func (p people) Person(_ context.Context, id string) (notify.Person, error) {
	switch {
	case id == "broken":
		return notify.Person{}, errors.New("the directory is down")
	case id == "busy":
		return notify.Person{}, handler.RetryAfter(time.Hour, errors.New("the quota is used up"))
	case p[id].ID == "":
		return notify.Person{}, fmt.Errorf("%w: the directory does not know the ID", notify.ErrNoPerson)
	}
	return p[id], nil
}

func library() people {
	const phone, email = "0170/555 01 00", "both@example.org"
	return people{
		"both":    {ID: "both", FirstName: "Bo", LastName: "Th", Phone: phone, Email: email},
		"mail":    {ID: "mail", Email: email},
		"neither": {ID: "neither"},
		"desk":    {ID: "desk", Phone: "extension 12"},
	}
}

func ended(user string) event.Delivery {
	return event.Delivery{Route: "tell", Attempt: 1, Event: event.Event{ID: "42", Source: "alma", Action: "job_end", Data: fmt.Appendf(nil,
		`{"job_instance":{"name":"Export \"all\" & more","submitted_by":{"value":%q},"status":{"value":"COMPLETED_SUCCESS","desc":"Completed Successfully"},"progress":100.0}}`, user)}}
}

const text = "{{.data.job_instance.name}}: {{.data.job_instance.status.desc}}{{.data.nothing}}"

func newHandler(t *testing.T, cfg notify.Config) handler.Handler {
	t.Helper()
	if cfg.Text == "" {
		cfg.Text = text
	}
	h, err := notify.New(cfg, library(), notify.NewMetrics(prometheus.NewRegistry()), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// request is what a service was asked.
type request struct {
	path   string
	header http.Header
	body   string
}

// service plays a service: it notes what it is asked and answers with fn.
func service(t *testing.T, fn http.HandlerFunc) (url string, asked <-chan request) {
	t.Helper()
	requests := make(chan request, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Header.Set("Host", r.Host)
		requests <- request{r.URL.RequestURI(), r.Header, string(body)}
		if fn != nil {
			fn(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func TestTheFirstServiceThatReachesTheRecipient(t *testing.T) {
	t.Parallel()
	sms, texts := service(t, nil)
	channel, posts := service(t, nil)
	url := strings.Replace(channel, "http://", "generic://", 1) + "/?disabletls=yes"
	for name, c := range map[string]struct {
		user         string
		cfg          notify.Config
		texts, posts int
	}{
		"a phone":               {"both", notify.Config{SMS: notify.SMS{HTTP: &notify.HTTP{URL: sms}, Country: "49"}, URL: url}, 1, 0},
		"a phone of no country": {"both", notify.Config{SMS: notify.SMS{HTTP: &notify.HTTP{URL: sms}}, URL: url}, 0, 1},
		"no number":             {"desk", notify.Config{SMS: notify.SMS{HTTP: &notify.HTTP{URL: sms}, Country: "49"}, URL: url}, 0, 1},
		"nothing":               {"neither", notify.Config{SMS: notify.SMS{HTTP: &notify.HTTP{URL: sms}, Country: "49"}}, 0, 0},
		"no person":             {"gone", notify.Config{SMS: notify.SMS{HTTP: &notify.HTTP{URL: sms}, Country: "49"}}, 0, 0},
		"no person, and a URL":  {"gone", notify.Config{SMS: notify.SMS{HTTP: &notify.HTTP{URL: sms}, Country: "49"}, URL: url}, 0, 1},
		"a URL only":            {"broken", notify.Config{URL: url}, 0, 1},
	} {
		if err := newHandler(t, c.cfg).Handle(t.Context(), ended(c.user)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(texts) != c.texts || len(posts) != c.posts {
			t.Errorf("%s: %d texts, %d posts", name, len(texts), len(posts))
		}
		for len(texts) > 0 {
			<-texts
		}
		for len(posts) > 0 {
			<-posts
		}
	}
	h := newHandler(t, notify.Config{SMS: notify.SMS{HTTP: &notify.HTTP{URL: sms}}})
	if err := h.Handle(t.Context(), ended("broken")); err == nil || handler.IsPermanent(err) {
		t.Errorf("the directory is down: %v", err)
	}
	if after, ok := handler.AfterOf(h.Handle(t.Context(), ended("busy"))); !ok || after != time.Hour {
		t.Errorf("the directory asks to wait an hour: %v, %v", after, ok)
	}
	if err := h.Handle(t.Context(), ended("hash:0123456789abcdef0123456789abcdef")); !handler.IsPermanent(err) {
		t.Errorf("a pseudonym: %v", err)
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	sms, texts := service(t, nil)
	with := func(cfg notify.Config, body string) handler.Handler {
		cfg.SMS = notify.SMS{HTTP: &notify.HTTP{URL: sms, Body: body}, Country: "49"}
		return newHandler(t, cfg)
	}
	for name, c := range map[string]struct {
		h    handler.Handler
		want string
	}{
		"what is missing is empty": {with(notify.Config{}, ""), `{"to":"+491705550100","text":"Export \"all\" & more: Completed Successfully"}`},
		"a form":                   {with(notify.Config{}, "to={{urlquery .to}}&text={{urlquery .text}}"), "to=%2B491705550100&text=Export+%22all%22+%26+more%3A+Completed+Successfully"},
		"the event and the user":   {with(notify.Config{Text: "{{.user.first_name}} {{.id}} {{.source}} {{.action}} {{.route}} {{.data.job_instance.progress}}"}, "{{.text}}"), "Bo 42 alma job_end tell 100.0"},
		"another user":             {with(notify.Config{User: "both", Text: "{{.user.primary_id}}"}, "{{.text}}"), "both"},
		"a text that is too long":  {with(notify.Config{Text: strings.Repeat("ä", 1601)}, "{{.text}}"), strings.Repeat("ä", 1599) + "…"},
	} {
		if err := c.h.Handle(t.Context(), ended("both")); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := <-texts; got.body != c.want {
			t.Errorf("%s: %s", name, got.body)
		}
	}
	for name, c := range map[string]struct {
		h    handler.Handler
		body string
	}{
		"XML":                  {with(notify.Config{}, ""), "<webhook/>"},
		"an event of no job":   {with(notify.Config{}, ""), "{}"},
		"a text of nothing":    {with(notify.Config{User: "both", Text: "{{.data.x}}"}, ""), "{}"},
		"a field of a missing": {with(notify.Config{User: "both", Text: "{{.data.x.y}}"}, ""), "{}"},
	} {
		d := ended("both")
		d.Event.Data = []byte(c.body)
		if err := c.h.Handle(t.Context(), d); !handler.IsPermanent(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(texts) > 0 {
		t.Error("sent something of nothing")
	}
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	make := func(cfg notify.Config, who notify.People) error {
		_, err := notify.New(cfg, who, notify.NewMetrics(prometheus.NewRegistry()), zap.NewNop())
		return err
	}
	err := make(notify.Config{
		User: "{{", SMS: notify.SMS{Country: "+49", Twilio: &notify.Twilio{URL: "://hidden"}, SNS: &notify.SNS{Region: "EU"}},
		Email: notify.Email{Port: 70000, TLS: "ssl", From: "hidden"}, URL: "slack://hidden",
	}, nil)
	for _, want := range []string{"text: is required", "user: template", "sms.country", "sms: keep one of [twilio sns]", "email.host", "email.port", "email.tls", "email.from", "url: is not"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	for want, cfg := range map[string]notify.Config{
		"at least one is needed":              {Text: "x"},
		"sms.twilio: account":                 {Text: "x", SMS: notify.SMS{Twilio: &notify.Twilio{}}},
		"sms.sns: key":                        {Text: "x", SMS: notify.SMS{SNS: &notify.SNS{Region: "eu-central-1"}}},
		"sms.sns.url: ":                       {Text: "x", SMS: notify.SMS{SNS: &notify.SNS{Region: "eu-central-1", Key: "AKIDEXAMPLE", Secret: "secret", URL: "://hidden"}}},
		"text: template":                      {Text: "{{", URL: "slack://hook:A-B-C@webhook"},
		"email.subject: template":             {Text: "x", URL: "slack://hook:A-B-C@webhook", Email: notify.Email{Subject: "{{"}},
		"subject: template":                   {Text: "x", URL: "slack://hook:A-B-C@webhook", Subject: "{{", Email: notify.Email{Subject: "x"}},
		"sms.http.url: is required":           {Text: "x", SMS: notify.SMS{HTTP: &notify.HTTP{}}},
		"sms.http.url: must begin with https": {Text: "x", SMS: notify.SMS{HTTP: &notify.HTTP{URL: "hidden"}}},
	} {
		if err := make(cfg, nil); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
