package journal_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/journal"
)

// message is a message of a stream.
type message struct {
	offset int64
	data   []byte
	missed string
}

// stream gives the messages behind an offset, and then waits. Messages that begin anew stand behind the others.
type stream struct {
	messages []message
	afters   []int64
}

func (s *stream) ReadStream(ctx context.Context, after int64, fn func(int64, []byte, string) error) error {
	s.afters = append(s.afters, after)
	seen := after < 0
	for _, m := range s.messages {
		if seen = seen || m.offset > after || m.missed != ""; !seen {
			continue
		}
		if err := fn(m.offset, m.data, m.missed); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

// place keeps the batches of a reader.
type place struct {
	offset int64
	took   []string
	fail   int // so many calls of AppendAt fail
}

func (p *place) Offset(context.Context) (int64, bool, error) { return p.offset, p.offset >= 0, nil }

func (p *place) AppendAt(_ context.Context, offset int64, b journal.Batch) error {
	if p.fail > 0 {
		p.fail--
		return errors.New("the disk is full")
	}
	p.offset = offset
	p.took = append(p.took, fmt.Sprint(offset, ":", b.Number))
	return nil
}

func (p *place) Missed(_ context.Context, offset int64, why string) error {
	p.offset = offset - 1
	p.took = append(p.took, fmt.Sprint(offset, ": ", why))
	return nil
}

func encodedBatch(t *testing.T, number int64, records ...journal.Stored) []byte {
	t.Helper()
	data, err := newCodec(t).Encode(journal.Batch{Process: "p", Number: number, Stored: records})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		messages []message
		offset   int64
		fail     int
		want     []string
		afters   []int64
		warnings int
	}{
		"from the beginning": {[]message{{0, encodedBatch(t, 1), ""}, {2, encodedBatch(t, 2), ""}}, -1, 0, []string{"0:1", "2:2"}, []int64{-1}, 0},
		"where it ended":     {[]message{{0, encodedBatch(t, 1), ""}, {1, encodedBatch(t, 2), ""}}, 0, 0, []string{"1:2"}, []int64{0}, 0},
		"aged out":           {[]message{{500, encodedBatch(t, 9), "aged out"}}, 7, 0, []string{"500: aged out", "500:9"}, []int64{7}, 1},
		"another stream":     {[]message{{0, encodedBatch(t, 9), "deleted"}, {1, encodedBatch(t, 10), ""}}, 7, 0, []string{"0: deleted", "0:9", "1:10"}, []int64{7}, 1},
		"a full disk":        {[]message{{0, encodedBatch(t, 1), ""}, {1, encodedBatch(t, 2), ""}}, -1, 3, []string{"0:1", "1:2"}, []int64{-1, -1, -1, -1}, 1},
		"no batch":           {[]message{{0, []byte("hello"), ""}, {1, encodedBatch(t, 2), ""}}, -1, 0, []string{"1:2"}, []int64{-1}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				core, logs := observer.New(zapcore.WarnLevel)
				s, p := &stream{messages: c.messages}, &place{offset: c.offset, fail: c.fail}
				r, err := journal.NewReader(s, p, prometheus.NewRegistry(), zap.New(core))
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- r.Run(ctx) }()
				<-time.After(time.Minute)
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if !slices.Equal(p.took, c.want) || !slices.Equal(s.afters, c.afters) || logs.Len() != c.warnings {
					t.Errorf("took %q after %v, want %q after %v; log %v", p.took, s.afters, c.want, c.afters, logs.All())
				}
			})
		})
	}
}

func TestANewerVersionStopsTheReader(t *testing.T) {
	t.Parallel()
	s, p := &stream{messages: []message{{0, encodedBatch(t, 1), ""}, {1, []byte("HJ\x09x"), ""}, {2, encodedBatch(t, 2), ""}}}, &place{offset: -1}
	r, err := journal.NewReader(s, p, prometheus.NewRegistry(), zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	err = r.Run(t.Context())
	if !errors.Is(err, journal.ErrVersion) || !strings.Contains(err.Error(), "upgrade") || !slices.Equal(p.took, []string{"0:1"}) {
		t.Errorf("%v; took %q", err, p.took)
	}
}

func TestTheLagIsTheAgeOfTheNewestRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		record := stored(1, 10)
		record.Event.Time = time.Now()
		s, p := &stream{messages: []message{{0, encodedBatch(t, 1, record), ""}}}, &place{offset: -1, fail: 8}
		reg := prometheus.NewRegistry()
		r, err := journal.NewReader(s, p, reg, zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		lag := func() float64 { return metric(t, reg, "hookline_journal_reader_lag_seconds") }
		if lag() != 0 {
			t.Errorf("%v at first", lag())
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		<-time.After(5 * time.Second)
		synctest.Wait()
		if lag() != 5 {
			t.Errorf("%v while it cannot be stored", lag())
		}
		<-time.After(time.Hour)
		synctest.Wait()
		if got := lag(); got < 5 || got > 60 {
			t.Errorf("%v afterwards", got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
