package notify

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/handler"
)

// TestMarkersAreForTheirUserOnly has names that are hashes of persons' events.
func TestMarkersAreForTheirUserOnly(t *testing.T) {
	t.Parallel()
	s := &sentStore{dir: filepath.Join(t.TempDir(), "sent")}
	if err := s.begin("key"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{s.dir: 0o700, s.path("key"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", filepath.Base(path), info.Mode(), err, want)
		}
	}
}

func TestAMarkerTellsHowFarAMessageIs(t *testing.T) {
	t.Parallel()
	s := &sentStore{dir: t.TempDir()}
	if err := s.begin("key"); err != nil {
		t.Fatal(err)
	}
	ahead := time.Now().Add(time.Hour) // the clock of the folder's machine is wrong
	if err := os.Chtimes(s.path("key"), ahead, ahead); err != nil {
		t.Fatal(err)
	}
	if after, waits := handler.AfterOf(s.begin("key")); !waits || after != maxSending {
		t.Errorf("waits %v, not %v", after, maxSending)
	}
	if err := s.finish("key"); err != nil {
		t.Fatal(err)
	}
	if err := s.begin("key"); !errors.Is(err, errSent) {
		t.Errorf("a message that was sent: %v", err)
	}
	if err := errors.Join(s.forget("key"), s.forget("key"), s.begin("key")); err != nil {
		t.Errorf("a message that was forgotten: %v", err)
	}
}

func TestAMarkerThatIsGoneIsAnError(t *testing.T) {
	t.Parallel()
	s := &sentStore{dir: t.TempDir()}
	if err := s.earlier("key"); err == nil || errors.Is(err, errMaybe) || errors.Is(err, errSent) || handler.IsPermanent(err) {
		t.Errorf("another worker forgot it: %v", err)
	}
	if s.finish("key") == nil {
		t.Error("a message is recorded without a marker")
	}
	if err := os.MkdirAll(filepath.Join(s.path("key"), "in use"), 0o700); err != nil {
		t.Fatal(err)
	}
	if s.forget("key") == nil {
		t.Error("a marker that cannot be removed is forgotten")
	}
	gone := &sentStore{dir: filepath.Join(s.dir, "gone")}
	if gone.clear(time.Now()) == nil {
		t.Error("a folder that cannot be read is cleared")
	}
}

// TestMarkersStayFor30Days clears twice: a store looks for old markers once a day.
func TestMarkersStayFor30Days(t *testing.T) {
	t.Parallel()
	s, now := &sentStore{dir: t.TempDir()}, time.Now()
	const day = 24 * time.Hour
	put := func(name string, age time.Duration) string {
		path := s.path(name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, now.Add(-age), now.Add(-age))); err != nil {
			t.Fatal(err)
		}
		return path
	}
	hash := func(letter string) string { return strings.Repeat(letter, 32) }
	young, old := put(hash("a"), 30*day-time.Minute), put(hash("b"), 30*day+time.Minute)
	if err := s.clear(now); err != nil {
		t.Fatal(err)
	}
	if !exists(young) || exists(old) {
		t.Errorf("the young one is there: %t, the old one: %t", exists(young), exists(old))
	}
	again := put(hash("c"), 31*day)
	if err := s.clear(now.Add(day - time.Second)); err != nil || !exists(again) {
		t.Errorf("looked for old markers within a day: %v", err)
	}
	if err := s.clear(now.Add(day)); err != nil || exists(again) {
		t.Errorf("a day later it is there: %t, %v", exists(again), err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestAStoreIsSafeForConcurrentUse needs -race to see a missing lock.
func TestAStoreIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	s := &sentStore{dir: t.TempDir()}
	var group sync.WaitGroup
	begun := make(chan struct{}, 8)
	for range 8 {
		group.Go(func() {
			if s.begin("key") == nil {
				begun <- struct{}{}
			}
		})
	}
	group.Wait()
	if len(begun) != 1 {
		t.Errorf("%d of eight send the message", len(begun))
	}
}
