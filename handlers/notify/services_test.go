package notify_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/handlers/notify"
	"github.com/hookline/hookline/pkg/handler"
)

const said = `Export "all" & more: Completed Successfully`

func TestTwilio(t *testing.T) {
	t.Parallel()
	base, asked := service(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	const messaging = "MG0123456789abcdef0123456789abcdef"
	for _, c := range []struct {
		twilio notify.Twilio
		login  string
		form   url.Values
	}{
		{notify.Twilio{Account: "AC1", Token: "secret", From: "+15551234567"}, "AC1", url.Values{"From": {"+15551234567"}}},
		{notify.Twilio{Account: "AC1", User: "SK1", Token: "secret", From: messaging}, "SK1", url.Values{"MessagingServiceSid": {messaging}}},
	} {
		c.twilio.URL = base
		if err := newHandler(t, notify.Config{SMS: notify.SMS{Twilio: &c.twilio, Country: "49"}}).Handle(t.Context(), ended("both")); err != nil {
			t.Fatal(err)
		}
		got := <-asked
		r := http.Request{Header: got.header}
		if user, password, _ := r.BasicAuth(); user != c.login || password != "secret" || got.path != "/2010-04-01/Accounts/AC1/Messages.json" {
			t.Errorf("%s with %s:%s", got.path, user, password)
		}
		c.form.Set("To", "+491705550100")
		c.form.Set("Body", said)
		if got.header.Get("Content-Type") != "application/x-www-form-urlencoded" || got.body != c.form.Encode() {
			t.Errorf("%s", got.body)
		}
	}
}

func TestSNS(t *testing.T) {
	t.Parallel()
	base, asked := service(t, nil)
	sns := notify.SNS{Region: "eu-central-1", Key: "AKIDEXAMPLE", Secret: "secret", Sender: "Library", URL: base}
	if err := newHandler(t, notify.Config{SMS: notify.SMS{SNS: &sns, Country: "49"}}).Handle(t.Context(), ended("both")); err != nil {
		t.Fatal(err)
	}
	got := <-asked
	form, err := url.ParseQuery(got.body)
	if err != nil || got.path != "/" {
		t.Fatal(got.path, err)
	}
	for name, want := range map[string]string{
		"Action": "Publish", "Version": "2010-03-31", "PhoneNumber": "+491705550100", "Message": said,
		"MessageAttributes.entry.1.Name": "AWS.SNS.SMS.SMSType", "MessageAttributes.entry.1.Value.StringValue": "Transactional",
		"MessageAttributes.entry.2.Name": "AWS.SNS.SMS.SenderID", "MessageAttributes.entry.2.Value.StringValue": "Library",
	} {
		if form.Get(name) != want {
			t.Errorf("%s: %q", name, form.Get(name))
		}
	}
	stamp, err := time.Parse("20060102T150405Z", got.header.Get("X-Amz-Date"))
	if err != nil || time.Since(stamp).Abs() > time.Minute {
		t.Errorf("X-Amz-Date %v, %v", stamp, err)
	}
	// The same request, signed again for the same moment by the signer that is held against AWS's own example.
	header := http.Header{"Content-Type": {got.header.Get("Content-Type")}}
	notify.SignAWS("eu-central-1", "sns", "AKIDEXAMPLE", "secret", header, "http://"+got.header.Get("Host")+"/", got.body, stamp)
	if header.Get("Authorization") != got.header.Get("Authorization") {
		t.Errorf("%s", got.header.Get("Authorization"))
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code      int
		header    string
		body      string
		done      bool
		permanent bool
		after     time.Duration
		text      string
	}{
		{code: 200, done: true}, {code: 201, done: true}, {code: 202, done: true},
		{code: 400, body: `{"code":21211,"message":"The 'To' number +491705550100 is not a valid phone number."}`, permanent: true, text: "400 Bad Request, code 21211"},
		{code: 403, body: `<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>x</Message></Error></ErrorResponse>`, permanent: true, text: "code InvalidClientTokenId"},
		{code: 302, permanent: true}, {code: 404, permanent: true},
		{code: 408}, {code: 425}, {code: 429}, {code: 429, header: "120", after: 2 * time.Minute}, {code: 500}, {code: 503, header: "soon"},
		{code: 502, permanent: true, text: "maybe sent"}, {code: 504, permanent: true, text: "maybe sent"},
	} {
		base, _ := service(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", c.header)
			w.WriteHeader(c.code)
			_, _ = w.Write([]byte(c.body))
		})
		err := newHandler(t, notify.Config{SMS: notify.SMS{HTTP: &notify.HTTP{URL: base + "/path-secret"}, Country: "49"}}).Handle(t.Context(), ended("both"))
		after, _ := handler.AfterOf(err)
		if (err == nil) != c.done || handler.IsPermanent(err) != c.permanent || after != c.after {
			t.Errorf("%d: %v, after %v", c.code, err, after)
		}
		if err != nil && (!strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "1705550100") || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%d says %v", c.code, err)
		}
	}
}

func TestALostAnswerIsMaybeSentAndNoConnectionIsNot(t *testing.T) {
	t.Parallel()
	first := true
	base, asked := service(t, func(w http.ResponseWriter, _ *http.Request) {
		if first {
			first = false
			return
		}
		connection, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = connection.Close()
	})
	h := newHandler(t, notify.Config{SMS: notify.SMS{HTTP: &notify.HTTP{URL: base}, Country: "49"}})
	if err := h.Handle(t.Context(), ended("both")); err != nil {
		t.Fatal(err)
	}
	if err := h.Handle(t.Context(), ended("both")); !handler.IsPermanent(err) || !strings.Contains(err.Error(), "maybe sent") || len(asked) != 2 {
		t.Errorf("asked %d times: %v", len(asked), err)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	h = newHandler(t, notify.Config{SMS: notify.SMS{HTTP: &notify.HTTP{URL: gone.URL}, Country: "49"}})
	if err := h.Handle(t.Context(), ended("both")); err == nil || handler.IsPermanent(err) || strings.Contains(err.Error(), "maybe") {
		t.Error(err)
	}
}

// TestAServiceThatIsAwayIsNamedWithoutItsURL asks a closed port: the URL of a service can hold its key.
func TestAServiceThatIsAwayIsNamedWithoutItsURL(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	twilio := notify.Twilio{Account: "AC1", Token: "secret", From: "+15551234567", URL: server.URL + "/hidden-path"}
	err := newHandler(t, notify.Config{SMS: notify.SMS{Twilio: &twilio, Country: "49"}}).Handle(t.Context(), ended("both"))
	if err == nil || strings.Contains(err.Error(), "hidden-path") || handler.IsPermanent(err) {
		t.Errorf("%v", err)
	}
}
