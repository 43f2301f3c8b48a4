package file_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/handlers/file"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

func delivery(id, body string) event.Delivery {
	return event.Delivery{Route: "archive", Attempt: 1, Event: event.Event{
		ID: id, Source: "alma", Action: "loan.loan_created", ContentType: "application/json", Data: []byte(body),
		Time: time.Date(2026, 11, 21, 23, 59, 58, 7e6, time.FixedZone("", 3600)), Header: map[string]string{"X-A": "b"},
	}}
}

func newHandler(t *testing.T, cfg file.Config) handler.Handler {
	t.Helper()
	h, err := file.New(cfg, "/")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func handle(t *testing.T, h handler.Handler, d event.Delivery) {
	t.Helper()
	if err := h.Handle(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// files lists what is under dir with its content.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		found[rel] = string(body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTheSameEventTwiceIsOneFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	h := newHandler(t, file.Config{Dir: dir})
	for range 2 {
		handle(t, h, delivery("42", `{"a":1}`))
	}
	if got := files(t, dir); len(got) != 1 || got["alma/loan.loan_created/2026-11-21/42.json"] != `{"a":1}` {
		t.Errorf("%v", got)
	}
}

func TestAnotherEventNeverReplacesAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := newHandler(t, file.Config{Dir: dir, Path: "{id}.json"})
	for _, body := range []string{"one", "two", "one", "two", "three", ""} {
		handle(t, h, delivery("42", body))
	}
	got := files(t, dir)
	bodies := []string{}
	for name, body := range got {
		bodies = append(bodies, body)
		if !strings.HasPrefix(name, "42") || !strings.HasSuffix(name, ".json") {
			t.Errorf("named %s", name)
		}
	}
	slices.Sort(bodies)
	if got["42.json"] != "one" || !slices.Equal(bodies, []string{"", "one", "three", "two"}) {
		t.Errorf("%v", got)
	}
}

func TestManyWritersOfOneEventLeaveOneWholeFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	body := strings.Repeat("0123456789abcdef", 10_000)
	errs := make(chan error, 64)
	var writers sync.WaitGroup
	for range 64 {
		writers.Go(func() {
			h, err := file.New(file.Config{Dir: dir, Path: "{id}", Metadata: true}, "/") // as many processes would
			if err == nil {
				err = h.Handle(t.Context(), delivery("42", body))
			}
			errs <- err
		})
	}
	writers.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if got := files(t, dir); len(got) != 2 || got["42"] != body {
		t.Errorf("%d files, %d bytes", len(got), len(got["42"]))
	}
}

func TestManyEventsUnderOneNameAreAllKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := newHandler(t, file.Config{Dir: dir, Path: "{id}"})
	var writers sync.WaitGroup
	for i := range 64 {
		writers.Go(func() {
			if err := h.Handle(t.Context(), delivery("42", fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	if got := files(t, dir); len(got) != 64 {
		t.Errorf("%v", got)
	}
}

func TestAPartLeftByACrashIsUsedUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := newHandler(t, file.Config{Dir: dir, Path: "{id}"})
	torn := file.PartName("42", []byte("whole"))
	if err := os.WriteFile(filepath.Join(dir, torn), []byte("who"), 0o600); err != nil {
		t.Fatal(err)
	}
	handle(t, h, delivery("42", "whole"))
	if got := files(t, dir); len(got) != 1 || got["42"] != "whole" {
		t.Errorf("%v", got)
	}
	// The crash was after the link, before the part was taken away.
	if err := os.Link(filepath.Join(dir, "42"), filepath.Join(dir, torn)); err != nil {
		t.Fatal(err)
	}
	handle(t, h, delivery("42", "whole"))
	if got := files(t, dir); len(got) != 1 || got["42"] != "whole" {
		t.Errorf("%v", got)
	}
}

func TestMetadataBesideEachFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := newHandler(t, file.Config{Dir: dir, Path: "{id}{ext}", Metadata: true})
	first, repeat := delivery("42", `{}`), delivery("42", `{}`)
	repeat.Event.Time = repeat.Event.Time.Add(time.Hour)
	handle(t, h, first)
	handle(t, h, repeat)
	handle(t, h, delivery("42", `{"other":1}`))
	handle(t, h, delivery("42.json.meta", `an event with the name of metadata`))
	got := files(t, dir)
	if len(got) != 6 {
		t.Errorf("%d files: %v", len(got), got)
	}
	var e event.Event
	if err := json.Unmarshal([]byte(got["42.json.meta.json"]), &e); err != nil {
		t.Fatal(err)
	}
	if e.ID != "42" || !e.Time.Equal(first.Event.Time) || e.Header["X-A"] != "b" || e.Data != nil {
		t.Errorf("%+v", e)
	}
}

func TestNothingLeavesTheFolderThroughALink(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "alma")); err != nil {
		t.Fatal(err)
	}
	victim := filepath.Join(outside, "victim")
	if err := os.WriteFile(victim, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(dir, "42")); err != nil {
		t.Fatal(err)
	}
	if err := newHandler(t, file.Config{Dir: dir}).Handle(t.Context(), delivery("42", "x")); err == nil {
		t.Error("written through a linked folder")
	}
	handle(t, newHandler(t, file.Config{Dir: dir, Path: "{id}"}), delivery("42", "x"))
	if got := files(t, outside); len(got) != 1 || got["victim"] != "mine" {
		t.Errorf("outside: %v", got)
	}
}

func TestWriteErrorsAreRetried(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "taken"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []file.Config{{Dir: filepath.Join(dir, "taken")}, {Dir: filepath.Join(dir, "taken", "x")}, {Dir: dir, Path: "taken/{id}"}} {
		err := newHandler(t, cfg).Handle(t.Context(), delivery("42", "x"))
		if err == nil || handler.IsPermanent(err) || !strings.Contains(err.Error(), "write event") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newHandler(t, file.Config{Dir: dir}).Handle(ended, delivery("42", "x")); err == nil {
		t.Error("written after the end")
	}
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := file.New(file.Config{Path: "../{sauce}/.hidden/{id}"}, "/")
	for _, want := range []string{"dir: is required", "{sauce}", `".."`, `".hidden"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	for _, bad := range []string{"/{id}", "a//{id}", "{id}/", "a\\{id}", "{date}.json", "{id}/con", "{id}/x.", "{id", "{id}.meta.json", "{id} x", "{}{id}", strings.Repeat("a", 300) + "{id}"} {
		if _, err := file.New(file.Config{Dir: "x", Path: bad}, "/"); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	if _, err := file.New(file.Config{Dir: filepath.Join(t.TempDir(), "x")}, "/"); err != nil {
		t.Error(err)
	}
}

// A folder of a volume that is not mounted must not be made below the mount point.
func TestAMissingFolderIsMadeOnlyWithinTheDataFolder(t *testing.T) {
	t.Parallel()
	volume := t.TempDir()
	for name, c := range map[string]struct {
		dir, data string
		made      bool
	}{
		"of a volume":            {filepath.Join(volume, "export"), t.TempDir(), false},
		"beside the data folder": {filepath.Join(volume, "data-export"), filepath.Join(volume, "data"), false},
		"within the data folder": {filepath.Join(volume, "data", "export"), filepath.Join(volume, "data"), true},
		"the data folder":        {filepath.Join(volume, "data2"), filepath.Join(volume, "data2"), true},
	} {
		h, err := file.New(file.Config{Dir: c.dir}, c.data)
		if err != nil {
			t.Fatal(err)
		}
		err = h.Handle(t.Context(), delivery("1", "{}"))
		if (err == nil) != c.made || err != nil && (handler.IsPermanent(err) || !strings.Contains(err.Error(), "mkdir -p "+c.dir)) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(c.dir); (err == nil) != c.made {
			t.Errorf("%s: exists: %v", name, err)
		}
	}
	late := filepath.Join(volume, "late")
	h := newHandler(t, file.Config{Dir: late})
	if err := os.Mkdir(late, 0o700); err != nil {
		t.Fatal(err)
	}
	handle(t, h, delivery("1", "{}"))
}

func TestACompressedBodyHasTheExtensionOfItsCompression(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := delivery("1", "\x1f\x8b")
	d.Event.Header = map[string]string{"Content-Encoding": "gzip"}
	handle(t, newHandler(t, file.Config{Dir: dir, Path: "{id}{ext}"}), d)
	if got := files(t, dir); got["1.json.gz"] != "\x1f\x8b" {
		t.Errorf("%v", got)
	}
}
