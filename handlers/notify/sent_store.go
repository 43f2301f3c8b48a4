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

// sentStore records sent messages as one marker file for each message. An empty marker is made before the message is sent, and
// gets content afterwards. Exclusive creation is atomic, on network file systems too, so that all workers of the folder share one record.
type sentStore struct {
	dir string

	mu      sync.Mutex
	cleared time.Time // when old markers were last removed
}

const (
	// markerAge is how long a message stays recorded. Senders repeat an event for hours: Alma for 10.
	markerAge = 30 * 24 * time.Hour
	// maxSending is how long another worker may still be sending: longer than the longest timeout of a route.
	maxSending = 10 * time.Minute
	// clearEvery is the time between two removals of old markers.
	clearEvery = 24 * time.Hour
)

// markerName matches the names that key makes.
var markerName = regexp.MustCompile(`^[0-9a-f]{32}$`)

// errSent says that the message was sent before.
var errSent = errors.New("sent before")

// key returns the name of an event's message on a route. It includes the action, as the broker does for duplicates, because the ID of some senders
// is that of an object. It is a hash, because an ID can reveal personal data.
func key(d event.Delivery) string {
	sum := sha256.Sum256([]byte(d.Route + "\x00" + d.Event.Key() + "\x00" + d.Event.ID))
	return hex.EncodeToString(sum[:16])
}

// begin marks a message as begun. After nil, the caller must call finish or forget. begin returns errSent if the message was sent before. It
// returns errMaybe if the message was begun long ago without a result; the next begin then returns nil.
func (s *sentStore) begin(key string) error {
	if err := durable.MkdirAll(durable.OS{}, s.dir, 0o700); err != nil {
		return fmt.Errorf("record sent messages: %w", err)
	}
	if err := s.clear(time.Now()); err != nil {
		return err
	}
	file, err := os.OpenFile(s.path(key), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return s.earlier(key)
	}
	if err != nil {
		return fmt.Errorf("record sent messages: %w", err)
	}
	if err := errors.Join(file.Sync(), file.Close(), durable.Sync(durable.OS{}, s.dir)); err != nil {
		return errors.Join(fmt.Errorf("record sent messages: %w", err), s.forget(key))
	}
	return nil
}

// earlier returns the result of an earlier begin.
func (s *sentStore) earlier(key string) error {
	info, err := os.Stat(s.path(key))
	if err != nil {
		return fmt.Errorf("record sent messages: %w", err) // another worker forgot it meanwhile: the next attempt decides
	}
	if info.Size() > 0 {
		return errSent
	}
	if age := time.Since(info.ModTime()); age < maxSending {
		return handler.RetryAfter(maxSending-max(age, 0), errors.New("another delivery of this event is sending the message, or was when its process ended; waiting until it has ended"))
	}
	return errors.Join(errMaybe, s.forget(key))
}

// finish marks a message as sent.
func (s *sentStore) finish(key string) error {
	file, err := os.OpenFile(s.path(key), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString("sent\n")
	return errors.Join(err, file.Sync(), file.Close())
}

// forget removes the marker, so that the next begin succeeds.
func (s *sentStore) forget(key string) error {
	if err := os.Remove(s.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("record sent messages: %w", err)
	}
	return nil
}

// clear removes old markers once a day. It leaves other files alone.
func (s *sentStore) clear(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.cleared) < clearEvery {
		return nil
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("record sent messages: %w", err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && markerName.MatchString(entry.Name()) && now.Sub(info.ModTime()) > markerAge {
			_ = os.Remove(filepath.Join(s.dir, entry.Name())) // another worker may have removed it
		}
	}
	s.cleared = now
	return nil
}

func (s *sentStore) path(key string) string { return filepath.Join(s.dir, key) }
