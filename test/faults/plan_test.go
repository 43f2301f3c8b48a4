package main

import (
	"testing"
	"time"
)

func TestASeedBringsTheSamePlanBack(t *testing.T) {
	t.Parallel()
	if one, two := mixed(7, faults()).String(), mixed(7, faults()).String(); one != two {
		t.Errorf("%s\n%s", one, two)
	}
	if one, two := mixed(7, faults()).String(), mixed(8, faults()).String(); one == two {
		t.Errorf("two seeds, one plan: %s", one)
	}
}

func TestAMixedPlanHasNothingThatDestroysEvents(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		for _, s := range mixed(seed, faults()).steps {
			if s.alone || s.at > time.Second+mixedTime || s.hold <= 0 {
				t.Errorf("seed %d: %s at %v for %v", seed, s.name, s.at, s.hold)
			}
		}
	}
}
