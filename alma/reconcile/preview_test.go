package reconcile_test

import (
	"path/filepath"
	"testing"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

func TestAPreviewNotesAndAsksNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "seen")
	to := newReceiver(t)
	h := newHandler(t, dir, to, library{})
	for action, want := range map[string]string{"job_end": "42", "due": "M44\nS1"} {
		p, err := handler.PreviewOf(t.Context(), h, event.Delivery{Event: event.Event{ID: "42", Action: action}})
		if err != nil || len(p.Parts) == 0 || p.Parts[0].Text != want {
			t.Errorf("%s: %+v, %v", action, p, err)
		}
	}
	if found, _ := filepath.Glob(dir + "*"); found != nil {
		t.Errorf("made %v", found)
	}
}
