package api_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/hookline/hookline/docs/reference"
	"github.com/hookline/hookline/journal"
)

// contract checks requests and answers against docs/reference/openapi.yaml, and remembers the operations that were called.
type contract struct {
	*installation
	doc    *openapi3.T
	router routers.Router
	called map[string]bool // operations that were answered 200
}

func newContract(i *installation) *contract {
	i.t.Helper()
	openapi3filter.RegisterBodyDecoder("application/yaml", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/problem+json", openapi3filter.JSONBodyDecoder)
	doc, err := openapi3.NewLoader().LoadFromData(reference.OpenAPI())
	if err != nil {
		i.t.Fatal(err)
	}
	if err := doc.Validate(i.t.Context()); err != nil {
		i.t.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: i.url}}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		i.t.Fatal(err)
	}
	return &contract{installation: i, doc: doc, router: router, called: map[string]bool{}}
}

// call sends a request, checks it and the answer against the description, and returns the answer.
func (c *contract) call(want int, method, path, body string) string {
	c.t.Helper()
	return c.do(want, c.request(method, path, body))
}

func (c *contract) do(want int, r *http.Request) string {
	c.t.Helper()
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		c.t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true,
	}}
	if err := openapi3filter.ValidateRequest(c.t.Context(), input); err != nil && want < 400 {
		c.t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	read := c.read(answer)
	if answer.StatusCode != want {
		c.t.Fatalf("%s %s: %s, not %d: %s", r.Method, r.URL, answer.Status, want, read)
	}
	err = openapi3filter.ValidateResponse(c.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: answer.StatusCode, Header: answer.Header, Body: io.NopCloser(strings.NewReader(read)), Options: input.Options,
	})
	if err != nil {
		c.t.Fatalf("%s %s: %v\n%s", r.Method, r.URL, err, read)
	}
	if want < 300 {
		c.called[route.Operation.OperationID] = true
	}
	return read
}

// read returns the whole answer, and of a stream the begin up to the first event.
func (c *contract) read(answer *http.Response) string {
	c.t.Helper()
	if answer.Header.Get("Content-Type") != "text/event-stream" {
		all, err := io.ReadAll(answer.Body)
		if err != nil {
			c.t.Fatal(err)
		}
		return string(all)
	}
	var begin bytes.Buffer
	for lines := bufio.NewScanner(answer.Body); lines.Scan() && !strings.HasPrefix(lines.Text(), "data:"); {
		begin.WriteString(lines.Text() + "\n")
	}
	return begin.String()
}

// end fails the test if an operation of the description was not called.
func (c *contract) end() {
	c.t.Helper()
	for path, item := range c.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			if !c.called[operation.OperationID] {
				c.t.Errorf("%s %s (%s) is described and was not called", method, path, operation.OperationID)
			}
		}
	}
}

// TestEveryOperationIsAsDescribed calls every operation of the description.
func TestEveryOperationIsAsDescribed(t *testing.T) {
	t.Parallel()
	c := newContract(start(t, nil))
	e := newEvent(1, "alma", `{"id":9007199254740993123}`)
	c.die(e)
	c.die(newEvent(4, "alma", "{}"))
	c.record(list(e, newEvent(2, "alma", "\xff\x00"), newEvent(3, "secretive", "{}")), failed(e, "exports"))

	c.call(http.StatusOK, "GET", "/api/v1/openapi.yaml", "")
	c.call(http.StatusOK, "GET", "/api/v1/events", "")
	c.call(http.StatusOK, "GET", "/api/v1/events?limit=1&state=dead&route=exports&text=files&from=2026-01-01T00:00:00Z", "")
	c.call(http.StatusBadRequest, "GET", "/api/v1/events?limit=0&state=lost&from=yesterday&before=x", "")
	c.call(http.StatusOK, "GET", "/api/v1/events/1", "")
	c.call(http.StatusOK, "GET", "/api/v1/events/2", "")
	c.call(http.StatusOK, "GET", "/api/v1/events/3", "")
	c.call(http.StatusNotFound, "GET", "/api/v1/events/99", "")
	c.call(http.StatusOK, "GET", "/api/v1/events/2/body", "")
	c.call(http.StatusNotFound, "GET", "/api/v1/events/3/body", "")
	c.call(http.StatusOK, "GET", "/api/v1/events/live?after=0", "")
	if err := c.journal.RecordGap(t.Context(), journal.Gap{From: noon(), To: noon(), Lost: 3, Why: journal.GapExpired}); err != nil {
		t.Fatal(err)
	}
	c.call(http.StatusOK, "GET", "/api/v1/failures?route=exports&text=answered", "")
	c.call(http.StatusOK, "GET", "/api/v1/gaps", "")
	c.callBroker()
	c.callJobs()
	c.callRoutes()
	c.callRejected()
	c.end()
}

func (c *contract) callBroker() {
	c.call(http.StatusOK, "GET", "/api/v1/audit", "")
	c.call(http.StatusOK, "GET", "/api/v1/queues", "")
	c.call(http.StatusOK, "GET", "/api/v1/unrouted", "")
	c.call(http.StatusOK, "GET", "/api/v1/dead/exports?limit=1", "")
	c.call(http.StatusBadRequest, "GET", "/api/v1/dead/exports?after=nonsense", "")
}

func (c *contract) callJobs() {
	c.call(http.StatusBadRequest, "POST", "/api/v1/plans", `{"action":"replay","selection":{"from":"dead","text":"x"}}`)
	c.call(http.StatusBadRequest, "POST", "/api/v1/plans", `{"action":"replay","everything":true}`)
	c.call(http.StatusOK, "POST", "/api/v1/plans", `{"action":"replay","selection":{"from":"dead","routes":["exports"]}}`)
	c.call(http.StatusNotFound, "POST", "/api/v1/plans/99/start", `{}`)
	c.call(http.StatusOK, "POST", "/api/v1/plans/1/start", `{"why":"repaired","rate":0.001}`)
	c.call(http.StatusConflict, "POST", "/api/v1/plans/1/start", `{}`)
	c.call(http.StatusOK, "GET", "/api/v1/jobs?limit=1", "")
	c.call(http.StatusOK, "GET", "/api/v1/jobs/1", "")
	c.call(http.StatusNotFound, "GET", "/api/v1/jobs/99", "")
	c.call(http.StatusOK, "GET", "/api/v1/jobs/1/targets?limit=1", "")
	c.call(http.StatusOK, "POST", "/api/v1/jobs/1/pause", "")
	c.call(http.StatusOK, "POST", "/api/v1/jobs/1/resume", "")
	c.call(http.StatusOK, "POST", "/api/v1/jobs/1/stop", "")
	c.call(http.StatusConflict, "POST", "/api/v1/jobs/1/resume", "")
	c.call(http.StatusOK, "GET", "/api/v1/log?limit=2", "")
}

func (c *contract) callRoutes() {
	c.call(http.StatusOK, "GET", "/api/v1/routes", "")
	c.call(http.StatusBadRequest, "POST", "/api/v1/routes/exports/pause", `{"why":" "}`)
	c.call(http.StatusNotFound, "POST", "/api/v1/routes/nobody/pause", `{"why":"x"}`)
	c.call(http.StatusOK, "POST", "/api/v1/routes/exports/pause", `{"why":"the server is being repaired"}`)
	c.call(http.StatusOK, "POST", "/api/v1/routes/exports/resume", "")
}
