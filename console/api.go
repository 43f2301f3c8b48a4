package console

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

// apiPrefix begins the paths of the JSON API.
const apiPrefix = "/api/"

// personHeader names the person behind a request with the token, because all programs on a machine share the token.
const personHeader = "Hookline-Person"

// longestPerson is the number of bytes of the longest name of a person.
const longestPerson = 100

// VisitorOf returns the name and the role of the person behind a request that the console has let pass to Parts.API. The name is empty if the
// console has no login.
func VisitorOf(r *http.Request) (name string, role Role) {
	v := visitorOf(r)
	return v.Name, v.Role
}

// Includes reports whether a person of role r has the rights of another role.
func (r Role) Includes(other Role) bool { return r.includes(other) }

// serveAPI hands requests of people with a session, and of programs with the token, to Parts.API.
func (c *Console) serveAPI(w http.ResponseWriter, r *http.Request) {
	v, ok := c.visitor(r)
	if given := r.Header.Get("Authorization"); given != "" && c.cfg.Login {
		v, ok = c.token.visitor(given, r.Header.Get(personHeader))
	}
	if !ok {
		w.Header().Set("WWW-Authenticate", `Bearer realm="hookline"`)
		apiProblem(w, http.StatusUnauthorized, "You are not signed in",
			"Nothing was done. Send the header Authorization: Bearer with the text of the file console/token in Hookline's data folder, or sign in at the console.")
		return
	}
	c.parts.API.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, v)))
}

// forAPI reports whether a request is for the JSON API, whose errors are JSON too.
func forAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, apiPrefix) }

// apiProblem answers with an error as RFC 9457 has it.
func apiProblem(w http.ResponseWriter, status int, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": "about:blank", "title": title, "status": status, "detail": detail})
}
