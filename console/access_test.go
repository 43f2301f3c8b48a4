package console_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/console"
	"github.com/hookline/hookline/console/consoletest"
)

func TestTheFirstStartMakesAPasswordAndKeepsItsHashOnly(t *testing.T) {
	cfg := consoletest.Config(t.TempDir())
	b, password := start(t, cfg, consoletest.Filled(t).Parts())
	if len(password) != 26 {
		t.Fatalf("password %q", password)
	}
	file := filepath.Join(cfg.Dir, "password")
	kept, err := os.ReadFile(file)
	if info, _ := os.Stat(file); err != nil || strings.Contains(string(kept), password) || info.Mode().Perm() != 0o600 {
		t.Errorf("the file holds %q, %v", kept, err)
	}
	if status, page := b.get("/"); status != http.StatusOK || !strings.Contains(page, "Sign in to Hookline") {
		t.Errorf("without a session: %d", status)
	}
	if status, page := b.signIn("admin", password); status != http.StatusOK || !strings.Contains(page, "Nothing is lost.") {
		t.Errorf("signed in: %d\n%s", status, page)
	}
	again, second := start(t, cfg, consoletest.Filled(t).Parts())
	if second != "" {
		t.Errorf("the second start made another password")
	}
	if _, page := again.signIn("admin", password); !strings.Contains(page, "Nothing is lost.") {
		t.Error("the first password is no longer right")
	}
}

func TestASessionEnds(t *testing.T) {
	var mu sync.Mutex
	now := consoletest.Now()
	parts := consoletest.Filled(t).Parts()
	parts.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	pass := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	b, password := start(t, consoletest.Config(t.TempDir()), parts)
	signedIn := func() bool { _, page := b.get("/keys"); return strings.Contains(page, "Sign out") }

	b.signIn("admin", password)
	for range 3 {
		pass(11 * time.Hour)
		if !signedIn() {
			t.Fatal("a session in use ended")
		}
	}
	pass(13 * time.Hour)
	if signedIn() {
		t.Error("an unused session goes on")
	}
	b.signIn("admin", password)
	for range 16 {
		pass(11 * time.Hour)
		signedIn()
	}
	if signedIn() {
		t.Error("a session goes on for more than a week")
	}
	b.signIn("admin", password)
	b.post("/logout", nil)
	if signedIn() {
		t.Error("signed in after signing out")
	}
}

func TestTheCookieIsForTheConsoleOnly(t *testing.T) {
	b, password := start(t, consoletest.Config(t.TempDir()), consoletest.Filled(t).Parts())
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for origin, secure := range map[string]bool{b.url: false, "https://" + strings.TrimPrefix(b.url, "http://"): true} {
		r := b.request(http.MethodPost, "/login", strings.NewReader(url.Values{"name": {"admin"}, "password": {password}, "to": {"//evil.example"}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", origin)
		answer, err := b.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		cookies := answer.Cookies()
		if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode || cookies[0].Secure != secure {
			t.Errorf("cookies %v", cookies)
		}
		if to := answer.Header.Get("Location"); to != "/" {
			t.Errorf("the login leads to %s", to)
		}
	}
}

func TestWrongPasswordsAreCounted(t *testing.T) {
	b, password := start(t, consoletest.Config(t.TempDir()), consoletest.Filled(t).Parts())
	for left := range 5 {
		name := "admin"
		if left%2 == 0 {
			name = "nobody"
		}
		status, page := b.signIn(name, "wrong")
		if status != http.StatusUnauthorized {
			t.Fatalf("wrong password: %d", status)
		}
		wants(t, page, "Name or password is wrong")
		if left == 0 {
			wants(t, page, "4 more tries until 10:57:07")
		}
	}
	if status, page := b.signIn("admin", password); status != http.StatusTooManyRequests || !strings.Contains(page, "Too many tries") {
		t.Errorf("the sixth try: %d", status)
	}
}

func TestRolesAreEnforced(t *testing.T) {
	cfg := consoletest.Config(t.TempDir())
	cfg.Users = map[string]console.User{
		"sam": {Password: "a long password of sam", Role: console.Look},
		"ann": {Password: "a long password of ann", Role: console.Act},
	}
	b, made := start(t, cfg, consoletest.Filled(t).Parts())
	if made != "" {
		t.Error("a password was made although there are users")
	}
	b.signIn("sam", "a long password of sam")
	_, page := b.get("/")
	wants(t, page, "sam", "may look", "Find by ID, source, action")
	other := newBrowser(t, b.url)
	if status, _ := other.signIn("ann", "a long password of sam"); status != http.StatusUnauthorized {
		t.Errorf("another's password: %d", status)
	}
	other.signIn("ann", "a long password of ann")
	_, page = other.get("/")
	wants(t, page, "may look, see bodies and act")
}

func TestForeignPagesAreRefused(t *testing.T) {
	cfg := consoletest.Config(t.TempDir())
	cfg.Hosts = []string{"console.example.org"}
	b, _ := start(t, cfg, consoletest.Filled(t).Parts())
	for host, status := range map[string]int{
		"evil.example": http.StatusMisdirectedRequest, "evil.example:8090": http.StatusMisdirectedRequest, "": http.StatusMisdirectedRequest,
		"localhost.evil.example": http.StatusMisdirectedRequest,
		"localhost:8090":         http.StatusOK, "127.0.0.1": http.StatusOK, "[::1]:8090": http.StatusOK, "Console.Example.org:443": http.StatusOK, "10.1.2.3:8090": http.StatusOK,
	} {
		r := b.request(http.MethodGet, "/login", nil)
		if r.Host = host; host == "" {
			r.Host = " "
		}
		if got, _ := b.do(r); got != status && host != "" {
			t.Errorf("host %q: %d", host, got)
		}
	}
	r := b.request(http.MethodPost, "/login", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if status, page := b.do(r); status != http.StatusForbidden || !strings.Contains(page, "This came from another page") {
		t.Errorf("a form of a foreign page: %d", status)
	}
}

func TestPagesAreProtectedByHeaders(t *testing.T) {
	b := open(t, consoletest.Filled(t).Parts())
	for _, path := range []string{"/", "/keys", "/nothing", "/assets/console.css"} {
		answer, err := b.client.Do(b.request(http.MethodGet, path, nil))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if p := answer.Header.Get("Content-Security-Policy"); !strings.HasPrefix(p, "default-src 'none'; ") || strings.Contains(p, "unsafe") {
			t.Errorf("%s: policy %q", path, p)
		}
		if answer.Header.Get("X-Content-Type-Options") != "nosniff" || answer.Header.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: headers %v", path, answer.Header)
		}
	}
}
