package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// loginForm is the data of the login's page.
type loginForm struct {
	Env   string
	Name  string // as the person wrote it
	To    string // the page after the login
	Admin bool   // the password is the one that the first start made
	Wrong bool
	Full  bool // too many tries
	Left  int  // tries
	Until time.Time
}

// loginPage asks for name and password.
func (c *Console) loginPage(w http.ResponseWriter, r *http.Request) {
	to := localPath(r.URL.Query().Get("to"))
	if _, ok := c.visitor(r); ok {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	c.render(w, r, http.StatusOK, "login", "Sign in", c.loginForm("", to))
}

func (c *Console) loginForm(name, to string) loginForm {
	return loginForm{Env: c.cfg.Name, Name: name, To: to, Admin: len(c.cfg.Users) == 0}
}

// login begins a session, or counts a wrong try.
func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	form := c.loginForm(r.PostFormValue("name"), localPath(r.PostFormValue("to")))
	if !c.cfg.Login {
		http.Redirect(w, r, form.To, http.StatusSeeOther)
		return
	}
	from := network(r)
	if form.Left, form.Until = c.attempts.take(from, c.now()); form.Left < 0 {
		form.Full = true
		c.render(w, r, http.StatusTooManyRequests, "login", "Sign in", form)
		return
	}
	v, ok := c.users.check(form.Name, r.PostFormValue("password"))
	if !ok {
		c.log.Warn("wrong name or password at the console", loginFields(r, form)...)
		form.Wrong = true
		c.render(w, r, http.StatusUnauthorized, "login", "Sign in", form)
		return
	}
	c.attempts.ok(from)
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: c.sessions.begin(v, c.now()), Path: "/",
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: encrypted(r),
	})
	http.Redirect(w, r, form.To, http.StatusSeeOther)
}

// logout ends the session.
func (c *Console) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		c.sessions.end(cookie.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// encrypted reports whether the browser speaks HTTPS: to this process, or to the proxy in front of it. A page sends its own origin with a form.
func encrypted(r *http.Request) bool {
	return r.TLS != nil || strings.HasPrefix(r.Header.Get("Origin"), "https://")
}

// localPath returns a path on this console: to if it is one, otherwise that of the first page.
func localPath(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return u.RequestURI()
}

func escapeQuery(s string) string { return url.QueryEscape(s) }
