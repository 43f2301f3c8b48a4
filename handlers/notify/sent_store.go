package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/hookline/hookline/pkg/durable"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// sentStore remembers what was sent, as a file per message: an empty one is made before it is sent, and gets a byte after.
// Making a file that must not be there yet is atomic, on network file systems too, so workers that share the folder share what it knows.
type sentStore struct {
	dir string

	mu      sync.Mutex
	cleared time.Time // when old marks were last removed
}

const (
	// markAge is how long a message is remembered. Alma repeats an event for 10 hours.
	markAge = 30 * 24 * time.Hour
	// inHand is how long another worker may still be sending: longer than the longest timeout of a route.
	inHand = 10 * time.Minute
	// clearEvery is how often old marks are looked for.
	clearEvery = 24 * time.Hour
)

// markName is how key names them.
var markName = regexp.MustCompile(`^[0-9a-f]{32}$`)

// errSent says that the message was sent before.
var errSent = errors.New("sent before")

// key names the message of an event on a route, the action included, as with duplicates: some senders' only ID is that of a
// thing. It is a hash, since IDs of other senders could tell something.
func key(d event.Delivery) string {
	sum := sha256.Sum256([]byte(d.Route + "\x00" + d.Event.Key() + "\x00" + d.Event.ID))
	return hex.EncodeToString(sum[:16])
}

// begin marks a message as begun; whoever gets nil must end with sent or forget. errSent: it was sent before. errMaybe: it
// was begun long ago and nobody knows; the next begin of it gets nil.
func (s *sentStore) begin(key string) error {
	if err := durable.MkdirAll(durable.OS{}, s.dir, 0o700); err != nil {
		return fmt.Errorf("keep what was sent: %w", err)
	}
	if err := s.clear(time.Now()); err != nil {
		return err
	}
	file, err := os.OpenFile(s.path(key), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return s.earlier(key)
	}
	if err != nil {
		return fmt.Errorf("keep what was sent: %w", err)
	}
	if err := errors.Join(file.Sync(), file.Close(), durable.Sync(durable.OS{}, s.dir)); err != nil {
		return errors.Join(fmt.Errorf("keep what was sent: %w", err), s.forget(key)) // nothing is sent
	}
	return nil
}

// earlier tells what became of a message that was begun before.
func (s *sentStore) earlier(key string) error {
	info, err := os.Stat(s.path(key))
	if err != nil {
		return fmt.Errorf("keep what was sent: %w", err) // it was forgotten at this moment: the next try finds out
	}
	if info.Size() > 0 {
		return errSent
	}
	if age := time.Since(info.ModTime()); age < inHand {
		return handler.RetryAfter(inHand-max(age, 0), errors.New("another delivery of this event is being sent, or was when its process ended; waiting until it is over for sure"))
	}
	return errors.Join(errMaybe, s.forget(key))
}

// sent marks a message as sent.
func (s *sentStore) sent(key string) error {
	file, err := os.OpenFile(s.path(key), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString("sent\n")
	return errors.Join(err, file.Sync(), file.Close())
}

// forget lets the next begin of the message have it.
func (s *sentStore) forget(key string) error {
	if err := os.Remove(s.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keep what was sent: %w", err)
	}
	return nil
}

// clear removes marks that are too old, once a day, and nothing else that the folder may hold.
func (s *sentStore) clear(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.cleared) < clearEvery {
		return nil
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("keep what was sent: %w", err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && markName.MatchString(entry.Name()) && now.Sub(info.ModTime()) > markAge {
			_ = os.Remove(filepath.Join(s.dir, entry.Name())) // another worker may have been quicker
		}
	}
	s.cleared = now
	return nil
}

func (s *sentStore) path(key string) string { return filepath.Join(s.dir, key) }
