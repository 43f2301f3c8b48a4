// Package test tests the repository as a whole: the rules for imports, and the built binary.
package test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/hookline/hookline/"

// TestImportsRunOneWay checks the rule of docs/design.md: a package imports only packages below it.
func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	allowed := map[string][]string{
		"pkg/event":        {},
		"pkg/errorpattern": {},
		"journal":          {"pkg/errorpattern", "pkg/event", "pkg/recent"},
		"pkg/handler":      {"pkg/event"},
		"pkg/jsonbody":     {},
		"pkg/recent":       {},
		"pkg/setting":      {},
		"pkg/signature":    {"pkg/jsonbody", "pkg/setting"},
		"alma":             {"pkg/setting"},
		"pkg/text":         {"pkg/event", "pkg/handler", "pkg/jsonbody"},
		"broker":           {"pkg/event", "pkg/setting"},
		"pkg/deadline":     {},
		"pkg/durable":      {},
		"broker/ledger":    {},
		"pkg/privacy":      {"pkg/event", "pkg/setting", "pkg/jsonbody"},
		"pkg/tail":         {},

		"broker/rabbitmq":   {"pkg/recent", "broker", "pkg/event", "broker/ledger"},
		"broker/embedded":   {"broker", "pkg/event"},
		"broker/brokertest": {"broker", "pkg/event"},

		"console":             {"broker", "console/jobs", "journal", "pkg/errorpattern", "pkg/jsonbody", "pkg/setting", "pkg/text"},
		"console/consoletest": {"broker", "console", "console/jobs", "journal", "pkg/event"},

		"alma/marc":           {},
		"pkg/store":           {},
		"pkg/store/dropbox":   {"pkg/setting", "pkg/store"},
		"pkg/store/ftp":       {"pkg/setting", "pkg/store"},
		"pkg/store/local":     {"pkg/durable", "pkg/store"},
		"pkg/store/rclone":    {"pkg/store"},
		"pkg/store/s3":        {"pkg/setting", "pkg/store"},
		"pkg/store/sftp":      {"pkg/setting", "pkg/store"},
		"pkg/store/storetest": {"pkg/store"},
		"pkg/store/webdav":    {"pkg/setting", "pkg/store"},

		"broker/spool":    {"broker", "broker/embedded", "pkg/deadline", "pkg/durable", "pkg/event"},
		"receiver":        {"pkg/setting", "broker", "pkg/deadline", "pkg/event", "pkg/privacy", "pkg/recent", "pkg/signature", "pkg/jsonbody"},
		"schedule":        {"pkg/setting", "broker", "pkg/event"},
		"worker":          {"pkg/setting", "broker", "pkg/event", "pkg/handler", "pkg/privacy", "pkg/jsonbody"},
		"alma/enrich":     {"alma", "pkg/event", "pkg/handler", "pkg/privacy", "pkg/jsonbody"},
		"handlers/exec":   {"pkg/event", "pkg/handler", "pkg/tail"},
		"handlers/file":   {"pkg/durable", "pkg/event", "pkg/handler"},
		"handlers/http":   {"pkg/setting", "pkg/event", "pkg/handler", "pkg/jsonbody", "pkg/signature", "pkg/text"},
		"handlers/log":    {"pkg/event", "pkg/handler", "pkg/jsonbody"},
		"handlers/notify": {"pkg/setting", "pkg/durable", "pkg/event", "pkg/handler", "pkg/jsonbody", "pkg/privacy", "pkg/text"},
		"alma/reconcile":  {"pkg/setting", "alma", "pkg/durable", "pkg/event", "pkg/handler", "pkg/signature", "sender"},
		"alma/transfer":   {"pkg/event", "pkg/handler", "alma/marc", "pkg/store", "pkg/store/dropbox", "pkg/store/ftp", "pkg/store/local", "pkg/store/rclone", "pkg/store/s3", "pkg/store/sftp", "pkg/store/webdav", "pkg/tail", "pkg/jsonbody"},
		"alma/doctor":     {"alma", "pkg/signature", "sender"},
		"sender":          {"pkg/event", "pkg/signature"},
		"expect":          {"broker", "pkg/durable", "pkg/event", "pkg/setting"},
		"whatif":          {"broker", "pkg/event", "pkg/handler", "pkg/jsonbody", "worker"},

		"console/jobs": {"broker", "journal", "pkg/errorpattern", "pkg/event"},

		"app/config": {"console", "expect", "alma/enrich", "pkg/setting", "alma", "broker", "pkg/handler", "pkg/jsonbody", "pkg/privacy", "pkg/signature", "receiver", "schedule", "worker"},
		"app": {
			"app/config", "alma", "broker", "expect", "broker/embedded", "broker/rabbitmq", "pkg/event", "pkg/handler", "pkg/jsonbody", "pkg/text", "receiver", "schedule", "broker/spool", "worker",
			"alma/enrich", "handlers/exec", "handlers/file", "handlers/http", "handlers/log", "handlers/notify", "journal", "console", "console/api", "console/jobs",
			"alma/reconcile", "alma/transfer", "pkg/privacy", "pkg/setting", "whatif",
		},
		"console/api":    {"broker", "console", "console/jobs", "docs/reference", "journal"},
		"console/client": {"console/api"},
		"cli":            {"app", "app/config", "broker", "console", "console/api", "console/client", "console/jobs", "pkg/errorpattern", "pkg/event", "pkg/handler", "pkg/privacy", "pkg/text", "sender", "alma/doctor", "alma/transfer", "whatif"},
		"cmd/hookline":   {"cli"},
	}
	for pkg, imports := range packages(t) {
		if strings.HasPrefix(pkg, "test") || strings.HasPrefix(pkg, "docs/") || strings.HasPrefix(pkg, "deployments/") {
			continue
		}
		rule, known := allowed[pkg]
		if !known {
			t.Errorf("package %s has no rule here: add the packages that it may import", pkg)
		}
		for _, name := range rule {
			if !slices.Contains(imports, module+name) {
				t.Errorf("%s does not import %s: take it off the rule", pkg, name)
			}
		}
		for _, imported := range imports {
			if name, ours := strings.CutPrefix(imported, module); ours && !slices.Contains(rule, name) {
				t.Errorf("%s imports %s", pkg, name)
			}
			if imported == "github.com/rabbitmq/amqp091-go" && pkg != "broker/rabbitmq" {
				t.Errorf("%s imports amqp091-go: only broker/rabbitmq speaks AMQP", pkg)
			}
			if pkg == "pkg/event" && strings.Contains(strings.Split(imported, "/")[0], ".") {
				t.Errorf("pkg/event imports %s: it is for the standard library only", imported)
			}
		}
	}
}

func packages(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "../...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	found := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		found[strings.TrimPrefix(fields[0], module)] = fields[1:]
	}
	return found
}
