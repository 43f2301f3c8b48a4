package test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

const examples = "../deployments/examples"

func TestEveryExampleIsRight(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(examples, "*.yml"))
	if err != nil || len(files) < 6 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		if strings.Contains(read(t, file), "kind: transfer") {
			continue // test/transfer runs them, with the files that they name
		}
		f := newFolder(t)
		f.write(t, "hookline.yml", read(t, file))
		if checked := f.run(t, "config", "check"); checked.code != 0 {
			t.Errorf("%s: %+v", file, checked)
		}
	}
}

// arrival is a request to an address that an example names.
type arrival struct{ method, path, body string }

// places returns the URL of a server that stands for https://example.org, and the requests that arrive there.
func places(t *testing.T) (url string, arrived chan arrival) {
	t.Helper()
	arrived = make(chan arrival, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived <- arrival{r.Method, r.URL.Path, string(body)}
	}))
	t.Cleanup(server.Close)
	return server.URL, arrived
}

// example runs an example with replacements in its text.
func example(t *testing.T, f folder, name string, replace ...string) *process {
	t.Helper()
	text := strings.NewReplacer(replace...).Replace(read(t, filepath.Join(examples, name)))
	if !strings.Contains(text, "\nlisten:") {
		text += "\nlisten: \"127.0.0.1:0\"\n"
	}
	f.write(t, "hookline.yml", text+"private_listen: \"127.0.0.1:0\"\n")
	return f.start(t, "run")
}

func sendTo(t *testing.T, f folder, p *process, args ...string) {
	t.Helper()
	if sent := f.run(t, append([]string{"send", "--url", "http://" + p.listen}, args...)...); sent.code != 0 {
		t.Fatalf("send %v: %+v", args, sent)
	}
}

// next returns the next arrival. Its path must be path.
func next(t *testing.T, arrived <-chan arrival, path string) arrival {
	t.Helper()
	select {
	case a := <-arrived:
		if a.path != path {
			t.Fatalf("%s %s, want %s", a.method, a.path, path)
		}
		return a
	case <-time.After(patience):
		t.Fatalf("nothing arrives at %s", path)
		return arrival{}
	}
}

func TestExampleOfJobEnds(t *testing.T) {
	t.Parallel()
	url, arrived := places(t)
	f := newFolder(t)
	p := example(t, f, "alma-job-ends.yml", "https://example.org", url)
	sendTo(t, f, p, "alma", "job_end")
	next(t, arrived, "/exported")
	sendTo(t, f, p, "alma", "job_end+publishing")
	next(t, arrived, "/published")
	sendTo(t, f, p, "alma", "job_end+failed")
	next(t, arrived, "/failed")
	sendTo(t, f, p, "alma-sandbox", "job_end")
	for p.log(t, "delivery done")["route"] != "sandbox" {
		continue
	}
	if len(arrived) != 0 || len(filesBelow(t, filepath.Join(f.dir, "data", "sandbox"))) != 1 {
		t.Errorf("the sandbox's event went elsewhere: %v", arrived)
	}
}

func TestExampleOfLoansAndRequests(t *testing.T) {
	t.Parallel()
	url, arrived := places(t)
	f := newFolder(t)
	p := example(t, f, "alma-loans-requests.yml", "https://example.org", url)
	for action, path := range map[string]string{"loan.loan_created": "/loans", "loan.loan_returned": "/returns", "request.request_placed_on_shelf": "/shelf"} {
		sendTo(t, f, p, "alma", action)
		got := map[string]arrival{}
		for range 2 {
			a := <-arrived
			got[a.path] = a
		}
		statistics := gjson.Parse(got["/statistics"].body)
		if got[path].body == "" || statistics.Get("what").Str != action || statistics.Get("title").Str == "" || strings.Contains(statistics.Raw, "user") {
			t.Errorf("%s: %v", action, got)
		}
		if (got[path].method == http.MethodPut) != (path == "/loans") {
			t.Errorf("%s to %s", got[path].method, path)
		}
	}
}

func TestExampleOfSlack(t *testing.T) {
	t.Parallel()
	url, arrived := places(t)
	f := newFolder(t, "SLACK_URL="+url+"/services/T/B/X")
	p := example(t, f, "alma-slack.yml")
	sendTo(t, f, p, "alma", "bib.bib_updated")
	sendTo(t, f, p, "alma", "bib.bib_created")
	a := next(t, arrived, "/services/T/B/X")
	if block := gjson.Get(a.body, "blocks.0.text"); block.Get("type").Str != "plain_text" || block.Get("text").Str != "New: Der Straßenbau in Übersichten / (991000123450306421)" {
		t.Errorf("sent %s", a.body)
	}
}

// solr is the /update handler of a Solr core, with the commands that the example uses.
type solr struct {
	mu      sync.Mutex
	docs    map[string]any
	changed chan struct{}
}

func (s *solr) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var command struct {
		Add    *struct{ Doc map[string]any }
		Delete *struct{ ID string }
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch err := json.NewDecoder(r.Body).Decode(&command); {
	case err != nil, r.URL.Path != "/solr/catalogue/update", r.URL.Query().Get("commitWithin") == "", r.Header.Get("Content-Type") != "application/json":
		w.WriteHeader(http.StatusBadRequest)
	case command.Add != nil && command.Add.Doc["id"] != nil:
		s.docs[command.Add.Doc["id"].(string)] = command.Add.Doc["title_t"]
	case command.Delete != nil && command.Delete.ID != "":
		delete(s.docs, command.Delete.ID)
	default:
		w.WriteHeader(http.StatusBadRequest)
	}
	s.changed <- struct{}{}
}

func TestExampleOfSolr(t *testing.T) {
	t.Parallel()
	const mms = "991000123450306421"
	record := make(chan string, 1) // the record in Alma
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := <-record
		if r.URL.Path != "/almaws/v1/bibs/"+mms || strings.Contains(answer, "errorsExist") {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(api.Close)
	index := &solr{docs: map[string]any{}, changed: make(chan struct{}, 10)}
	server := httptest.NewServer(index)
	t.Cleanup(server.Close)
	f := newFolder(t)
	p := example(t, f, "alma-solr.yml", "https://example.org", server.URL, "region: eu,", "url: "+api.URL+",")
	for _, step := range []struct{ action, now, title string }{
		{"bib.bib_created", `{"mms_id":"` + mms + `","title":"A \"new\" one","suppress_from_publishing":"false"}`, `A "new" one`},
		{"bib.bib_updated", `{"mms_id":"` + mms + `","title":"Another"}`, "Another"},
		{"bib.bib_updated", `{"mms_id":"` + mms + `","title":"Another","suppress_from_publishing":"true"}`, ""},
		{"bib.bib_created", `{"mms_id":"` + mms + `","title":"Back"}`, "Back"},
		{"bib.bib_deleted", `{"errorsExist":true,"errorList":{"error":[{"errorCode":"402203"}]}}`, ""},
	} {
		record <- step.now
		sendTo(t, f, p, "alma", step.action)
		select {
		case <-index.changed:
		case <-time.After(patience):
			t.Fatal("Solr gets no update")
		}
		index.mu.Lock()
		if title, _ := index.docs[mms].(string); title != step.title {
			t.Errorf("%s: Solr has %q, want %q", step.action, title, step.title)
		}
		index.mu.Unlock()
	}
}

func TestExampleOfReconciliation(t *testing.T) {
	t.Parallel()
	ended := time.Now().Add(-20 * time.Hour).UTC().Format(time.RFC3339)
	run := func(id string) string {
		return `{"id":"` + id + `","end_time":"` + ended + `","status":{"value":"COMPLETED_SUCCESS"}}`
	}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch id, single := strings.CutPrefix(r.URL.Path, "/almaws/v1/conf/jobs/M44/instances/"); {
		case single:
			_, _ = io.WriteString(w, run(id))
		case r.URL.Query().Get("submit_date_from") != "":
			_, _ = io.WriteString(w, `{"job_instance":[`+run("4711")+`,`+run("4712")+`],"total_record_count":2}`)
		default:
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(api.Close)
	f := newFolder(t)
	seen := filepath.Join(f.dir, "data", "arrived")
	if err := os.MkdirAll(seen, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".began", "4711"} { // one has arrived
		file := filepath.Join(seen, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-100 * time.Hour)
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	address := freeAddress(t)
	p := example(t, f, "alma-reconcile.yml", "region: eu,", "url: "+api.URL+",", "http://127.0.0.1:8080", "http://"+address, "0 5 * * *", hourAgo(), "Europe/Vienna", "UTC",
		"\nroutes:", "\nlisten: \""+address+"\"\nroutes:")
	for p.log(t, "delivery done")["route"] != "late" {
		continue
	}
	late := filesBelow(t, filepath.Join(f.dir, "data", "late"))
	if len(late) != 1 || !strings.HasSuffix(late[0], "/4712.json") {
		t.Fatalf("fed in %v", late)
	}
	if body := read(t, filepath.Join(f.dir, "data", "late", late[0])); gjson.Get(body, "action").Str != "JOB_END" || gjson.Get(body, "job_instance").Raw != run("4712") {
		t.Errorf("fed in %s", body)
	}
}

// freeAddress returns an address without a listener.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}
