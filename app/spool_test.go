package app

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/app/config"
	"github.com/hookline/hookline/broker/spool"
	"github.com/hookline/hookline/receiver"
)

// reports counts what the ledger is told of a spool.
type reports int

func (r *reports) Spooled(map[string]int64) { *r++ }

func TestAReceiverWithoutASpoolSaysSoOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told reports
		reg := prometheus.NewRegistry()
		s, err := spool.New(spool.Config{Sources: map[string]bool{"alma": false}, MaxAge: time.Hour}, nil, noStore{}, &told, reg, zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
		if told != 1 {
			t.Errorf("told %d times in a minute", told)
		}
		families, err := reg.Gather()
		if err != nil {
			t.Error(err)
		}
		for _, family := range families {
			if family.GetName() == "hookline_spool_usable" && family.GetMetric()[0].GetGauge().GetValue() != 1 { // 0 would page somebody
				t.Errorf("%v", family)
			}
		}
	})
}

func TestASpoolKeepsItsNameAndNoOtherHasIt(t *testing.T) {
	t.Parallel()
	name := func(data, whenDown string) string {
		t.Helper()
		name, err := spoolName(&config.Config{Data: data, Sources: map[string]config.Source{"alma": {Source: receiver.Source{WhenDown: whenDown}}}})
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	first, second := t.TempDir(), t.TempDir()
	if name(first, receiver.Refuse) != "" {
		t.Error("a name without a spool")
	}
	made := name(first, receiver.Spool)
	if made == "" || name(first, receiver.Spool) != made || name(first, receiver.Refuse) != made {
		t.Error("not the same after a restart")
	}
	if err := os.MkdirAll(filepath.Join(second, "spool"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(second, "spool", "name"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if another := name(second, receiver.Spool); another == "" || another == made {
		t.Errorf("another spool is named %q", another)
	}
}
