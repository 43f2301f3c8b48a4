package alma_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hookline/hookline/alma"
)

func newClient(t *testing.T, cfg alma.Config) *alma.Client {
	t.Helper()
	c, err := alma.New("main", cfg, alma.NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serve(t *testing.T, fn http.HandlerFunc) alma.Config {
	t.Helper()
	server := httptest.NewServer(fn)
	t.Cleanup(server.Close)
	return alma.Config{URL: server.URL, Key: "l8xx-secret"}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	var got string
	c := newClient(t, serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "apikey l8xx-secret" || r.Header.Get("Accept") != "application/json" || r.Method != http.MethodGet {
			t.Errorf("%s %v", r.Method, r.Header)
		}
		got = r.RequestURI
	}))
	ctx := t.Context()
	for want, ask := range map[string]func() ([]byte, error){
		"/almaws/v1/users/a%2Fb%20c@d?user_id_type=all_unique&view=full":  func() ([]byte, error) { return c.UserDocument(ctx, "a/b c@d") },
		"/almaws/v1/bibs/99?expand=p_avail%2Ce_avail%2Cd_avail&view=full": func() ([]byte, error) { return c.Bib(ctx, "99") },
		"/almaws/v1/bibs/99/holdings/22/items/23":                         func() ([]byte, error) { return c.Item(ctx, "99", "22", "23") },
		"/almaws/v1/items?item_barcode=A+1":                               func() ([]byte, error) { return c.ItemByBarcode(ctx, "A 1") },
	} {
		if _, err := ask(); err != nil || got != want {
			t.Errorf("asked %s, want %s: %v", got, want, err)
		}
	}
	for _, id := range []string{"", ".", ".."} {
		if _, err := c.UserDocument(ctx, id); !errors.Is(err, alma.ErrNoID) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestErrorsInEveryFormOfAlma(t *testing.T) {
	t.Parallel()
	const message = "User with identifier somebody was not found."
	for name, a := range map[string]struct {
		status            int
		body              string
		notFound, refused bool
		text              string
	}{
		"JSON": {400, `{"errorsExist":true,"errorList":{"error":[{"errorCode":"401861","errorMessage":"` + message + `","trackingId":"E01-1"}]},"result":null}`,
			true, false, "alma: answered 400 Bad Request, code 401861, tracking ID E01-1"},
		"JSON with one error": {400, `{"errorsExist":true,"errorList":{"error":{"errorCode":"401890","errorMessage":"` + message + `"}}}`, true, false, "code 401890"},
		"JSON that says 200":  {200, `{"errorsExist":true,"errorList":{"error":[{"errorCode":"402203","errorMessage":"` + message + `"}]}}`, true, false, "code 402203"},
		"XML": {400, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
			<web_service_result xmlns="http://com/exlibris/urm/general/xmlbeans"><errorsExist>true</errorsExist><errorList><error><errorCode>UNAUTHORIZED</errorCode>
			<errorMessage>` + message + `</errorMessage></error></errorList></web_service_result>`, false, true, "hookline doctor alma"},
		"XML under another root":  {400, `<bibs total_record_count="0"><errorsExist>true</errorsExist><errorList><error><errorCode>402204</errorCode></error></errorList></bibs>`, true, false, "code 402204"},
		"a general error":         {400, `{"errorsExist":true,"errorList":{"error":[{"errorCode":"60101","errorMessage":"` + message + `"}]}}`, false, false, "code 60101"},
		"forbidden without words": {403, ``, false, true, "403 Forbidden"},
		"a page of a proxy":       {404, `<html><p>` + message, false, false, "alma: answered 404 Not Found"},
		"a code that is none":     {400, `{"errorList":{"error":[{"errorCode":"` + message + `"}]}}`, false, false, "code User"},
	} {
		c := newClient(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(a.status)
			_, _ = io.WriteString(w, a.body)
		}))
		_, err := c.User(t.Context(), "somebody")
		var said *alma.Error
		if !errors.As(err, &said) || errors.Is(err, alma.ErrNotFound) != a.notFound || said.Refused() != a.refused || !strings.Contains(err.Error(), a.text) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "somebody") {
			t.Errorf("%s: the error names a person: %v", name, err)
		}
	}
}

func TestTheKeyStaysWithAlma(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("asked with %s", r.Header.Get("Authorization")) })
	c := newClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("item_barcode") {
		case "here":
			http.Redirect(w, r, "/almaws/v1/bibs/1/holdings/2/items/3", http.StatusFound)
		case "elsewhere":
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		}
		if r.URL.Path == "/almaws/v1/bibs/1/holdings/2/items/3" && r.Header.Get("Authorization") != "" {
			_, _ = io.WriteString(w, `{"item_data":{}}`)
		}
	}))
	if body, err := c.ItemByBarcode(t.Context(), "here"); err != nil || string(body) != `{"item_data":{}}` {
		t.Errorf("%s, %v", body, err)
	}
	if _, err := c.ItemByBarcode(t.Context(), "elsewhere"); err == nil {
		t.Error("a redirect to elsewhere is no error")
	}
}

func TestNetworkErrorsNameNobodyAndCount(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	reg := prometheus.NewRegistry()
	c, err := alma.New("main", alma.Config{URL: server.URL, Key: "l8xx-secret"}, alma.NewMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c.Through(failing{cancel})
	if _, err = c.User(ctx, "somebody"); err == nil || strings.Contains(err.Error(), "somebody") || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	want := `
# HELP hookline_alma_requests_total Requests to Alma's API by status class of the answer; none: no answer.
# TYPE hookline_alma_requests_total counter
hookline_alma_requests_total{code="2xx",institution="main"} 0
hookline_alma_requests_total{code="3xx",institution="main"} 0
hookline_alma_requests_total{code="429",institution="main"} 0
hookline_alma_requests_total{code="4xx",institution="main"} 0
hookline_alma_requests_total{code="5xx",institution="main"} 0
hookline_alma_requests_total{code="none",institution="main"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "hookline_alma_requests_total"); err != nil {
		t.Error(err)
	}
}

func TestAReloadForgetsNothingThatAlmaSaid(t *testing.T) {
	t.Parallel()
	cfg := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Exl-Api-Remaining", "498668") })
	reg := prometheus.NewRegistry()
	metrics := alma.NewMetrics(reg)
	expect := func(series string) {
		t.Helper()
		if err := testutil.GatherAndCompare(reg, strings.NewReader(series), "hookline_alma_api_remaining"); err != nil {
			t.Error(err)
		}
	}
	reload := func() *alma.Client {
		t.Helper()
		c, err := alma.New("main", cfg, metrics)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := reload()
	expect("")
	if _, err := c.Bib(t.Context(), "99"); err != nil {
		t.Fatal(err)
	}
	reload()
	expect(`
# HELP hookline_alma_api_remaining Requests that Alma still allows the institution today, by its latest answer. Absent before the first answer.
# TYPE hookline_alma_api_remaining gauge
hookline_alma_api_remaining{institution="main"} 498668
`)
}

// failing fails as the network does, and ends the context so that there is no second try.
type failing struct{ end func() }

func (f failing) RoundTrip(r *http.Request) (*http.Response, error) {
	f.end()
	return http.DefaultTransport.RoundTrip(r)
}

func TestConfigNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	err := alma.Config{Region: "us", Key: "secret key", Rate: 26, Processes: -1, Reserve: -1}.Check()
	for _, want := range []string{`region "us": must be one of ap, ca, cn, eu, na`, "key: must not", "rate 26", "processes -1", "reserve -1"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if err != nil && strings.Contains(err.Error(), "secret") {
		t.Error("the key is in the error")
	}
	for _, c := range []alma.Config{{}, {Key: "k"}, {Region: "eu"}, {Region: "eu", URL: "https://h", Key: "k"}, {URL: "ftp://h", Key: "k"}, {URL: "https://h?apikey=k", Key: "k"}} {
		if c.Check() == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
	for _, c := range []alma.Config{{Region: "cn", Key: "k"}, {URL: "http://127.0.0.1:1/almaws/v1/", Key: "k", Rate: 0.5}} {
		if err := c.Check(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
