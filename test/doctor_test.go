package test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTheDoctorFindsAHealthySetUpAndAWrongSecret(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Exl-Api-Remaining", "498668")
		switch {
		case r.Header.Get("Authorization") != "apikey l8xx-test":
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/almaws/v1/bibs/test":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`<web_service_result xmlns="http://com/exlibris/urm/general/xmlbeans"><errorsExist>true</errorsExist><errorList><error><errorCode>UNAUTHORIZED</errorCode></error></errorList></web_service_result>`))
		case r.URL.Path != "/almaws/v1/users/operation/test" && r.URL.Path != "/almaws/v1/conf/test":
			t.Errorf("asked for %s", r.URL)
		}
	}))
	defer api.Close()
	config := `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
alma: { main: { url: "` + api.URL + `", key: "${KEY:-l8xx-test}" } }
sources: { alma: { preset: alma, secrets: "${SECRET:-first-test-secret}" } }
routes: { jobs: { match: alma.job_end, handler: { kind: log } } }
`
	f := newFolder(t)
	f.write(t, "hookline.yml", config)
	p := f.start(t, "run")

	well := f.run(t, "doctor", "alma", "--url", "http://"+p.listen)
	for _, want := range []string{"the challenge is answered", "is accepted", "a wrong signature is refused (401)", "no signature is refused (401)", "Alma waits 5s",
		"main: may read Users", "main: 498668 requests are left", "main: no right to read Bibs", "main: may read Configuration"} {
		if !strings.Contains(well.stdout, want) {
			t.Errorf("no %q in\n%s%s", want, well.stdout, well.stderr)
		}
	}
	if well.code != 0 || strings.Contains(well.stdout, "failed") {
		t.Errorf("exit code %d\n%s", well.code, well.stdout)
	}

	other := newFolder(t, "SECRET=second-test-secret", "KEY=l8xx-other")
	other.write(t, "hookline.yml", config)
	sick := other.run(t, "doctor", "alma", "--json", "--url", "http://"+p.listen)
	var found []struct{ Status, Line, Text string }
	if err := json.Unmarshal([]byte(sick.stdout), &found); err != nil || sick.code != 1 {
		t.Fatalf("exit code %d, %v: %s", sick.code, err, sick.stdout)
	}
	failed := map[string]bool{}
	for _, one := range found {
		if one.Status == "failed" {
			failed[one.Line] = true
		}
	}
	if len(failed) != 2 || !failed["Secret"] || !failed["API key"] {
		t.Errorf("failed %v: %s", failed, sick.stdout)
	}
	if out := f.run(t, "unrouted", "list").stdout; !strings.Contains(out, "hookline_doctor") {
		t.Errorf("unrouted: %s", out)
	}
	if out := f.run(t, "doctor", "alma", "shop"); out.code != 2 {
		t.Errorf("exit code %d for an unknown source", out.code)
	}
}
