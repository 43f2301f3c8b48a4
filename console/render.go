package console

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"go.uber.org/zap"
)

//go:embed templates/*.html assets/*
var files embed.FS

// page is the data of every page; Data is that of the page itself.
type page struct {
	Title   string
	Name    string // of the template
	Section string // the entry of the menu that the page belongs to
	Env     string
	Find    string // the words in the field
	Visitor visitor
	Login   bool
	Jobs    bool // there are jobs, and a log of who did what
	Needs   needs
	Version string
	Build   string
	Place   string
	Now     time.Time
	Data    any
}

// needs are the counts in the menu.
type needs struct{ Dead, Unrouted int64 }

// parse reads the templates. A page is its own file in the frame.
func (c *Console) parse() (map[string]*template.Template, error) {
	base, err := template.New("").Funcs(template.FuncMap{
		"number": number, "many": many[int64], "span": span, "visible": visible, "brief": brief, "capital": capital,
		"ago": c.ago, "at": c.at, "when": c.when, "exactly": c.exactly, "clock": c.clock, "state": state, "icon": icon, "list": list, "title": actionWords, "add": func(a, b int) int { return a + b }, "toint64": func(n int) int64 { return int64(n) },
	}).ParseFS(files, "templates/frame.html", "templates/parts.html", "templates/words.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, name := range names {
		clone, err := base.Clone()
		if err != nil {
			return nil, err
		}
		if pages[strings.TrimSuffix(path.Base(name), ".html")], err = clone.ParseFS(files, name); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

// list makes a list for a template that takes several values.
func list(values ...any) []any { return values }

// render answers with a page. A page that fails is not begun.
func (c *Console) render(w http.ResponseWriter, r *http.Request, status int, name, title string, data any) {
	section, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	p := page{
		Title: title, Name: name, Section: section, Env: c.cfg.Name, Find: r.URL.Query().Get("q"), Visitor: visitorOf(r), Login: c.cfg.Login, Jobs: c.parts.Jobs != nil,
		Needs: c.needs(), Version: c.parts.Version, Build: c.build, Place: c.place(), Now: c.now(), Data: data,
	}
	var body bytes.Buffer
	if err := c.pages[name].ExecuteTemplate(&body, "page", p); err != nil {
		c.log.Error("a page of the console failed", zap.String("page", name), zap.Error(err))
		http.Error(w, "This page failed. The log of Hookline says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // a browser that has gone away needs no answer
}

// problem is a refusal or a failure in words: the event, its consequences, and the next step.
type problem struct {
	Status int
	Title  string
	Advice string
}

func (c *Console) problem(w http.ResponseWriter, r *http.Request, p problem) {
	c.render(w, r, p.Status, "problem", p.Title, p)
}

func (c *Console) notFound(w http.ResponseWriter, r *http.Request) {
	c.problem(w, r, problem{http.StatusNotFound, "There is no such page", "Events are found by the field above: by ID, source, action or words."})
}

func (c *Console) keys(w http.ResponseWriter, r *http.Request) {
	c.render(w, r, http.StatusOK, "keys", "Shortcuts", nil)
}

// asset serves a file that the pages load. Its address changes with each start, so that browsers keep it.
func (c *Console) asset(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeFileFS(w, r, files, "assets/"+path.Base(r.PathValue("file")))
}

// state returns a state as HTML: its shape, its colour and its word.
func state(kind string, label any) template.HTML {
	return template.HTML(`<span class="st ` + template.HTMLEscapeString(kind) + `">` + string(icon(kind)) + template.HTMLEscaper(label) + "</span>")
}

// icon returns a shape of the sprite, which is not spoken.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="i" aria-hidden="true"><use href="#i-` + template.HTMLEscapeString(name) + `"/></svg>`)
}
