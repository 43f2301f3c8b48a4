package file

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/event"
)

func TestExpand(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 2, 3, 4, 5, 6, 7e6, time.UTC)
	long := strings.Repeat("x", 300)
	for _, c := range []struct{ path, id, want string }{
		{Defaults().Path, "42", "alma/job_end/2026-02-03/42.xml"},
		{"{route}/{key}/{year}/{month}/{day}/{hour}/{time}-{id}", "42", "r/alma.job_end/2026/02/03/04/20260203T040506.007Z-42"},
		{"{id}", "..", "_..~" + hash("..")},
		{"{id}", "a/../b", "a_.._b~" + hash("a/../b")},
		{"{id}", ".hidden", "_.hidden~" + hash(".hidden")},
		{"{id}{ext}", ".hidden", "_.hidden~" + hash(".hidden.xml") + ".xml"},
		{"{id}{ext}", "CON", "_CON.xml~" + hash("CON.xml")},
		{"x/{id}", "", "x/_~" + hash("")},
		{"{id}{ext}", long, long[:255-96-4] + "~" + hash(long+".xml") + ".xml"},
	} {
		parsed, err := parse(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		d := event.Delivery{Route: "r", Event: event.Event{ID: c.id, Source: "alma", Action: "job_end", Time: at, ContentType: "application/xml; charset=utf-8"}}
		if got := parsed.expand(d); got != c.want {
			t.Errorf("%s of %.20q = %s, want %s", c.path, c.id, got, c.want)
		}
	}
}

func TestExtension(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ contentType, body, want string }{
		{"application/json", "<", ".json"},
		{"application/cloudevents+json; charset=UTF-8", "", ".json"},
		{"application/atom+xml", "", ".xml"},
		{"application/x-www-form-urlencoded", "{", ".form"},
		{"text/plain; charset=utf-8", "{", ".txt"},
		{"", "\xef\xbb\xbf \n{}", ".json"},
		{"nonsense///", "[1]", ".json"},
		{"application/octet-stream", "<webhook/>", ".xml"},
		{"image/png", "\x89PNG", ".bin"},
		{"", "", ".bin"},
	} {
		if got := extension(event.Event{ContentType: c.contentType, Data: []byte(c.body)}); got != c.want {
			t.Errorf("%q, %q: %s, want %s", c.contentType, c.body, got, c.want)
		}
	}
}

func TestACompressionIsBehindTheExtension(t *testing.T) {
	t.Parallel()
	for encoding, want := range map[string]string{
		"": ".json", "identity": ".json", "gzip": ".json.gz", "X-GZIP": ".json.gz", "br": ".json.br", "zstd": ".json.zst", "deflate": ".json.encoded", "gzip, br": ".json.encoded",
	} {
		if got := extension(event.Event{ContentType: "application/json", Header: map[string]string{"Content-Encoding": encoding}}); got != want {
			t.Errorf("%q: %s, want %s", encoding, got, want)
		}
	}
}

// FuzzPath holds every path against what a name may be, and two IDs against each other.
func FuzzPath(f *testing.F) {
	f.Add("42", "../../etc/passwd", "alma", "job_end", "application/json")
	f.Add("..", ".", "", "CON", "\x00")
	f.Add(strings.Repeat("é", 200), strings.Repeat("é", 201), "a/b", "nul.txt", "text/x")
	f.Add("x.meta", "x.meta.json", "~", "....", "application/json")
	var templates []pathTemplate
	for _, path := range []string{Defaults().Path, "{id}", "{route}/{action}{id}.meta.jso{id}/{key}", ".x{id}"[1:] + "{source}{ext}"} {
		parsed, err := parse(path)
		if err != nil {
			f.Fatal(err)
		}
		templates = append(templates, parsed)
	}
	f.Fuzz(func(t *testing.T, id, other, source, action, contentType string) {
		for _, parsed := range templates {
			d := event.Delivery{Route: "r", Event: event.Event{ID: id, Source: source, Action: action, ContentType: contentType}}
			got := parsed.expand(d)
			elements := strings.Split(got, "/")
			if !filepath.IsLocal(got) || len(elements) != len(parsed) {
				t.Fatalf("%q", got)
			}
			for _, e := range elements {
				if e == "" || e[0] == '.' || len(e) > maxElement-room || strings.HasSuffix(e, ".") || strings.HasSuffix(e, metaSuffix) || reserved.MatchString(e) || clean(e) != e {
					t.Fatalf("element %q of %q", e, got)
				}
			}
			d.Event.ID = other
			if again := parsed.expand(d); len(parsed) < 3 && source == "" && id != other && again == got {
				t.Fatalf("IDs %q and %q are both %q", id, other, got)
			}
		}
	})
}
