package notify_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookline/hookline/handlers/notify"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// once is a handler that remembers in dir.
func once(t *testing.T, dir, url string) handler.Handler {
	t.Helper()
	return newHandler(t, notify.Config{SMS: notify.SMS{HTTP: &notify.HTTP{URL: url}, Country: "49"}, Sent: dir})
}

func marksOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestWorkersThatShareAFolderSendOnce(t *testing.T) {
	t.Parallel()
	url, asked := service(t, nil)
	dir := filepath.Join(t.TempDir(), "data", "sent")
	for range 3 {
		if err := once(t, dir, url).Handle(t.Context(), ended("both")); err != nil {
			t.Fatal(err)
		}
	}
	route, action := ended("both"), ended("both")
	route.Route, action.Event.Action = "another", "job_began" // some senders' only ID is that of a thing
	for _, other := range []event.Delivery{route, action} {
		if err := once(t, dir, url).Handle(t.Context(), other); err != nil {
			t.Fatal(err)
		}
	}
	if len(asked) != 3 {
		t.Errorf("sent %d times for two routes and another action of the same ID", len(asked))
	}
	for _, file := range marksOf(t, dir) {
		if name := filepath.Base(file); len(name) != 32 || strings.Contains(name, "both") {
			t.Errorf("name %s", name)
		}
	}
}

func TestUnsentMessageIsSentByTheNextAttempt(t *testing.T) {
	t.Parallel()
	code := http.StatusServiceUnavailable
	url, asked := service(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
	h := once(t, t.TempDir(), url)
	if err := h.Handle(t.Context(), ended("both")); err == nil || handler.IsPermanent(err) {
		t.Fatal(err)
	}
	code = http.StatusOK
	for range 2 {
		if err := h.Handle(t.Context(), ended("both")); err != nil {
			t.Fatal(err)
		}
	}
	if len(asked) != 2 {
		t.Errorf("asked %d times", len(asked))
	}
}

// TestAProcessThatDiedWhileItSentSaysMaybe has its mark, and not its end.
func TestAProcessThatDiedWhileItSentSaysMaybe(t *testing.T) {
	t.Parallel()
	url, asked := service(t, nil)
	dir := t.TempDir()
	h := once(t, dir, url)
	if err := h.Handle(t.Context(), ended("both")); err != nil {
		t.Fatal(err)
	}
	mark := marksOf(t, dir)[0]
	if err := os.Truncate(mark, 0); err != nil {
		t.Fatal(err)
	}
	err := h.Handle(t.Context(), ended("both"))
	if after, ok := handler.AfterOf(err); !ok || after > 10*time.Minute || after < 9*time.Minute {
		t.Errorf("another worker may be sending: %v, after %v", err, after)
	}
	old := time.Now().Add(-11 * time.Minute)
	if err := os.Chtimes(mark, old, old); err != nil {
		t.Fatal(err)
	}
	if err := h.Handle(t.Context(), ended("both")); !handler.IsPermanent(err) || !strings.Contains(err.Error(), "maybe sent") {
		t.Error(err)
	}
	if len(asked) != 1 {
		t.Error("it was sent again without being asked")
	}
	for range 2 { // a person replays the dead letter, and then once more
		if err := h.Handle(t.Context(), ended("both")); err != nil {
			t.Error(err)
		}
	}
	if len(asked) != 2 {
		t.Errorf("sent %d times in all", len(asked))
	}
}

// TestAMarkThatACrashCutShortSaysSent has the first byte of what is written after the message was sent.
func TestAMarkThatACrashCutShortSaysSent(t *testing.T) {
	t.Parallel()
	url, asked := service(t, nil)
	dir := t.TempDir()
	h := once(t, dir, url)
	if err := h.Handle(t.Context(), ended("both")); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(marksOf(t, dir)[0], 1); err != nil {
		t.Fatal(err)
	}
	if err := h.Handle(t.Context(), ended("both")); err != nil || len(asked) != 1 {
		t.Errorf("sent %d times: %v", len(asked), err)
	}
}

func TestAStopInTheMiddleKeepsTheMark(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	url, asked := service(t, func(http.ResponseWriter, *http.Request) { <-release })
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- once(t, dir, url).Handle(ctx, ended("both")) }()
	<-asked
	stop()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "maybe sent") {
		t.Error(err)
	}
	close(release)
	if _, waits := handler.AfterOf(once(t, dir, url).Handle(t.Context(), ended("both"))); !waits || len(asked) != 0 {
		t.Error("the worker that got it next sent it")
	}
}

func TestOldMarksAreRemoved(t *testing.T) {
	t.Parallel()
	url, _ := service(t, nil)
	dir := t.TempDir()
	mark, line := filepath.Join(dir, strings.Repeat("0", 32)), filepath.Join(dir, "line.db")
	old := time.Now().Add(-31 * 24 * time.Hour)
	for _, file := range []string{mark, line} {
		if err := errors.Join(os.WriteFile(file, []byte("sent\n"), 0o600), os.Chtimes(file, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	if err := once(t, dir, url).Handle(t.Context(), ended("both")); err != nil {
		t.Fatal(err)
	}
	if left := marksOf(t, dir); len(left) != 2 || slices.Contains(left, mark) || !slices.Contains(left, line) {
		t.Errorf("what is no mark has to stay, and the old mark to go: %v", left)
	}
}

func TestAFolderThatCannotBeWrittenSendsNothing(t *testing.T) {
	t.Parallel()
	url, asked := service(t, nil)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := once(t, filepath.Join(file, "sent"), url).Handle(t.Context(), ended("both")); err == nil || handler.IsPermanent(err) || len(asked) != 0 {
		t.Errorf("asked %d times: %v", len(asked), err)
	}
}

// TestAMarkThatCannotBeMadeSendsNothing has a folder that exists, and in which nobody can make a file, not even root.
func TestAMarkThatCannotBeMadeSendsNothing(t *testing.T) {
	t.Parallel()
	const dir = "/proc/self"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("this system has no such folder")
	}
	url, asked := service(t, nil)
	if err := once(t, dir, url).Handle(t.Context(), ended("both")); err == nil || handler.IsPermanent(err) || len(asked) != 0 {
		t.Errorf("asked %d times: %v", len(asked), err)
	}
}

func TestAMarkThatCouldNotBeKeptIsNoMessage(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root reads every folder")
	}
	url, asked := service(t, nil)
	dir, other := t.TempDir(), ended("both")
	other.Route = "other"
	h := once(t, dir, url)
	if err := h.Handle(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o300); err != nil { // files can be made in it, and it cannot be opened to be synced
		t.Fatal(err)
	}
	if err := h.Handle(t.Context(), ended("both")); err == nil || len(asked) != 1 {
		t.Errorf("sent %d times: %v", len(asked), err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := h.Handle(t.Context(), ended("both")); err != nil || len(asked) != 2 {
		t.Errorf("sent %d times: %v", len(asked), err)
	}
}
