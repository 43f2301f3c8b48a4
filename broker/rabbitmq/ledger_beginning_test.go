package rabbitmq_test

import (
	"context"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/ledger"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/test/rabbitnode"
)

// foreign writes notes to the ledger as another process does.
type foreign struct {
	ch      *amqp.Channel
	process string
	number  int64
}

func (f *foreign) write(t *testing.T, notes ...ledger.Note) {
	t.Helper()
	f.number++
	f.send(t, ledger.Notes{Process: f.process, Number: f.number, Time: time.Now().UnixMilli(), Notes: notes}.Encode())
}

func (f *foreign) send(t *testing.T, text []byte) {
	t.Helper()
	if err := f.ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	confirm, err := f.ch.PublishWithDeferredConfirm(rabbitmq.LedgerExchange, rabbitmq.LedgerNote, true, false, amqp.Publishing{Body: text})
	if err != nil {
		t.Fatal(err)
	}
	if stored, err := confirm.WaitContext(patient(t)); err != nil || !stored {
		t.Fatal("the note was not stored", err)
	}
}

// many writes notes of n thousand events.
func (f *foreign) many(t *testing.T, thousands int, of ledger.Note) {
	t.Helper()
	for i := range thousands {
		of.IDs = nil
		for j := range 1000 {
			of.IDs = append(of.IDs, id(i*1000+j))
		}
		f.write(t, of)
	}
}

// audited waits until an audit fulfils check.
func audited(t *testing.T, rabbit *rabbitmq.Broker, check func(broker.Audit) bool) broker.Audit {
	t.Helper()
	var last broker.Audit
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		ctx, cancel := context.WithTimeout(patient(t), 5*time.Second)
		a, err := rabbit.Audit(ctx)
		cancel()
		if err != nil {
			t.Logf("audit: %v", err)
			continue
		}
		if last = a; check(a) {
			return a
		}
	}
	t.Fatalf("audit %+v", last)
	return broker.Audit{}
}

// The stream of the ledger drops its oldest notes. A summary keeps the open events, however many there are, and the number of those that
// an audit has counted as lost outlasts even that.
func TestALossStaysWhenItsNotesHaveLeftTheLedger(t *testing.T) {
	t.Parallel()
	const lost = 100_000 // more than fit into one message of a summary
	url := rabbitnode.URL(t)
	client := channel(t, url)
	small := amqp.Table{"x-queue-type": "stream", "x-max-length-bytes": int64(2 << 20), "x-stream-max-segment-size-bytes": int64(1 << 20)}
	if _, err := client.QueueDeclare(rabbitmq.LedgerStream, true, false, false, false, small); err != nil {
		t.Fatal(err)
	}
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("slow", "slow.#")}}
	rabbit := open(t, cfg)
	receiver := &foreign{ch: client, process: "receiver"}
	eventually(t, "the ledger's exchange", func() bool { return rabbit.Ready() == nil })
	receiver.many(t, lost/1000, ledger.Note{Kind: ledger.Accepted, Source: "slow", Routes: []string{"slow"}})
	first, err := rabbit.Audit(patient(t)) // to its end, and so with a summary
	if err != nil || first.Unaccounted != lost || first.Anew != "" {
		t.Fatalf("audit %+v, %v", first, err)
	}
	push := func(thousands int) {
		for _, kind := range []ledger.Kind{ledger.Accepted, ledger.Done} {
			receiver.many(t, thousands, ledger.Note{Kind: kind, Source: "fast", Routes: []string{"fast"}})
		}
	}
	push(50)
	if firstOffset(t, url) == 0 {
		t.Error("the stream has all notes")
	}
	for _, reader := range []*rabbitmq.Broker{rabbit, open(t, cfg)} {
		audited(t, reader, func(a broker.Audit) bool { return a.Unaccounted == lost && a.Anew == "" && a.Since.Equal(first.Since) })
	}
	push(200) // without an audit the notes behind the summary are gone, too
	for _, reader := range []*rabbitmq.Broker{rabbit, open(t, cfg)} {
		audited(t, reader, func(a broker.Audit) bool { return a.Unaccounted == lost && a.Anew != "" && a.Since.After(first.Since) })
	}
	if err := rabbit.Acknowledge(patient(t)); err != nil {
		t.Fatal(err)
	}
	audited(t, rabbit, func(a broker.Audit) bool { return a.Unaccounted == lost && a.Anew == "" })
}

// firstOffset returns the offset of the first message in the ledger's stream.
func firstOffset(t *testing.T, url string) int64 {
	t.Helper()
	client := channel(t, url)
	if err := client.Qos(1, 0, false); err != nil {
		t.Fatal(err)
	}
	messages, err := client.Consume(rabbitmq.LedgerStream, "", false, false, false, false, amqp.Table{"x-stream-offset": "first"})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case d := <-messages:
		return d.Headers["x-stream-offset"].(int64)
	case <-patient(t).Done():
		t.Fatal("the stream has no message")
		return 0
	}
}

// A virtual host that is deleted and made again has an empty ledger, as at the first start. A process that runs on numbers its messages,
// so that its next one shows that earlier ones are gone.
func TestAVirtualHostMadeAgainIsNoNewLedger(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}}
	rabbit := open(t, cfg)
	for i := range 5 {
		publish(t, rabbit, anEvent(id(i)))
	}
	if a, err := rabbit.Audit(patient(t)); err != nil || a.Anew != "" {
		t.Fatalf("audit of a new ledger: %+v, %v", a, err)
	}
	makeAgain(t, url)
	eventually(t, "the process to connect again", func() bool { return rabbit.Ready() == nil })
	publish(t, rabbit, anEvent("after"))
	want := func(a broker.Audit) bool {
		return a.Anew != "" && len(a.Routes) == 2 && a.Routes[1] == (broker.RouteAudit{Route: r.Name, Accepted: 1, Waiting: 1})
	}
	audited(t, open(t, cfg), want) // as the command does
	audited(t, rabbit, want)
	if err := open(t, cfg).Acknowledge(patient(t)); err != nil {
		t.Fatal(err)
	}
	known := func(a broker.Audit) bool { return a.Anew == "" }
	audited(t, rabbit, known)
	audited(t, open(t, cfg), known)
}

// makeAgain deletes the virtual host of an URL and makes it again.
func makeAgain(t *testing.T, url string) {
	t.Helper()
	shared := rabbitnode.Shared(t)
	vhost := rabbitnode.VhostOf(url)
	if err := shared.DeleteVhost(t.Context(), vhost); err != nil {
		t.Fatal(err)
	}
	definitions := `{"vhosts": [{"name": "` + vhost + `"}], "permissions": [{"user": "guest", "vhost": "` + vhost + `", "configure": ".*", "write": ".*", "read": ".*"}]}`
	if err := shared.Import(t.Context(), []byte(definitions)); err != nil {
		t.Fatal(err)
	}
}

func TestAnAuditNamesNotesOfANewerHookline(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	cfg := rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{route("archive", "#")}}
	rabbit := open(t, cfg)
	publish(t, rabbit, anEvent("1"))
	newer := &foreign{ch: channel(t, url), process: "newer"}
	newer.write(t, ledger.Note{Kind: "parked", Source: "alma", Routes: []string{"archive"}, IDs: []string{"1", "2"}})
	newer.send(t, []byte(`{"version":2,"process":"newer","number":2}`))
	newer.send(t, []byte(`of a foreign publisher`))
	for range 2 {
		audited(t, rabbit, func(a broker.Audit) bool { return a.Newer == 3 && a.Anew == "" })
	}
}

// Workers with a new route can run before receivers that know it.
func TestARollingUpdateWithANewRoute(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	old, added := route("old", "#"), route("new", "#")
	receiver := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{old}})
	worker := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{old, added}})
	eventually(t, "the new route's queue", func() bool { return waiting(t, worker, broker.WorkQueue(added.Name)) == 0 })
	handled := take(t, worker, added)
	for i := range 40 {
		publish(t, receiver, anEvent(id(i)))
	}
	for range 40 {
		next(t, handled)
	}
	expectAudit(t, worker, added.Name, broker.RouteAudit{Uncounted: 40})
}
