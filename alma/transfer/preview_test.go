package transfer_test

import (
	"regexp"
	"testing"

	"github.com/hookline/hookline/alma/transfer"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

func TestAPreviewNamesTheFilesAndFetchesNone(t *testing.T) {
	t.Parallel()
	b := newBench(t, transfer.Config{}).has("E_1.xml", marcxml(t, 1, 3))
	preview := func(body string) (handler.Preview, error) {
		return handler.PreviewOf(t.Context(), b.handler, event.Delivery{Event: event.Event{Action: "job_end", Data: []byte(body)}})
	}
	p, err := preview(jobEnd("5", "c.jobs.bibExport.link", "E"))
	if err != nil || len(p.Parts) != 3 || p.Parts[0].Text != "5" || p.Parts[1].Text != "E" || len(p.Unknown) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	if files := regexp.MustCompile(p.Parts[2].Text); !files.MatchString("E_1.xml") || files.MatchString("E2_1.xml") {
		t.Errorf("the files are %s", files)
	}
	if got := b.delivered(); len(got) > 0 {
		t.Errorf("delivered %v", got)
	}
	if _, err := preview(jobEnd("5", "other.counter", "E")); !handler.IsPermanent(err) {
		t.Error(err)
	}
	if _, err := preview("no job"); !handler.IsPermanent(err) {
		t.Error(err)
	}
}
