package storetest

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Dropbox plays Dropbox's API. It checks requests against the API's documentation, and keeps files in memory.
type Dropbox struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	files    map[string][]byte
	sessions map[string][]byte
	tokens   int // number of tokens so far
	expired  int // number of expired tokens, the oldest ones
	requests []string
	busy     int // number of next requests to answer with 429
	lose     int // number of next parts to keep and answer with 500
}

// NewDropbox starts one. It makes tokens for the refresh token "refresh", the key "key" and the secret "app secret".
func NewDropbox(t *testing.T) *Dropbox {
	t.Helper()
	d := &Dropbox{t: t, files: map[string][]byte{}, sessions: map[string][]byte{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth2/token", d.token)
	mux.HandleFunc("POST /2/files/{call...}", d.call)
	d.Server = httptest.NewServer(mux)
	t.Cleanup(d.Close)
	return d
}

func (d *Dropbox) token(w http.ResponseWriter, r *http.Request) {
	key, secret, _ := r.BasicAuth()
	if r.FormValue("grant_type") != "refresh_token" || r.FormValue("refresh_token") != "refresh" || key != "key" || secret != "app secret" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tokens++
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": strings.Repeat("t", d.tokens), "expires_in": 14400, "token_type": "bearer"})
}

// arg holds the arguments of all calls.
type arg struct {
	Path       *string `json:"path"`
	Mode       string  `json:"mode"`
	Autorename bool    `json:"autorename"`
	Mute       bool    `json:"mute"`
	Close      *bool   `json:"close"`
	Commit     *arg    `json:"commit"`
	Cursor     json.RawMessage
}

var pathForm = regexp.MustCompile(`^(/[^/]+)+$`) // the uppermost folder is ""

func (d *Dropbox) call(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	call := r.PathValue("call")
	d.requests = append(d.requests, call)
	content := slices.Contains([]string{"upload", "upload_session/start", "upload_session/append_v2", "upload_session/finish", "download"}, call)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	if d.busy > 0 {
		d.busy--
		w.Header().Set("Retry-After", "1")
		answer(w, http.StatusTooManyRequests, `{"error_summary":"too_many_requests/.."}`)
		return
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if n := strings.Count(token, "t"); n != len(token) || n <= d.expired || n > d.tokens {
		answer(w, http.StatusUnauthorized, `{"error_summary":"expired_access_token/.."}`)
		return
	}
	text := string(body)
	if content {
		text = r.Header.Get("Dropbox-Api-Arg")
		if kind := r.Header.Get("Content-Type"); call != "download" && kind != "application/octet-stream" || len(body) > 150<<20 {
			d.t.Errorf("%s: Content-Type %q, %d bytes", call, kind, len(body))
		}
		if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) {
			d.t.Errorf("%s: Dropbox-API-Arg is not safe: %q", call, text)
		}
	} else if r.Header.Get("Content-Type") != "application/json" {
		d.t.Errorf("%s: Content-Type %q", call, r.Header.Get("Content-Type"))
	}
	var a arg
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		answer(w, http.StatusBadRequest, "Error in call to API function: "+err.Error())
		return
	}
	d.do(w, call, a, body)
}

func (d *Dropbox) do(w http.ResponseWriter, call string, a arg, body []byte) {
	var cursor struct {
		Session string `json:"session_id"`
		Offset  int    `json:"offset"`
	}
	_ = json.Unmarshal(a.Cursor, &cursor)
	if strings.HasPrefix(call, "upload_session/") && call != "upload_session/start" && len(d.sessions[cursor.Session]) != cursor.Offset {
		answer(w, http.StatusConflict, `{"error_summary":"incorrect_offset/.."}`)
		return
	}
	uppermost := a.Path != nil && *a.Path == "" && call == "list_folder"
	if a.Path != nil && !uppermost && !pathForm.MatchString(*a.Path) {
		answer(w, http.StatusConflict, `{"error_summary":"path/malformed_path/.."}`)
		return
	}
	switch call {
	case "upload":
		d.commit(w, a, body)
	case "upload_session/start":
		id := rand.Text()
		d.sessions[id] = body
		answer(w, http.StatusOK, `{"session_id":"`+id+`"}`)
	case "upload_session/append_v2":
		d.sessions[cursor.Session] = append(d.sessions[cursor.Session], body...)
		if d.lose > 0 {
			d.lose--
			answer(w, http.StatusInternalServerError, "")
			return
		}
		answer(w, http.StatusOK, `null`)
	case "upload_session/finish":
		d.commit(w, *a.Commit, append(d.sessions[cursor.Session], body...))
		delete(d.sessions, cursor.Session)
	case "get_metadata", "download":
		text, ok := d.files[*a.Path]
		switch {
		case !ok:
			answer(w, http.StatusConflict, `{"error_summary":"path/not_found/..","error":{".tag":"path"}}`)
		case call == "download":
			_, _ = w.Write(text)
		default:
			answer(w, http.StatusOK, `{".tag":"file"}`)
		}
	case "list_folder":
		d.list(w, *a.Path)
	case "list_folder/continue":
		answer(w, http.StatusOK, `{"entries":[],"cursor":"c","has_more":false}`)
	default:
		d.t.Errorf("no such call: %s", call)
		answer(w, http.StatusNotFound, "")
	}
}

func (d *Dropbox) commit(w http.ResponseWriter, a arg, body []byte) {
	if a.Path == nil || a.Mode != "overwrite" || a.Autorename || !a.Mute {
		d.t.Errorf("commit %+v", a)
	}
	if path.Base(*a.Path) == "forbidden" {
		answer(w, http.StatusConflict, `{"error_summary":"path/no_write_permission/.."}`)
		return
	}
	if path.Base(*a.Path) == "contended" {
		answer(w, http.StatusConflict, `{"error_summary":"path/too_many_write_operations/.."}`)
		return
	}
	d.files[*a.Path] = body
	answer(w, http.StatusOK, `{"size":1}`)
}

func (d *Dropbox) list(w http.ResponseWriter, dir string) {
	type entry struct {
		Tag  string `json:".tag"`
		Name string `json:"name"`
	}
	entries := []entry{}
	for name := range d.files {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok && !strings.Contains(rest, "/") {
			entries = append(entries, entry{"file", rest})
		}
	}
	if len(entries) == 0 {
		answer(w, http.StatusConflict, `{"error_summary":"path/not_found/.."}`)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"entries": append(entries, entry{"folder", "below"}), "cursor": "c", "has_more": true})
}

func answer(w http.ResponseWriter, code int, body string) {
	w.WriteHeader(code)
	_, _ = io.WriteString(w, body)
}

// Files returns the content of all files by name, without the uppermost "/".
func (d *Dropbox) Files() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	files := map[string]string{}
	for name, text := range d.files {
		files[name[1:]] = string(text)
	}
	return files
}

// Expire makes the current tokens invalid.
func (d *Dropbox) Expire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expired = d.tokens
}

// Busy answers the next request with 429.
func (d *Dropbox) Busy() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy++
}

// Lose keeps the next part of a session, but answers it with 500.
func (d *Dropbox) Lose() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lose++
}

// Requests returns the calls so far.
func (d *Dropbox) Requests() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.requests)
}
