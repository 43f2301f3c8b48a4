package broker_test

import (
	"strings"
	"testing"

	"github.com/hookline/hookline/broker"
)

func TestCheckRoutesNamesEveryError(t *testing.T) {
	good := broker.Route{Name: "good", Match: []string{"#"}}
	if err := broker.CheckRoutes([]broker.Route{good, {Name: "other", Match: []string{"a"}}}); err != nil {
		t.Error(err)
	}
	err := broker.CheckRoutes([]broker.Route{good, {Name: "Bad", Match: []string{"#"}}, good, {Name: "empty"}})
	if err == nil {
		t.Fatal("three errors are accepted")
	}
	for _, want := range []string{`route "good" exists twice`, `route "Bad": a name has`, `route "empty": match is empty`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestRouteNamesHaveALimit(t *testing.T) {
	for length, ok := range map[int]bool{0: false, 1: true, broker.MaxRoute: true, broker.MaxRoute + 1: false} {
		if err := (broker.Route{Name: strings.Repeat("a", length), Match: []string{"#"}}).Check(); (err == nil) != ok {
			t.Errorf("a name of %d bytes: %v", length, err)
		}
	}
}
