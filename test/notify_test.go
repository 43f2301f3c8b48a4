package test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// almaAPI plays Alma's API for one user, and holds what it is asked against what Alma wants.
func almaAPI(t *testing.T) *httptest.Server {
	t.Helper()
	const user = `{"primary_id":"sample.operator","first_name":"Sample","last_name":"Operator","contact_info":{
		"phone":[{"phone_number":"+49 30 111","preferred":true,"preferred_sms":null},{"phone_number":"0170 555 01-00","preferred":false,"preferred_sms":true}],
		"email":[{"email_address":"operator@example.org","preferred":true}]}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Exl-Api-Remaining", "498668")
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		switch {
		case r.Header.Get("Authorization") != "apikey l8xx-test" || r.Header.Get("Accept") != "application/json" || r.Method != http.MethodGet:
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
			w.WriteHeader(http.StatusBadRequest)
		case r.URL.Path != "/almaws/v1/users/sample.operator" || r.URL.Query().Get("user_id_type") != "all_unique":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"errorsExist":true,"errorList":{"error":[{"errorCode":"401861","errorMessage":"User with identifier X was not found."}]},"result":null}`)
		default:
			_, _ = io.WriteString(w, user)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// message is what a service for text messages was given.
type message struct{ To, Text string }

// smsService plays a service that takes text messages over HTTP.
func smsService(t *testing.T) (url string, got <-chan message) {
	t.Helper()
	messages := make(chan message, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil || r.Header.Get("Authorization") != "Bearer sms-token" || r.Header.Get("Idempotency-Key") == "" {
			t.Errorf("%v, %v", err, r.Header)
		}
		messages <- m
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(server.Close)
	return server.URL, messages
}

// TestWhoRanTheJobGetsATextMessage is the example that Ex Libris gave for AWS in 2016.
func TestWhoRanTheJobGetsATextMessage(t *testing.T) {
	t.Parallel()
	sms, messages := smsService(t)
	f := newFolder(t, "ALMA_API_KEY=l8xx-test", "ALMA_API="+almaAPI(t).URL, "SMS_URL="+sms)
	f.write(t, "hookline.yml", `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
alma: { main: { url: "${ALMA_API}", key: "${ALMA_API_KEY}" } }
sources: { alma: { preset: alma, secrets: first } }
routes:
  tell-initiator:
    match: alma.job_end
    handler:
      kind: notify
      text: '{{.data.job_instance.name}} has ended: {{.data.job_instance.status.desc}}'
      sms: { http: { url: "${SMS_URL}", headers: { Authorization: Bearer sms-token } }, country: "49" }
      sent: data/sent
`)
	p := f.start(t, "run")
	for range 2 { // a sender's repeat has the same ID
		if sent := f.run(t, "send", "alma", "job_end", "--id", "42", "--url", "http://"+p.listen); sent.code != 0 {
			t.Fatalf("send: %+v", sent)
		}
		if line := p.log(t, "delivery done"); line["outcome"] != "done" {
			t.Fatal(line)
		}
	}
	if m := <-messages; m != (message{"+491705550100", "Export Bibliographic Records has ended: Completed Successfully"}) {
		t.Errorf("sent %+v", m)
	}
	if len(messages) != 0 {
		t.Error("sent twice")
	}
	metrics := p.metrics(t)
	for _, want := range []string{
		`hookline_alma_requests_total{code="2xx",institution="main"} 2`, `hookline_alma_api_remaining{institution="main"} 498668`,
		`hookline_notify_sent_total{result="sent",service="http"} 1`, `hookline_notify_sent_total{result="repeat",service="http"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(metrics, "operator") || strings.Contains(metrics, "555") {
		t.Error("a person is in the metrics")
	}
}
