package test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// almaAPI is a double of Alma's API with one user. It checks each request against Alma's rules.
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
		case strings.HasPrefix(r.URL.Path, "/almaws/v1/bibs/"):
			_, _ = io.WriteString(w, `{"mms_id":"1"}`)
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

// TestJobOperatorGetsATextMessage is the example that Ex Libris gave for AWS in 2016, in the files that show it.
func TestJobOperatorGetsATextMessage(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"../hookline.sample.yml", "../deployments/examples/alma-notify.yml"} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			messages, bodies := make(chan url.Values, 10), make(chan string, 10)
			twilio := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if user, token, _ := r.BasicAuth(); !strings.HasPrefix(user, "AC0000") || token != "twilio-token" || r.URL.Path != "/2010-04-01/Accounts/"+user+"/Messages.json" {
					t.Errorf("%s of %s", r.URL, user)
				}
				if err := r.ParseForm(); err != nil {
					t.Error(err)
				}
				messages <- r.PostForm
				w.WriteHeader(http.StatusCreated)
			}))
			t.Cleanup(twilio.Close)
			elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				bodies <- string(body)
			}))
			t.Cleanup(elsewhere.Close)

			f := newFolder(t, "ALMA_API_KEY=l8xx-test", "TWILIO_TOKEN=twilio-token")
			text := strings.NewReplacer("region: eu ", "url: "+almaAPI(t).URL+" ", "region: eu,", "url: "+almaAPI(t).URL+",", `from: "+15550100"`, `from: "+15550100", url: "`+twilio.URL+`"`,
				"https://example.org", elsewhere.URL, `listen: ":8080"`, `listen: "127.0.0.1:0"`, `"127.0.0.1:9090"`, `"127.0.0.1:0"`).Replace(read(t, file))
			if !strings.Contains(text, "private_listen") {
				text += "\nlisten: \"127.0.0.1:0\"\nprivate_listen: \"127.0.0.1:0\"\n"
			}
			text = strings.ReplaceAll(text, "duplicates: 2h", "") + "\nduplicates: 0\n" // so that a repeat comes to the handler, as a late one does
			f.write(t, "hookline.yml", text)
			p := f.start(t, "run")
			send := func(action, id string) {
				if sent := f.run(t, "send", "alma", action, "--id", id, "--url", "http://"+p.listen); sent.code != 0 {
					t.Fatalf("send: %+v", sent)
				}
			}
			send("job_end", "42")
			m := <-messages
			if m.Get("To") != "+491705550100" || m.Get("Body") != "Export Bibliographic Records has ended: Completed Successfully" || m.Get("From") != "+15550100" {
				t.Errorf("sent %v", m)
			}
			send("job_end", "42") // Alma's repeat has the same ID
			repeat := `hookline_notify_sent_total{result="repeat",service="twilio"} 1`
			for !strings.Contains(p.metrics(t), repeat) {
				p.log(t, "delivery done")
			}
			send("bib.bib_created", "43")
			for body := range bodies {
				if strings.Contains(body, `"action":"BIB_CREATED"`) || strings.Contains(body, `"BIB_CREATED"`) {
					if !strings.HasPrefix(body, `{"enriched":{"mms_id":`) {
						t.Errorf("not enriched: %s", body)
					}
					break
				}
			}
			if len(messages) != 0 {
				t.Error("sent twice")
			}
			metrics := p.metrics(t)
			for _, want := range []string{`hookline_notify_sent_total{result="sent",service="twilio"} 1`, `hookline_alma_requests_total{code="2xx",institution="main"} 3`, `hookline_alma_api_remaining{institution="main"} 498668`} {
				if !strings.Contains(metrics, want) {
					t.Errorf("no %s", want)
				}
			}
			if p.stop(t) != 0 || strings.Contains(metrics, "operator") || strings.Contains(metrics, "5550100") {
				t.Error("a person is in the metrics, or it did not stop well")
			}
			for _, name := range filesBelow(t, filepath.Join(f.dir, "data", "sent")) {
				if strings.Contains(name, "operator") {
					t.Errorf("a person is in the name %s", name)
				}
			}
		})
	}
}

func TestAWorkerThatIsKilledWhileItSendsDoesNotSendTwice(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 10)
	sms := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that the client is gone
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(sms.Close)
	f := newFolder(t)
	f.write(t, "hookline.yml", `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
alma: { main: { url: "`+almaAPI(t).URL+`", key: l8xx-test } }
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes:
  tell:
    match: alma.job_end
    handler: { kind: notify, text: ended, sms: { http: { url: "`+sms.URL+`" }, country: "49" }, sent: data/sent }
    retry: { attempts: 5, first: 10ms, max: 10ms }
`)
	p := f.start(t, "run")
	if sent := f.run(t, "send", "alma", "job_end", "--url", "http://"+p.listen); sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	<-asked
	p.kill()
	p = f.start(t, "run")
	for {
		line := p.log(t, "delivery retried")
		if text, _ := line["error"].(string); strings.Contains(text, "another delivery of this event is sending the message, or was when its process ended") {
			break // in ten minutes it will say: maybe sent
		}
	}
	if len(asked) != 0 {
		t.Error("sent twice")
	}
}
