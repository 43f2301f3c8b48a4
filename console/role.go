package console

import (
	"context"
	"net/http"
)

// Role is the right of a person. Each role includes those before it.
type Role string

// The roles.
const (
	Look   Role = "look"   // sees events without their bodies
	Bodies Role = "bodies" // sees bodies, headers and titles, too
	Act    Role = "act"    // may replay, discard and pause
)

// includes reports whether a person of role r has the rights of another role.
func (r Role) includes(other Role) bool { return r.rank() >= other.rank() }

func (r Role) rank() int {
	switch r {
	case Act:
		return 2
	case Bodies:
		return 1
	}
	return 0
}

// visitor is the person behind a request.
type visitor struct {
	Name string // empty if the console has no login
	Role Role
}

// Rights says the role in words.
func (v visitor) Rights() string {
	switch v.Role {
	case Act:
		return "may look, see bodies and act"
	case Bodies:
		return "may look and see bodies"
	}
	return "may look"
}

// Bodies reports whether the person may see bodies.
func (v visitor) Bodies() bool { return v.Role.includes(Bodies) }

// Act reports whether the person may act.
func (v visitor) Act() bool { return v.Role.includes(Act) }

// byScript is the header of requests that a page makes without the person: they do not prolong a session.
const byScript = "Hookline-Live"

type visitorKey struct{}

// visitorOf returns the person behind a request that may has let pass.
func visitorOf(r *http.Request) visitor {
	v, _ := r.Context().Value(visitorKey{}).(visitor)
	return v
}

// may serves a page to people of a role, and sends others to the login.
func (c *Console) may(role Role, page http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, signedIn := c.visitor(r)
		switch {
		case !signedIn && r.Method == http.MethodGet && r.Header.Get("Accept") != eventStream && r.Header.Get(byScript) == "":
			http.Redirect(w, r, "/login?to="+escapeQuery(r.URL.RequestURI()), http.StatusSeeOther)
		case !signedIn:
			c.problem(w, r, problem{http.StatusUnauthorized, "You are not signed in", "Nothing was done. Sign in, then try again."})
		case !v.Role.includes(role):
			r = r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
			c.problem(w, r, problem{http.StatusForbidden, "You may not do that",
				"Nothing was done. " + v.Name + " " + v.Rights() + "; this needs the role “" + string(role) + "”. An administrator gives it in hookline.yml, console.users."})
		default:
			page(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, v)))
		}
	})
}

// visitor returns the person whose session the request's cookie names.
func (c *Console) visitor(r *http.Request) (visitor, bool) {
	if !c.cfg.Login {
		return visitor{Role: Act}, true
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return visitor{}, false
	}
	return c.sessions.get(cookie.Value, c.now(), r.Header.Get(byScript) == "" && r.Header.Get("Accept") != eventStream)
}
