package rabbitmq_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

// batch is a batch as a reader of the stream gets it.
type batch struct {
	offset int64
	text   string
	missed bool
}

// appendBatch appends a batch until it is stored.
func appendBatch(t *testing.T, rabbit *rabbitmq.Broker, text string) {
	t.Helper()
	var err error
	eventually(t, "batch "+text+" to be stored", func() bool {
		err = rabbit.AppendStream(patient(t), []byte(text))
		if err != nil {
			t.Logf("append %s: %v", text, err)
		}
		return err == nil
	})
}

// readStream reads the stream behind an offset until the test ends.
func readStream(t *testing.T, rabbit *rabbitmq.Broker, after int64) <-chan batch {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	got, ended := make(chan batch, 10_000), make(chan error, 1)
	go func() {
		ended <- rabbit.ReadStream(ctx, after, func(offset int64, data []byte, missed string) error {
			got <- batch{offset, string(data), missed != ""}
			return nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ReadStream: %v", err)
		}
	})
	return got
}

func nextBatch(t *testing.T, got <-chan batch) batch {
	t.Helper()
	select {
	case b := <-got:
		return b
	case <-patient(t).Done():
		t.Fatal("no batch came")
		return batch{}
	}
}

func expectBatches(t *testing.T, got <-chan batch, want ...batch) {
	t.Helper()
	for _, w := range want {
		if b := nextBatch(t, got); b != w {
			t.Fatalf("got %v, want %v", b, w)
		}
	}
}

func TestEachReaderGetsAllBatchesInOrder(t *testing.T) {
	t.Parallel()
	cfg := rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Journal: true}
	rabbit := open(t, cfg)
	const n = 60 // more than a reader gets ahead
	for i := range n {
		appendBatch(t, rabbit, id(i))
	}
	first, later, last := readStream(t, rabbit, -1), readStream(t, open(t, cfg), 20), readStream(t, rabbit, n-1)
	for i := range int64(n) {
		expectBatches(t, first, batch{i, id(int(i)), false})
		if i > 20 {
			expectBatches(t, later, batch{i, id(int(i)), false})
		}
	}
	appendBatch(t, rabbit, "new")
	for _, got := range []<-chan batch{first, later, last} {
		expectBatches(t, got, batch{n, "new", false})
	}
}

func TestTheErrorOfAReaderEndsReading(t *testing.T) {
	t.Parallel()
	rabbit := open(t, rabbitmq.Config{URLs: []string{rabbitnode.URL(t)}, Journal: true})
	appendBatch(t, rabbit, "1")
	failure := errors.New("the disk is full")
	if err := rabbit.ReadStream(patient(t), -1, func(int64, []byte, string) error { return failure }); !errors.Is(err, failure) {
		t.Error(err)
	}
}

func TestReadersGetEachBatchWhenConnectionsAreCut(t *testing.T) {
	t.Parallel()
	address := rabbitnode.URL(t)
	rabbit := open(t, rabbitmq.Config{URLs: []string{address}, Journal: true})
	got := readStream(t, rabbit, -1)
	const rounds, each = 3, 30
	for round := range rounds {
		for i := range each {
			appendBatch(t, rabbit, id(round*each+i))
			if i == each/2 {
				cut(t, address)
			}
		}
	}
	missing, last := map[string]bool{}, int64(-1)
	for i := range rounds * each {
		missing[id(i)] = true
	}
	for len(missing) > 0 {
		b := nextBatch(t, got)
		if b.offset <= last || b.missed {
			t.Fatalf("%v follows offset %d", b, last)
		}
		last = b.offset
		delete(missing, b.text)
	}
}

func TestADeletedStreamIsDeclaredAgainAndReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	address := rabbitnode.URL(t)
	cfg := rabbitmq.Config{URLs: []string{address}, Journal: true}
	rabbit := open(t, cfg)
	got := readStream(t, rabbit, -1)
	for i := range 10 {
		appendBatch(t, rabbit, id(i))
		nextBatch(t, got)
	}
	if err := rabbitnode.Shared(t).DeleteQueue(t.Context(), rabbitnode.VhostOf(address), rabbitmq.JournalStream); err != nil {
		t.Fatal(err)
	}
	appendBatch(t, rabbit, "anew")
	expectBatches(t, got, batch{0, "anew", true})
	// A reader that was away meanwhile.
	expectBatches(t, readStream(t, open(t, cfg), 9), batch{0, "anew", true})
}

func TestAReaderSeesThatBatchesHaveAgedOut(t *testing.T) {
	t.Parallel()
	address := rabbitnode.URL(t)
	small := amqp.Table{"x-queue-type": "stream", "x-max-length-bytes": int64(20_000), "x-stream-max-segment-size-bytes": int64(5_000)}
	if _, err := channel(t, address).QueueDeclare(rabbitmq.JournalStream, true, false, false, false, small); err != nil {
		t.Fatal(err)
	}
	rabbit := open(t, rabbitmq.Config{URLs: []string{address}, Journal: true}) // it uses the stream as it is
	const n = 100
	for i := range n {
		appendBatch(t, rabbit, id(i)+strings.Repeat("x", 1000))
	}
	got := readStream(t, rabbit, 3)
	for seen, last := 0, int64(3); ; seen++ {
		b := nextBatch(t, got)
		if b.offset <= last || b.missed != (seen == 0) || seen > n/2 {
			t.Fatalf("batch %d, behind offset %d: %d, missed %v", seen, last, b.offset, b.missed)
		}
		last = b.offset
		if strings.HasPrefix(b.text, id(n-1)) {
			break
		}
	}
}

func TestBatchesOutliveTheirNode(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t)
	cfg := rabbitmq.Config{URLs: []string{node.URL()}, Journal: true}
	rabbit := open(t, cfg)
	got := readStream(t, rabbit, -1)
	appendBatch(t, rabbit, "before")
	expectBatches(t, got, batch{0, "before", false})
	for _, end := range []func() error{func() error { return node.Stop(patient(t)) }, node.Kill} { // 3.10 loses a stream if it is killed at once
		if err := end(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := rabbit.AppendStream(ctx, []byte("during")); err == nil {
			t.Error("a batch was appended without a node")
		}
		if err := node.StartAgain(patient(t)); err != nil {
			t.Fatal(err)
		}
		appendBatch(t, rabbit, "after")
		for nextBatch(t, got).text != "after" {
		}
	}
	again := readStream(t, open(t, cfg), -1)
	expectBatches(t, again, batch{0, "before", false})
}

func TestWithoutTheJournalNothingIsDeclared(t *testing.T) {
	t.Parallel()
	address := rabbitnode.URL(t)
	cfg := rabbitmq.Config{URLs: []string{address}}
	rabbit := open(t, cfg)
	publish(t, rabbit, anEvent("1"))
	changes, err := rabbitmq.Apply(patient(t), cfg)
	if err != nil || slices.ContainsFunc(changes, func(c rabbitmq.Change) bool { return strings.Contains(c.Name, "journal") }) {
		t.Errorf("%v: %v", err, changes)
	}
	if err := rabbit.AppendStream(t.Context(), nil); err == nil {
		t.Error("a batch was appended")
	}
	if err := rabbit.ReadStream(t.Context(), -1, nil); err == nil {
		t.Error("the stream was read")
	}
	if _, err := channel(t, address).QueueDeclarePassive(rabbitmq.JournalStream, true, false, false, false, nil); err == nil {
		t.Error("the stream exists")
	}
	cfg.Journal = true
	changes, err = rabbitmq.Plan(patient(t), cfg)
	var names []string
	for _, c := range changes {
		if strings.Contains(c.Name, "journal") {
			names = append(names, fmt.Sprint(c.Kind, " ", c.Name, ": ", c.State))
		}
	}
	want := []string{"exchange hookline.journal: missing", "queue hookline.journal: missing", `binding hookline.journal -> hookline.journal by "": unknown`}
	if err != nil || !slices.Equal(names, want) {
		t.Errorf("%v: plan %q", err, names)
	}
}

// TestWithoutPermissionOnlyTheJournalIsOff uses the permissions of an installation before the journal.
func TestWithoutPermissionOnlyTheJournalIsOff(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t)
	cfg := rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{route("archive", "#")}}
	if _, err := rabbitmq.Apply(patient(t), cfg); err != nil {
		t.Fatal(err)
	}
	const before, after = `^hookline\.(events|return|ledger|retry\..+|dead)$`, `^hookline\.(events|return|ledger|journal|retry\..+|dead)$`
	if err := node.Ctl(t.Context(), "add_user", "limited", "secret"); err != nil {
		t.Fatal(err)
	}
	permit := func(write string) {
		t.Helper()
		if err := node.Ctl(t.Context(), "set_permissions", "limited", "^$", write, ".*"); err != nil {
			t.Fatal(err)
		}
	}
	permit(before)
	u, err := url.Parse(node.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("limited", "secret")
	cfg.URLs, cfg.Journal = []string{u.String()}, true
	core, logs := observer.New(zap.WarnLevel)
	rabbit, err := rabbitmq.Open(cfg, prometheus.NewRegistry(), zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rabbit.Close(context.Background()) })
	publish(t, rabbit, anEvent("1"))
	next(t, take(t, rabbit, cfg.Routes[0]))
	eventually(t, "the missing stream to be named", func() bool {
		return slices.Equal(rabbit.Lacking(), []string{"exchange hookline.journal", "queue hookline.journal"})
	})
	if err := rabbit.AppendStream(patient(t), []byte("1")); err == nil || !strings.Contains(err.Error(), "topology apply") {
		t.Errorf("without a stream: %v", err)
	}
	operator := cfg
	operator.URLs = []string{node.URL()}
	if _, err := rabbitmq.Apply(patient(t), operator); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stream to be found", func() bool { return len(rabbit.Lacking()) == 0 })
	if err := rabbit.AppendStream(patient(t), []byte("1")); err == nil || !strings.Contains(err.Error(), "permission to write hookline.journal") {
		t.Errorf("without permission: %v", err)
	}
	if lacking := rabbit.Lacking(); !slices.Equal(lacking, []string{"the permission to write exchange hookline.journal"}) {
		t.Errorf("lacking: %q", lacking)
	}
	permit(after)
	again := open(t, cfg) // the other one waits for a minute
	appendBatch(t, again, "1")
	if lacking := again.Lacking(); len(lacking) != 0 {
		t.Errorf("lacking: %q", lacking)
	}
	publish(t, rabbit, anEvent("2"))
	if n := logs.FilterLoggerName("journal").Len(); n != 2 { // its exchange and its stream
		t.Errorf("%d warnings: %v", n, logs.All())
	}
}
