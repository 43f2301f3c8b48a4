package transfer_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/alma/marc"
	"github.com/hookline/hookline/alma/transfer"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/store/local"
)

// record is one of an export, with the given number.
func record(n int) marc.Record {
	return marc.Record{Leader: "00000cam a2200000 a 4500", Fields: []marc.Field{
		{Tag: "001", Value: fmt.Sprintf("99%010d", n)},
		{Tag: "008", Value: "850423s1984    xxu           000 0 eng d"},
		{Tag: "035", Ind1: ' ', Ind2: ' ', Subfields: subfields(fmt.Sprintf("(EXL)%d", n))},
		{Tag: "245", Ind1: '1', Ind2: '0', Subfields: subfields(fmt.Sprintf("Title & %d", n), "", "Äuthor <x>")},
		{Tag: "650", Ind1: ' ', Ind2: '0', Subfields: subfields("One")},
		{Tag: "650", Ind1: ' ', Ind2: '0', Subfields: subfields("Two")},
	}}
}

// subfields are $a, $b, ... but for empty ones.
func subfields(values ...string) (all []marc.Subfield) {
	for i, value := range values {
		if value != "" {
			all = append(all, marc.Subfield{Code: byte('a' + i), Value: value})
		}
	}
	return all
}

// marcxml is an export as Alma writes it: without a namespace.
func marcxml(t *testing.T, from, to int) string {
	t.Helper()
	return strings.Replace(written(t, marc.NewXMLWriter, from, to), ` xmlns="`+marc.Namespace+`"`, "", 1)
}

func written(t *testing.T, make func(io.Writer) marc.Writer, from, to int) string {
	t.Helper()
	var out bytes.Buffer
	w := make(&out)
	for n := from; n <= to; n++ {
		if err := w.Write(record(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// archive is a tar.gz of members, as name and content in turn.
func archive(t *testing.T, members ...string) string {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	packed := tar.NewWriter(zipped)
	for i := 0; i < len(members); i += 2 {
		header := &tar.Header{Name: members[i], Mode: 0o644, Size: int64(len(members[i+1]))}
		if target, ok := strings.CutPrefix(members[i+1], "-> "); ok {
			header = &tar.Header{Name: members[i], Typeflag: tar.TypeSymlink, Linkname: target}
		}
		if err := packed.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if header.Size > 0 {
			if _, err := io.WriteString(packed, members[i+1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// bench is a handler between two folders.
type bench struct {
	t       *testing.T
	in, out string
	logs    *observer.ObservedLogs
	metrics *prometheus.Registry
	handler *transfer.Handler
}

func newBench(t *testing.T, cfg transfer.Config) *bench {
	t.Helper()
	b := &bench{t: t, in: t.TempDir(), out: t.TempDir(), metrics: prometheus.NewRegistry()}
	core, logs := observer.New(zapcore.InfoLevel)
	b.logs = logs
	if cfg.From == (transfer.Location{}) {
		cfg.From.Local = &local.Config{Dir: b.in}
	}
	if cfg.To == (transfer.Location{}) {
		cfg.To.Local = &local.Config{Dir: b.out}
	}
	h, err := transfer.New(cfg, []string{"PATH=" + os.Getenv("PATH")}, transfer.NewMetrics(b.metrics), zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	b.handler = h.(*transfer.Handler)
	return b
}

func (b *bench) has(name, text string) *bench {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.in, name), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return b
}

// run hands over the event of job 5, whose files are called E.
func (b *bench) run() error { return b.handle(jobEnd("5", "c.jobs.bibExport.link", "E")) }

func (b *bench) handle(body string) error {
	return b.handler.Handle(b.t.Context(), event.Delivery{Route: "r", Attempt: 1, Event: event.Event{ID: "5", Source: "alma", Action: "job_end", Data: []byte(body)}})
}

func jobEnd(id, counter, value string) string {
	return fmt.Sprintf(`{"id":%q,"action":"JOB_END","job_instance":{"id":%q,"progress":100.3,"counter":[{"type":{"value":"other"},"value":"x"},{"type":{"value":%q,"desc":null},"value":%q}]}}`, id, id, counter, value)
}

// delivered is what is in the target's folder, by name.
func (b *bench) delivered() map[string]string {
	b.t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(b.out, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		rel, _ := filepath.Rel(b.out, name)
		found[rel] = string(text)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

// ids are those of the records in a delivered MARCXML file.
func ids(t *testing.T, text string) (all []string) {
	t.Helper()
	for r := marc.NewReader(strings.NewReader(text)); ; {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, record.ID())
	}
}

func (b *bench) fails(err error, permanent bool, want string) {
	b.t.Helper()
	if err == nil || handler.IsPermanent(err) != permanent || !strings.Contains(err.Error(), want) {
		b.t.Errorf("%v; want permanent %v, %q", err, permanent, want)
	}
	if got := b.delivered(); len(got) > 0 {
		b.t.Errorf("delivered %d files", len(got))
	}
}
