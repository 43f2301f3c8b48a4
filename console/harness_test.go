package console_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/console/consoletest"
)

// browser asks a console as a browser does, with cookies and the headers of its own forms.
type browser struct {
	t      *testing.T
	url    string
	client *http.Client
}

// start serves a console on a port of its own. password is that of admin if the start made it.
func start(t *testing.T, cfg console.Config, parts console.Parts) (b *browser, password string) {
	t.Helper()
	c, err := console.New(cfg, parts)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c.Handler())
	t.Cleanup(server.Close)
	return newBrowser(t, server.URL), c.FirstPassword()
}

func newBrowser(t *testing.T, url string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, url, &http.Client{Jar: jar}}
}

// open serves a console without a login.
func open(t *testing.T, parts console.Parts) *browser {
	t.Helper()
	cfg := consoletest.Config(t.TempDir())
	cfg.Login = false
	b, _ := start(t, cfg, parts)
	return b
}

func (b *browser) get(path string) (int, string) {
	b.t.Helper()
	return b.do(b.request(http.MethodGet, path, nil))
}

func (b *browser) post(path string, form url.Values) (int, string) {
	b.t.Helper()
	r := b.request(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

func (b *browser) signIn(name, password string) (int, string) {
	b.t.Helper()
	return b.post("/login", url.Values{"name": {name}, "password": {password}})
}

func (b *browser) request(method, path string, body io.Reader) *http.Request {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *browser) do(r *http.Request) (int, string) {
	b.t.Helper()
	answer, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// wants checks that a page says each text.
func wants(t *testing.T, page string, texts ...string) {
	t.Helper()
	plain := strings.ReplaceAll(page, "\u00a0", " ")
	for _, text := range texts {
		if !strings.Contains(plain, text) {
			_, main, _ := strings.Cut(plain, "<main")
			t.Errorf("the page does not say %q:\n%.1500s", text, main)
		}
	}
}
