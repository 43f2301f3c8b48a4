package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/test/rabbitnode"
)

const externalConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
broker: { url: "${AMQP_URL}" }
sources:
  alma: { preset: alma, secrets: first-test-secret }
  shop: { preset: token, secrets: first-test-secret }
routes:
  mine: { match: "#", external: true }
`

// programOf returns the program in the page for consumers that has a text.
func programOf(t *testing.T, language, library string) string {
	t.Helper()
	for place, text := range snippets(t, language) {
		if strings.HasPrefix(place, "docs/how-to/consume-with-your-own-program.md") && strings.Contains(text, library) {
			return text
		}
	}
	t.Fatalf("the page has no program in %s", language)
	return ""
}

// python returns a Python that has pika, and the environment that it needs. It installs pika into a temporary folder where it has to.
func python(t *testing.T) (program string, env []string) {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), name, "-c", "import pika").Run() == nil {
			return name, nil
		}
	}
	folder := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "python3", "-m", "pip", "install", "--quiet", "--target", folder, "pika==1.3.2").CombinedOutput(); err != nil {
		t.Skipf("Python or pika cannot be had: apt-get install python3-pika: %v: %s", err, out)
	}
	return "python3", []string{"PYTHONPATH=" + folder}
}

// node returns a folder in which a program in Node finds amqplib.
func node(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	install := exec.CommandContext(t.Context(), "npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder, "amqplib@2.3.1")
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("Node or amqplib cannot be had: %v: %s", err, out)
	}
	return folder
}

func TestAProgramInPythonConsumesAnExternalRoute(t *testing.T) {
	t.Parallel()
	program, env := python(t)
	file := filepath.Join(t.TempDir(), "consumer.py")
	consumesAnExternalRoute(t, file, programOf(t, "python", "import pika"), func() *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), program, file)
		cmd.Env = env
		return cmd
	})
}

func TestAProgramInNodeConsumesAnExternalRoute(t *testing.T) {
	t.Parallel()
	file := filepath.Join(node(t), "consumer.js")
	consumesAnExternalRoute(t, file, programOf(t, "js", "amqplib"), func() *exec.Cmd {
		return exec.CommandContext(t.Context(), "node", file)
	})
}

// consumesAnExternalRoute expects that the program takes two events, and that Hookline knows those that wait, were taken and rejected.
func consumesAnExternalRoute(t *testing.T, file, text string, command func() *exec.Cmd) {
	t.Helper()
	url := rabbitnode.URL(t)
	f := newFolder(t, "AMQP_URL="+url)
	f.write(t, "hookline.yml", externalConfig)
	p := f.start(t, "run")
	if sent := f.run(t, "send", "alma", "job_end", "-n", "2", "--url", "http://"+p.listen); sent.code != 0 {
		t.Fatalf("send: %+v", sent)
	}
	p.postTo(t, "shop", nil, "no JSON")
	f.says(t, "Route mine is external: 0 events were taken by a consumer of your own", "audit")
	f.says(t, "No program consumes hookline.work.mine, so its 3 events wait", "queues")
	if shown := p.metrics(t); !strings.Contains(shown, `hookline_broker_external_consumers{route="mine"} 0`) {
		t.Error("no metric of consumers")
	}

	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := command()
	f.env = append(slices.Clone(f.env), cmd.Env...)
	f.launchCommand(t, cmd)
	f.says(t, "Route mine is external: 2 events were taken by a consumer of your own", "audit")
	f.says(t, "shop", "dead", "list", "mine")
	if audit := f.run(t, "audit", "--json"); audit.code != 0 || !strings.Contains(audit.stdout, `"taken": 2`) {
		t.Errorf("audit: %+v", audit)
	}
	if shown := p.metrics(t); !strings.Contains(shown, `hookline_broker_external_consumers{route="mine"} 1`) {
		t.Error("the metric does not count the consumer")
	}
	if refused := f.run(t, "worker", "--route", "mine"); refused.code == 0 || !strings.Contains(refused.stderr, "no route \"mine\" with a handler") {
		t.Errorf("a worker: %+v", refused)
	}
}

// says repeats a command until it prints text.
func (f folder) says(t *testing.T, text string, args ...string) {
	t.Helper()
	var last result
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if last = f.run(t, args...); last.code == 0 && strings.Contains(last.stdout, text) {
			return
		}
	}
	t.Fatalf("hookline %v does not print %q: %+v", args, text, last)
}
