package console

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/hookline/hookline/pkg/text"
)

// eventStream is the media type of a stream of the server's events.
const eventStream = "text/event-stream"

// policy lets a page load its own style, script and pictures, and nothing else: a text of an event that became HTML could do nothing.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard refuses foreign hosts, and sets the headers that protect the pages.
func (c *Console) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin") // no-referrer would hide the origin of the console's own forms
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !c.knows(r.Host) && forAPI(r) {
			apiProblem(w, http.StatusMisdirectedRequest, "This console is not known by this name", "Use its address, or add the name to console.hosts in hookline.yml and start again.")
			return
		}
		if !c.knows(r.Host) {
			http.Error(w, "This console is not known as "+text.Escape(r.Host)+".\nIf it should be, add the name to console.hosts in hookline.yml and start again.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// knows reports whether the console may be reached by a host: an address, localhost, or a configured name. A foreign page that lets its own
// name point to this machine comes with that name.
func (c *Console) knows(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	return host == "localhost" || slices.ContainsFunc(c.cfg.Hosts, func(name string) bool { return strings.EqualFold(name, host) })
}

// foreign refuses a form that a foreign page has sent.
func (c *Console) foreign(w http.ResponseWriter, r *http.Request) {
	if forAPI(r) {
		apiProblem(w, http.StatusForbidden, "This came from another page", "Nothing was done. Pages of other origins may not use the API.")
		return
	}
	c.problem(w, r, problem{http.StatusForbidden, "This came from another page",
		"Nothing was done. Open the console itself, and try again there. Behind a proxy, let the proxy pass on the header Host."})
}

// loginFields are the fields of a log line about a wrong login.
func loginFields(r *http.Request, form loginForm) []zap.Field {
	return []zap.Field{zap.String("from", r.RemoteAddr), zap.Int("tries_left", form.Left)}
}
