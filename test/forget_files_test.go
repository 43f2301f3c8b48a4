package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const forgetFilesConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
sources: { shop: { preset: token, secrets: first-test-secret } }
alma: { main: { url: "${SINK_URL}", key: l8xx-test } }
routes:
  archive: { match: "#", handler: { kind: file, dir: data/export, path: "{source}/{id}/{date}{ext}", metadata: true } }
  volume: { match: "#", redact: { mask: [note] }, handler: { kind: file, dir: "${VOLUME}" } }
  away: { match: "#", handler: { kind: file, dir: "${VOLUME}/away" }, retry: { attempts: 3, first: 1h, max: 1h }, pause: { of: 0 } }
  crm: { match: "#", handler: { kind: http, url: "http://127.0.0.1:1" }, retry: { attempts: 1 }, pause: { of: 0 } }
  told: { match: "#", handler: { kind: notify, url: "generic+${SINK_URL}", text: "{{.id}}", sent: data/sent } }
  late: { match: "shop.job_end", handler: { kind: reconcile, jobs: [M44], seen: data/seen, url: "http://127.0.0.1:1/webhooks/shop", secret: first-test-secret } }
`

// forgetFolder runs all roles with every handler that keeps something on this machine, and takes three events of a person, and two others.
func forgetFolder(t *testing.T) (f folder, p *process, volume string) {
	t.Helper()
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(sink.Close)
	volume = t.TempDir()
	f = newFolder(t, "VOLUME="+volume, "SINK_URL="+sink.URL)
	f.write(t, "hookline.yml", forgetFilesConfig)
	open := f.command(t, "run")
	p = f.launchCommand(t, exec.Command("sh", append([]string{"-c", `umask 0; exec "$0" "$@"`}, open.Args...)...)) // modes show what the program asks for
	before, started := p.search(t, "started")
	for _, line := range before {
		p.lines <- line
	}
	p.listen, _ = started["listen"].(string)
	p.private, _ = started["private_listen"].(string)
	for _, id := range []string{"1", "2", strings.ToLower(patronID), "other-1", "other-2"} {
		person, action := patronID, "job_end"
		if strings.HasPrefix(id, "other") {
			person = "another"
		}
		if strings.EqualFold(id, patronID) {
			action = "loan"
		}
		p.postTo(t, "shop", http.Header{"Webhook-Id": {id}}, fmt.Sprintf(`{"type":%q,"user":%q,"note":"x"}`, action, person))
	}
	p.awaitDone(t, 5*5+4)
	return f, p, volume
}

// forgotten is the JSON form of the command's result.
type forgotten struct {
	Events        int
	Files         []struct{ Route, File string }
	NotSearched   []struct{ Route, Kind, Reason string } `json:"not_searched"`
	RemovedEvents int                                    `json:"removed_events"`
	RemovedFiles  int                                    `json:"removed_files"`
}

func (f folder) forgetJSON(t *testing.T, args ...string) (got forgotten) {
	t.Helper()
	r := f.run(t, append([]string{"forget", "--match", patronID, "--json"}, args...)...)
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || r.code != 0 {
		t.Fatalf("%v: %+v", err, r)
	}
	return got
}

func TestForgetRemovesExportedFilesAndLeavesNoBytes(t *testing.T) {
	t.Parallel()
	f, p, volume := forgetFolder(t)
	before := len(filesBelow(t, volume)) + len(filesBelow(t, filepath.Join(f.dir, "data", "export")))

	dry := f.forgetJSON(t, "--dry-run")
	if dry.Events != 6 || len(dry.Files) != 6 || dry.RemovedEvents+dry.RemovedFiles != 0 {
		t.Errorf("dry run: %+v", dry)
	}
	for _, found := range dry.Files {
		if _, err := os.Stat(found.File); err != nil || found.Route != "archive" && found.Route != "volume" {
			t.Errorf("found %+v: %v", found, err)
		}
	}
	var missed []string
	for _, n := range dry.NotSearched {
		missed = append(missed, n.Route+" "+n.Kind)
	}
	if slices.Sort(missed); !slices.Equal(missed, []string{"away file", "crm http", "told notify"}) {
		t.Errorf("not searched: %+v", dry.NotSearched)
	}
	f.write(t, "data/line.db.damaged-20260102T030405.000Z", patronID)
	if err := os.Mkdir(filepath.Join(f.dir, "data", "journal"), 0o700); err != nil {
		t.Fatal(err)
	}
	f.write(t, "data/journal/journal.db", patronID)
	f.write(t, "data/rabbitmq", "rabbitmq.example.org:5672\n")
	if r := f.run(t, "forget", "--match", patronID, "--dry-run"); !strings.Contains(r.stdout, "line.db.damaged-20260102T030405.000Z: it was set aside") || !strings.Contains(r.stdout, "not searched: rabbitmq.example.org:5672: until now") || !strings.Contains(r.stdout, "data/journal: it has the history") {
		t.Errorf("databases that were set aside: %+v", r)
	}
	for _, name := range []string{"line.db.damaged-20260102T030405.000Z", "journal/journal.db", "rabbitmq"} {
		if err := os.Remove(filepath.Join(f.dir, "data", name)); err != nil {
			t.Fatal(err)
		}
	}
	unset := f
	unset.env = append(slices.Clone(f.env), "VOLUME=")
	if r := unset.run(t, "forget", "--match", patronID, "--dry-run"); r.code != 0 || !strings.Contains(r.stdout, "not searched: volume (file)") {
		t.Errorf("without a variable of a handler: %+v", r)
	}

	shown := f.run(t, "forget", "--match", patronID, "--yes")
	if shown.code != 0 || !strings.Contains(shown.stdout, "removed 6 events and 6 files") || !strings.Contains(shown.stdout, "the folder "+filepath.Join(volume, "away")+" is missing") {
		t.Errorf("%+v", shown)
	}
	for _, found := range dry.Files {
		if !strings.Contains(shown.stdout, "file of route "+found.Route+": "+found.File+"\n") {
			t.Errorf("%s is not named in %s", found.File, shown.stdout)
		}
	}
	if again := f.forgetJSON(t, "--yes"); again.Events+len(again.Files)+again.RemovedEvents+again.RemovedFiles != 0 {
		t.Errorf("a second time: %+v", again)
	}
	if after := len(filesBelow(t, volume)) + len(filesBelow(t, filepath.Join(f.dir, "data", "export"))); before-after != 9 { // metadata is half of the archive
		t.Errorf("%d of %d files are left", after, before)
	}
	if audit := f.run(t, "audit"); audit.code != 0 {
		t.Errorf("audit: %+v", audit)
	}
	for _, running := range []bool{true, false} {
		if !running {
			p.stop(t)
		}
		for _, dir := range []string{f.dir, volume} {
			expectNowhere(t, dir, patronID)
		}
	}
}

// expectNowhere searches the names and the bytes of all files of a folder for a text, in upper and lower case.
func expectNowhere(t *testing.T, dir, text string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		found := []byte(name)
		if entry.Type().IsRegular() {
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			found = append(found, content...)
		}
		if bytes.Contains(bytes.ToLower(found), []byte(strings.ToLower(text))) {
			t.Errorf("%s has the text", name)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestOthersCannotReadFiles covers everything that the processes write: events, marks and exported files.
func TestOthersCannotReadFiles(t *testing.T) {
	t.Parallel()
	f, p, volume := forgetFolder(t)
	p.stop(t)
	spooling := newFolder(t, noBroker)
	spooling.write(t, "hookline.yml", spoolConfig)
	for range 2 { // the second start names the spool
		receiver := spooling.launchCommand(t, exec.Command("sh", append([]string{"-c", `umask 0; exec "$0" "$@"`}, spooling.command(t, "receiver").Args...)...))
		receiver.listen, _ = receiver.log(t, "started")["listen"].(string)
		expectAnswer(t, receiver, patronID, 0, http.StatusOK)
		receiver.stop(t)
	}
	var names []string
	for _, dir := range []string{filepath.Join(f.dir, "data"), volume, filepath.Join(spooling.dir, "data")} {
		err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
			if err != nil || name == volume { // the test made it
				return err
			}
			info, err := entry.Info()
			if err == nil && info.Mode()&0o007 != 0 {
				t.Errorf("%s has mode %s", name, info.Mode())
			}
			rel, _ := filepath.Rel(dir, name)
			names = append(names, rel)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	for _, want := range []string{"line.db", "line.db.hand", "line.db.lock", "sent", "seen/1", "export/shop/1/", "spool/spool.db", "spool/name", "spool/counts", "rabbitmq"} {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, want) }) {
			t.Errorf("%s was not looked at: %q", want, names)
		}
	}
}
