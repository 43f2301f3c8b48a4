package recent_test

import (
	"testing"

	"github.com/hookline/hookline/pkg/recent"
)

func TestTheLatestHalfIsRemembered(t *testing.T) {
	m := recent.NewMap[int, int](10)
	for n := range 100 {
		m.Put(n, -n)
		for age := range min(n+1, 5) {
			if value, ok := m.Get(n - age); !ok || value != age-n {
				t.Fatalf("after %d entries the one %d before is %d, %t", n+1, age, value, ok)
			}
		}
		if m.Len() > 10 {
			t.Fatalf("%d entries", m.Len())
		}
	}
	if _, ok := m.Get(89); ok {
		t.Error("an entry of three generations ago is remembered")
	}
}

func TestBothGenerationsCount(t *testing.T) {
	m := recent.NewMap[int, int](4)
	for n, want := range []int{1, 2, 3, 4, 3} { // the fifth entry ends the oldest two
		if m.Put(n, n); m.Len() != want {
			t.Errorf("%d entries, want %d", m.Len(), want)
		}
	}
}

func TestADeletedEntryIsForgotten(t *testing.T) {
	m := recent.NewMap[string, int](2)
	m.Put("old", 1)
	m.Put("young", 2)
	m.Put("young", 3)
	m.Delete("old")
	m.Delete("young")
	m.Delete("unknown")
	for _, key := range []string{"old", "young"} {
		if _, ok := m.Get(key); ok {
			t.Errorf("%s is remembered", key)
		}
	}
	if m.Len() != 0 {
		t.Errorf("%d entries", m.Len())
	}
}
