package embedded_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/embedded"
)

// A reader with an open transaction made the write-ahead log grow without bound.
func TestAnOpenReaderCannotGrowTheLogPastMaxBytes(t *testing.T) {
	t.Parallel()
	cfg := embedded.Config{Path: filepath.Join(t.TempDir(), "line.db"), Routes: []broker.Route{archive(1)}, MaxBytes: 32 << 20}
	sqlite := open(t, cfg)
	publishAll(t, sqlite, 1)
	reader, err := database(t, cfg.Path).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRowContext(t.Context(), "SELECT count(*) FROM event").Scan(&n); err != nil {
		t.Fatal(err)
	}
	body, blocked := make([]byte, 1<<20), error(nil)
	for i := 0; i < 200 && blocked == nil; i++ {
		if blocked = sqlite.Publish(t.Context(), sample(fmt.Sprint(i), body)); blocked == nil {
			handle(t, sqlite, archive(1), 1) // so the database stays small
		}
	}
	if !errors.Is(blocked, broker.ErrBlocked) || !strings.Contains(blocked.Error(), "fuser") {
		t.Fatalf("with a log of %d bytes: %v", size(t, cfg.Path+"-wal"), blocked)
	}
	if log := size(t, cfg.Path+"-wal"); log > cfg.MaxBytes+embedded.MaxLog {
		t.Errorf("the log has %d bytes", log)
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	await(t.Context(), t, func() bool { return sqlite.Publish(t.Context(), sample("after", body)) == nil })
	if log := size(t, cfg.Path+"-wal"); log > embedded.MaxLog {
		t.Errorf("after the reader has ended the log has %d bytes", log)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
