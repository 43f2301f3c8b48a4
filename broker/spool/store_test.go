package spool_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/spool"
)

func TestAReceiverWithoutSpooledSourcesReportsThatOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		reported, reg := &reports{}, prometheus.NewRegistry()
		s, err := spool.Open(spool.Config{Sources: map[string]bool{"alma": false}, MaxAge: time.Hour, Dir: filepath.Join(dir, "spool")}, newFakeBroker(), reported, reg, zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := errors.Join(s.Run(ctx), s.Close(t.Context())); err != nil {
			t.Error(err)
		}
		if n := len(reported.all); n != 1 {
			t.Errorf("%d reports in a minute", n)
		}
		rig{Spool: s, reg: reg}.expect(t, "usable", "", 1) // 0 would be an alert
	})
	if _, err := os.Stat(filepath.Join(dir, "spool")); err == nil {
		t.Error("the spool's folder was made")
	}
}

func TestADamagedSpoolIsReplacedAndItsEventsAreKept(t *testing.T) {
	t.Parallel()
	cfg := spool.Config{Sources: map[string]bool{"github": true}, MaxAge: maxAge, Dir: t.TempDir()}
	open := func() (*spool.Spool, *fakeBroker) {
		t.Helper()
		fake := newFakeBroker()
		s, err := spool.Open(cfg, fake, &reports{}, prometheus.NewRegistry(), zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		return s, fake
	}
	shut := func(s *spool.Spool) {
		t.Helper()
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	s, fake := open()
	fake.become(fault{ready: broker.ErrDown})
	const events = 1000
	rig{Spool: s}.publish(t, 0, events)
	shut(s)

	file := filepath.Join(cfg.Dir, "spool.db")
	whole, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, whole.Size()*9/10); err != nil {
		t.Fatal(err)
	}
	s, fake = open()
	if _, err := s.Ready(); err != nil {
		t.Errorf("ready: %v", err)
	}
	if damaged, _ := filepath.Glob(file + ".damaged-*"); len(damaged) == 0 {
		t.Error("the damaged file is gone")
	}
	stop := rig{Spool: s}.run(t)
	fake.await(t, 1)
	stop()
	shut(s)
}

func TestASpoolThatCannotBeOpenedIsNoErrorWhileTheBrokerIsReady(t *testing.T) {
	t.Parallel()
	cfg := spool.Config{Sources: map[string]bool{"github": true}, MaxAge: maxAge, Dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(cfg.Dir, "spool.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	fake := newFakeBroker()
	s, err := spool.Open(cfg, fake, &reports{}, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Publish(t.Context(), sample("1")); err != nil {
		t.Error(err)
	}
	fake.become(fault{ready: broker.ErrDown})
	if err := s.Publish(t.Context(), sample("2")); !errors.Is(err, broker.ErrDown) {
		t.Errorf("without broker and spool: %v", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestASpoolKeepsItsNameAndNoOtherHasIt(t *testing.T) {
	t.Parallel()
	name := func(dir string, spooled bool) string {
		t.Helper()
		name, err := spool.Name(spool.Config{Dir: dir, Sources: map[string]bool{"alma": spooled}})
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	first, second := filepath.Join(t.TempDir(), "spool"), t.TempDir()
	if name(first, false) != "" {
		t.Error("a name without a spool")
	}
	made := name(first, true)
	if made == "" || name(first, true) != made || name(first, false) != made {
		t.Error("the name changed with a restart")
	}
	for path, want := range map[string]os.FileMode{first: 0o700, filepath.Join(first, "name"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", filepath.Base(path), info, err)
		}
	}
	if err := os.WriteFile(filepath.Join(second, "name"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if another := name(second, true); another == "" || another == made {
		t.Errorf("another spool is named %q", another)
	}
}
