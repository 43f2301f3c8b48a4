package test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
	"golang.org/x/crypto/ssh/knownhosts"

	execute "github.com/hookline/hookline/handlers/exec"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/pkg/store/storetest"
	"github.com/hookline/hookline/receiver"
	"github.com/hookline/hookline/sender"
)

// snippets returns the blocks of code in the languages, by page and line.
func snippets(t *testing.T, languages ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, p := range pages(t) {
		for _, s := range p.code {
			if slices.Contains(languages, s.language) && !p.generated() {
				found[fmt.Sprintf("%s:%d", p.file, s.line)] = s.text
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("no page has code in %v", languages)
	}
	return found
}

// TestTheTutorialShowsTheProgramThatCompiles keeps the page's example and docs/custom the same text.
func TestTheTutorialShowsTheProgramThatCompiles(t *testing.T) {
	t.Parallel()
	if !strings.Contains(read(t, "../docs/tutorials/first-handler.md"), "```go\n"+read(t, "../docs/custom/main.go")+"```") {
		t.Error("docs/tutorials/first-handler.md does not show docs/custom/main.go as it is: copy it there")
	}
}

func TestGoInPagesCompiles(t *testing.T) {
	t.Parallel()
	for place, text := range snippets(t, "go") {
		file := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", os.DevNull, file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", place, err, out)
		}
	}
}

// customBuild builds docs/custom, which knows every built-in kind and greet.
func customBuild(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "custom")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../docs/custom").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

func TestACustomBuildKnowsItsOwnHandler(t *testing.T) {
	t.Parallel()
	program, file := customBuild(t), filepath.Join(t.TempDir(), "hookline.yml")
	for config, want := range map[string]string{
		"{ kind: greet, name: World }": "ok: 1 source, 1 route",
		"{ kind: greet }":              "ok: 1 source, 1 route",
		`{ kind: greet, name: "" }`:    "name is empty",
		"{ kind: greet, nam: World }":  "nam",
		"{ kind: fil }":                "there are exec, file, greet, http, log, notify, reconcile, transfer",
	} {
		text := "sources: { alma: { preset: alma, secrets: first-test-secret } }\nroutes: { hello: { match: '#', handler: " + config + " } }\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := exec.CommandContext(t.Context(), program, "config", "check", file).CombinedOutput()
		if !strings.Contains(string(out), want) {
			t.Errorf("%s: no %q in %s", config, want, out)
		}
	}
}

// frame completes a configuration of which a page shows a part.
const frame = `
sources: { alma: { preset: alma, secrets: first-test-secret } }
routes: { archive: { match: "#", handler: { kind: file, dir: export } } }
`

// TestConfigurationsInPagesAreRight has `config check` look at each block of YAML, completed by frame.
func TestConfigurationsInPagesAreRight(t *testing.T) {
	t.Parallel()
	program, dir := customBuild(t), t.TempDir()
	files := namedFiles(t)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	named := regexp.MustCompile(`_file: "?([^\s,}"]+)`)
	for place, text := range snippets(t, "yaml") {
		if strings.HasPrefix(text, "# prometheus.yml\n") {
			continue // Prometheus's own
		}
		for _, found := range named.FindAllStringSubmatch(text, -1) {
			name := filepath.Base(found[1])
			if files[name] == "" {
				t.Errorf("%s: it names the file %s, which this test does not make", place, found[1])
			}
			text = strings.ReplaceAll(text, "_file: "+found[1], "_file: "+name)
		}
		file := filepath.Join(dir, "hookline.yml")
		if err := os.WriteFile(file, completed(t, place, text), 0o600); err != nil {
			t.Fatal(err)
		}
		check := exec.CommandContext(t.Context(), program, "config", "check", file)
		check.Env = append(os.Environ(), sampleSecrets()...)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", place, err, out)
		}
	}
}

// completed puts a part of a configuration, or of a route, into frame.
func completed(t *testing.T, place, text string) []byte {
	t.Helper()
	var whole, part map[string]any
	if err := errors.Join(yaml.Unmarshal([]byte(frame), &whole), yaml.Unmarshal([]byte(text), &part)); err != nil {
		t.Fatalf("%s: %v", place, err)
	}
	for key, value := range part {
		switch whole[key].(type) {
		case map[string]any:
			maps.Copy(whole[key].(map[string]any), value.(map[string]any))
		default:
			if key == "pause" {
				whole["routes"].(map[string]any)["archive"].(map[string]any)[key] = value
				continue
			}
			whole[key] = value
		}
	}
	out, err := yaml.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// namedFiles returns the files that configurations in pages name, by their base name.
func namedFiles(t *testing.T) map[string]string {
	t.Helper()
	cert, key := newCertificate(t, "localhost")
	host, login := storetest.NewKey(t)
	return map[string]string{
		"cert.pem": cert, "fullchain.pem": cert, "key.pem": key, "privkey.pem": key,
		"id_ed25519": login, "known_hosts": knownhosts.Line([]string{"files.example.org"}, host.PublicKey()) + "\n",
		"redact.key": strings.Repeat("0123456789abcdef", 4),
		"alma.key":   "key", "github.secret": "first-test-secret", "alma.secret": "first-test-secret", "alma-2026.secret": "older-test-secret", "alma-2027.secret": "newer-test-secret",
		"twilio.token": "token", "smtp.password": "password",
	}
}

// TestProgramsForExecHandleEverySample runs each program that a page shows for the handler exec with every sample of every
// preset. A program that shows how to give up gives up.
func TestProgramsForExecHandleEverySample(t *testing.T) {
	t.Parallel()
	for place, text := range snippets(t, "python", "sh") {
		if strings.Contains(text, "import pika") {
			continue // a consumer of RabbitMQ
		}
		givesUp := strings.HasSuffix(text, "sys.exit(65)\n")
		for _, preset := range signature.Presets() {
			for _, sample := range sender.Samples(preset) {
				err := runProgram(t, text, sample)
				if givesUp != handler.IsPermanent(err) || !givesUp && err != nil {
					t.Errorf("%s with %s of %s in %s: %v", place, sample.Name, preset, sample.Format, err)
				}
			}
		}
	}
}

// TestAProgramThatExpectsAFieldFails holds that the test above finds a program that knows one sender only.
func TestAProgramThatExpectsAFieldFails(t *testing.T) {
	t.Parallel()
	const old = "#!/usr/bin/env python3\nimport json, sys\nprint(json.load(sys.stdin)[\"action\"])\n"
	sample, err := sender.Find("github", "push", "json")
	if err != nil {
		t.Fatal(err)
	}
	if err := runProgram(t, old, sample); err == nil {
		t.Error("a program that wants a field which GitHub's push does not have succeeds")
	}
}

// interpreters returns a PATH that begins with Python's own folder: a manager of versions in front of it would take longer
// to find it than a program takes to run.
var interpreters = sync.OnceValue(func() string {
	python, err := exec.Command("python3", "-c", "import os, sys; print(os.path.dirname(os.path.realpath(sys.executable)))").Output()
	if err != nil {
		return os.Getenv("PATH") // the tests say that it is missing
	}
	return strings.TrimSpace(string(python)) + ":" + os.Getenv("PATH")
})

// runProgram hands a sample to a program through the handler exec. The error has the end of its standard error.
func runProgram(t *testing.T, text string, sample sender.Sample) error {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "program")
	if err := os.WriteFile(file, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	h, err := execute.New(execute.Config{Command: []string{file}, Dir: dir}, []string{"PATH=" + interpreters()})
	if err != nil {
		t.Fatal(err)
	}
	m := sample.Message("", time.Now())
	return h.Handle(t.Context(), event.Delivery{Route: "mine", Attempt: 1, Event: event.Event{
		ID: event.NewID(m.ID, m.Body), Source: sample.Preset, Action: sample.Action, Time: time.Now(),
		ContentType: m.Header.Get("Content-Type"), Data: m.Body,
	}})
}

// TestSendersPageHasEveryPreset compares docs/reference/senders.md with the table of presets.
func TestSendersPageHasEveryPreset(t *testing.T) {
	t.Parallel()
	lines := strings.Split(read(t, "../docs/reference/senders.md"), "\n")
	for _, name := range signature.Presets() {
		source, _ := receiver.Preset(name)
		deadline, whenDown := source.Deadline, source.WhenDown
		if deadline == 0 {
			deadline = 10 * time.Second
		}
		if whenDown == "" {
			whenDown = receiver.Spool
		}
		end := fmt.Sprintf("| %d s | `%s` |", int(deadline.Seconds()), whenDown)
		if !slices.ContainsFunc(lines, func(line string) bool {
			return strings.HasPrefix(line, "| `"+name+"` |") && strings.HasSuffix(line, end)
		}) {
			t.Errorf("docs/reference/senders.md has no row of %s that ends in %q", name, end)
		}
		if schedule := regexp.MustCompile("(?m)^\\| .*`" + name + "`.* \\| .* \\| .* \\|$"); len(schedule.FindAllString(strings.Join(lines, "\n"), -1)) < 2 {
			t.Errorf("docs/reference/senders.md does not say how %s repeats", name)
		}
	}
}
