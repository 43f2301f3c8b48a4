package transfer

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/event"
)

// FuzzNames holds what strangers say, in an event and in a record, against what a name may be.
func FuzzNames(f *testing.F) {
	f.Add([]byte(`{"job_instance":{"id":"../5","counter":[{"type":{"value":"c.jobs.bibExport.link"},"value":".*[("}]}}`), "../x[050]_new.tar.gz", "..")
	f.Add([]byte(`<webhook><job_instance><id>5</id></job_instance></webhook>`), "", "\x00")
	f.Add([]byte(`{"job_instance":{"id":"`+strings.Repeat("é", 300)+`"}}`), "CON", ".hidden")
	f.Fuzz(func(t *testing.T, body []byte, file, id string) {
		job, err := jobOf(event.Event{Data: body}, DefaultCounters())
		if err != nil {
			return
		}
		for _, files := range []string{"export", "publishing"} {
			found, err := newFileFinder(Find{Files: files})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := found.pattern(job); err != nil {
				t.Fatalf("%q: %v", job, err)
			}
		}
		name := outputPath("{job}/{file}/{id}-{n}{ext}").name(job.ID, file, ".xml", 1, id)
		elements := strings.Split(name, "/")
		if !fs.ValidPath(name) || len(elements) != 3 {
			t.Fatalf("%q", name)
		}
		for _, e := range elements {
			if e[0] == '.' || len(e) > 255-32 || strings.ContainsFunc(e, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`\:*?"<>|`, r) }) {
				t.Fatalf("element %q of %q", e, name)
			}
		}
	})
}
