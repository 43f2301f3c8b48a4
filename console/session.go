package console

import (
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

// sessionCookie is the name of the cookie with a session's ID.
const sessionCookie = "hookline_console"

// longestSession ends a session however often it is used.
const longestSession = 7 * 24 * time.Hour

// maxSessions bounds the memory of sessions; the least used one ends for another.
const maxSessions = 1000

// sessions are the people who have signed in, in memory: a restart signs everybody out. The keys are hashes, so that the time of a look-up
// says nothing about IDs.
type sessions struct {
	idle time.Duration

	mu   sync.Mutex
	byID map[[sha256.Size]byte]*session
}

type session struct {
	visitor
	begun, used time.Time
}

func newSessions(idle time.Duration) *sessions {
	return &sessions{idle: idle, byID: map[[sha256.Size]byte]*session{}}
}

// begin returns the ID of a new session.
func (s *sessions) begin(v visitor, now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prune(now)
	id := rand.Text() + rand.Text()
	s.byID[sha256.Sum256([]byte(id))] = &session{visitor: v, begun: now, used: now}
	return id
}

// prune removes ended sessions, and the least used one of too many.
func (s *sessions) prune(now time.Time) {
	var least [sha256.Size]byte
	var used time.Time
	for id, one := range s.byID {
		if s.ended(one, now) {
			delete(s.byID, id)
		} else if used.IsZero() || one.used.Before(used) {
			least, used = id, one.used
		}
	}
	if len(s.byID) >= maxSessions {
		delete(s.byID, least)
	}
}

func (s *sessions) ended(one *session, now time.Time) bool {
	return now.Sub(one.used) > s.idle || now.Sub(one.begun) > longestSession
}

// get returns the person of a session that has not ended. A request of the person itself prolongs it.
func (s *sessions) get(id string, now time.Time, prolong bool) (visitor, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.byID[sha256.Sum256([]byte(id))]
	if !ok || s.ended(one, now) {
		return visitor{}, false
	}
	if prolong {
		one.used = now
	}
	return one.visitor, true
}

// end ends a session.
func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, sha256.Sum256([]byte(id)))
}
