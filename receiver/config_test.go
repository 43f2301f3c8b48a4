package receiver_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.yaml.in/yaml/v4"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/receiver"
)

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	bad := preset(t, "alma")
	bad.Verify.Kind = "odd"
	bad.Handshake.Kind = "wave"
	bad.Deadline, bad.MaxBody, bad.Rate.PerSecond, bad.WhenDown = -1, 1<<40, -1, "wait"
	bad.KeepHeaders = []string{"authorization", "a b", "X-Fine"}
	bad.Event.ID = []string{"id", "json:", "json:@pretty", "json:a.#", "xml:/a", "form-json:payload", "header:", "word:"}
	token := preset(t, "gitlab")
	token.KeepHeaders = []string{"x-gitlab-token"}
	token.Handshake.Kind = receiver.ZoomURL
	meta, _ := receiver.Preset("meta")
	cfg := receiver.Config{
		Sources:   checked(t, map[string]receiver.Source{"slack": preset(t, "slack")}),
		PublicURL: "hooks.example.org", Grace: -1, Limits: receiver.Limits{MaxMemory: 1000},
	}
	_, err := receiver.New(cfg, &fakeBroker{}, prometheus.NewRegistry(), zap.NewNop())
	for name, s := range map[string]receiver.Source{"alma": bad, "Bad.Name": preset(t, "alma"), "unknown": preset(t, "alma"), "gitlab": token, "meta": meta} {
		wrong := receiver.Sources{}.Add(name, s)
		if wrong == nil {
			t.Errorf("%s was accepted", name)
		}
		for _, field := range setting.Fields(wrong) {
			err = errors.Join(err, fmt.Errorf("sources.%s.%w", name, field))
		}
	}
	if err == nil {
		t.Fatal("all was accepted")
	}
	for _, want := range []string{
		"sources.alma.verify: ", "sources.alma.handshake: ", "sources.alma.deadline: ", "sources.alma.max_body: ", "sources.alma.rate: ", "sources.alma.when_down: ",
		"Authorization carries", `"a b" is not`, `"id" is none`, `"json:" is`, `"json:@pretty"`, `"json:a.#"`, `"xml:/a"`, `"form-json:payload"`, `"header:"`, `"word:"`,
		`source "Bad.Name"`, `source "unknown"`, "X-Gitlab-Token carries", "sources.gitlab.handshake: ", "sources.meta.handshake: verify_token",
		"public URL", "Grace", "sources.slack.max_body: 1048576 is more than",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %q", want)
		}
	}
	for secret := range strings.SplitSeq(secretOf("alma")+" "+secretOf("gitlab"), " ") {
		if strings.Contains(err.Error(), secret) {
			t.Error("a secret leaks")
		}
	}
}

func TestTwoReceiversCannotShareARegistry(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	if _, err := receiver.New(every(t), &fakeBroker{}, reg, zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	if _, err := receiver.New(every(t), &fakeBroker{}, reg, zap.NewNop()); err == nil {
		t.Error("the second was accepted")
	}
}

func TestEverySeriesExistsAtZero(t *testing.T) {
	t.Parallel()
	s := serve(t, every(t), &fakeBroker{})
	for _, series := range [][]string{
		{"requests_total", "source", "alma", "code", "503"}, {"requests_total", "source", "unknown", "code", "404"}, {"request_seconds", "source", "alma"}, {"in_flight"},
		{"verify_failures_total", "source", "alma", "reason", "stale"}, {"accepted_total", "source", "alma"}, {"unrouted_total", "source", "alma"},
		{"unreadable_total", "source", "alma"}, {"handshakes_total", "source", "alma", "result", "refused"}, {"publish_seconds", "source", "alma"},
		{"publish_failures_total", "source", "alma", "reason", "blocked"},
	} {
		if v := s.metric(t, series[0], series[1:]...); v != 0 {
			t.Errorf("%v is %v", series, v)
		}
	}
}

func TestAPresetIsChangedByDecodingYAMLOverIt(t *testing.T) {
	t.Parallel()
	s := preset(t, "github")
	const text = "deadline: 3s\nevent: {action: [json:kind]}\nrate: {per_second: 5}\nhandshake: {kind: challenge-text}\nverify: {signature: {in: 'header:X-Sign'}}\n"
	if err := yaml.Load([]byte(text), &s, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	if s.Deadline != 3*time.Second || s.MaxBody != 25<<20 || s.Event.Action[0] != "json:kind" || s.Event.ID[0] != "unique:header:X-GitHub-Delivery" ||
		s.Rate.PerSecond != 5 || s.Verify.Signature.In != "header:X-Sign" || s.Verify.Signature.Prefix != "sha256=" {
		t.Errorf("%+v", s)
	}
}

// A scheme that signs the address gets the one that the sender knows.
func TestTheSignedAddressIsThePublicOne(t *testing.T) {
	t.Parallel()
	for _, public := range []string{"https://hooks.example.org/base/", ""} {
		cfg := only(t, func(s *receiver.Source) { s.Verify.Template = "{url}{body}" })
		cfg.PublicURL = public
		var b fakeBroker
		s := serve(t, cfg, &b)
		url := "https://" + s.addr + "/webhooks/alma?a=b%20c"
		if public != "" {
			url = "https://hooks.example.org/base/webhooks/alma?a=b%20c"
		}
		v, err := signature.New(cfg.Sources["alma"].Verify, cfg.Sources["alma"].Secrets)
		if err != nil {
			t.Fatal(err)
		}
		r := signature.Request{Method: "POST", URL: url, Header: map[string][]string{}, Body: []byte(jobEnd)}
		if err := v.Sign(&r, "", time.Now()); err != nil {
			t.Fatal(err)
		}
		if got := s.post(t, "/webhooks/alma?a=b%20c", r.Header, jobEnd); got.code != 200 {
			t.Errorf("public URL %q: answered %d %s", public, got.code, got.body)
		}
	}
}

func TestTheVerifierOfASource(t *testing.T) {
	t.Parallel()
	all := every(t).Sources
	if all.Verifier("alma") == nil || all.Verifier("nobody") != nil {
		t.Error("a source has no verifier, or nobody has one")
	}
}
