package doctor_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/alma/doctor"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/sender"
)

func webhook(t *testing.T, url string) doctor.Webhook {
	t.Helper()
	scheme, _ := signature.Preset("alma")
	verifier, err := signature.New(scheme, []signature.Secret{{Value: "first"}})
	if err != nil {
		t.Fatal(err)
	}
	return doctor.Webhook{Target: sender.Target{URL: url}, Verifier: verifier}
}

// receiver answers challenges, and events by fn.
func receiver(t *testing.T, fn func(w http.ResponseWriter, signature string)) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if challenge := r.URL.Query().Get("challenge"); r.Method == http.MethodGet {
			fmt.Fprintf(w, `{"challenge":%q}`, challenge)
			return
		}
		fn(w, r.Header.Get("X-Exl-Signature"))
	}))
	t.Cleanup(server.Close)
	return server
}

// has tells whether there is a finding of that status and line whose text holds the text.
func has(found []doctor.Finding, status doctor.Status, line, text string) bool {
	for _, f := range found {
		if f.Status == status && f.Line == line && strings.Contains(f.Text, text) {
			return true
		}
	}
	return false
}

func TestReceiverFindings(t *testing.T) {
	t.Parallel()
	only := func(code int) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, _ string) { w.WriteHeader(code) }
	}
	for name, c := range map[string]struct {
		fn         func(http.ResponseWriter, string)
		line, text string
	}{
		"another secret":   {only(401), doctor.LineSecret, "answered 401"},
		"another path":     {only(404), doctor.LineURL, "answered 404"},
		"its broker":       {only(503), doctor.LineURL, "answered 503"},
		"takes everything": {only(200), doctor.LineSecret, "no signature is accepted"},
		"takes a wrong signature": {func(w http.ResponseWriter, signature string) {
			if signature == "" {
				w.WriteHeader(http.StatusUnauthorized)
			}
		}, doctor.LineSecret, "a wrong signature is accepted"},
		"compares nothing": {func(w http.ResponseWriter, signature string) {
			if sum, err := base64.StdEncoding.DecodeString(signature); err != nil || len(sum) != sha256.Size {
				w.WriteHeader(http.StatusUnauthorized)
			}
		}, doctor.LineSecret, "a wrong signature is accepted"},
	} {
		if found := webhook(t, receiver(t, c.fn).URL).Examine(t.Context()); !has(found, doctor.Failed, c.line, c.text) {
			t.Errorf("%s: %+v", name, found)
		}
	}
	off := receiver(t, func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusOK) })
	silent := httptest.NewServer(http.NotFoundHandler())
	defer silent.Close()
	off.Close()
	for name, url := range map[string]string{"nobody listens": off.URL, "no challenge": silent.URL} {
		if found := webhook(t, url).Examine(t.Context()); !has(found, doctor.Failed, doctor.LineActive, "the challenge") {
			t.Errorf("%s: %+v", name, found)
		}
	}
	if found := webhook(t, "https://no-such-host.invalid/").Examine(t.Context()); !has(found, doctor.Failed, doctor.LineURL, "no such host") {
		t.Errorf("%+v", found)
	}
}

func TestFindingsHaveOneOrder(t *testing.T) {
	t.Parallel()
	server := receiver(t, func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusUnauthorized) })
	for range 20 {
		var forged []string
		for _, f := range webhook(t, server.URL).Examine(t.Context()) {
			if strings.HasSuffix(f.Text, "is refused (401)") {
				forged = append(forged, f.Text)
			}
		}
		if len(forged) != 2 || !strings.Contains(forged[0], "a wrong signature") {
			t.Fatalf("%q", forged)
		}
	}
}

func TestACertificateThatAlmaWouldNotTake(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	found := webhook(t, server.URL).Examine(t.Context())
	if !has(found, doctor.Failed, doctor.LineURL, "not from a recognised CA") {
		t.Errorf("%+v", found)
	}
}

func TestASlowReceiverAndAWrongClock(t *testing.T) {
	t.Parallel()
	release := time.NewTimer(1100 * time.Millisecond)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		switch {
		case r.Method == http.MethodGet:
			<-release.C
			fmt.Fprint(w, r.URL.Query().Get("challenge"))
		case r.Header.Get("X-Exl-Signature") == "" || strings.HasPrefix(r.Header.Get("X-Exl-Signature"), "d3Jv"):
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	found := webhook(t, server.URL).Examine(t.Context())
	for line, text := range map[string]string{"the slowest answer": "Alma waits 5s", "off the clock": "off the local clock"} {
		if !has(found, doctor.Warning, doctor.LineURL, text) {
			t.Errorf("%s: %+v", line, found)
		}
	}
	if !has(found, doctor.OK, doctor.LineSecret, "is accepted") {
		t.Errorf("%+v", found)
	}
}

// api answers a check with what it holds for the area.
type api map[alma.Area]error

func (a api) Check(_ context.Context, area alma.Area) (alma.KeyStatus, error) {
	if err := a[area]; err != nil {
		return alma.KeyStatus{}, err
	}
	return alma.KeyStatus{Remaining: 900, Time: time.Now()}, nil
}

func TestKeyFindings(t *testing.T) {
	t.Parallel()
	noRight := &alma.Error{Status: 400, Code: "UNAUTHORIZED", Message: "hidden"}
	for name, c := range map[string]struct {
		api     api
		reserve int
		status  doctor.Status
		text    string
	}{
		"all is well":     {api{}, 0, doctor.OK, "main: may read Bibs"},
		"what is left":    {api{}, 0, doctor.OK, "main: 900 requests are left"},
		"the reserve":     {api{}, 900, doctor.Failed, "the reserve is 900"},
		"no right":        {api{alma.Users: noRight}, 0, doctor.Warning, "main: no right to read Users"},
		"no jobs":         {api{alma.Configuration: noRight}, 0, doctor.Warning, "main: no right to read Configuration, which reconcile needs"},
		"no right at all": {api{alma.Users: noRight, alma.Bibs: noRight, alma.Configuration: noRight}, 0, doctor.Failed, "the key has no right"},
		"a wrong key":     {api{alma.Users: &alma.Error{Status: 403}}, 0, doctor.Failed, "main: the key is refused (403)"},
		"no network":      {api{alma.Users: errors.New("alma: no route to host")}, 0, doctor.Failed, "no route to host"},
	} {
		found := doctor.Key(t.Context(), "main", c.api, c.reserve)
		if !has(found, c.status, doctor.LineKey, c.text) || c.status != doctor.Failed && has(found, doctor.Failed, doctor.LineKey, "") {
			t.Errorf("%s: %+v", name, found)
		}
	}
}
