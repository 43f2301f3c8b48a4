package rabbitmq

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"go.uber.org/zap"

	"github.com/hookline/hookline/broker/ledger"
	"github.com/hookline/hookline/pkg/event"
)

const (
	// linger is the longest time that a note waits for other notes, if no delivery waits for this note. If a delivery waits, the
	// limit is shortLinger while the route holds other deliveries, because their notes can join the batch. It is lastLinger for
	// the last delivery that the route holds.
	linger      = 100 * time.Millisecond
	countLinger = time.Second // for the receivers' counts, because unverified requests count, too
	shortLinger = 20 * time.Millisecond
	lastLinger  = time.Millisecond
	// noteTime is the longest that one try to write notes may take, and that a finished delivery waits for its note.
	noteTime = 10 * time.Second
	// The pause between two tries doubles each time.
	firstNotePause = time.Second
	maxNotePause   = 5 * time.Second
	// lastTime is how long a try to write notes may go on after the stop.
	lastTime = 2 * time.Second
)

// ledgerWriter writes the notes of this process to the ledger. It publishes one message at a time. Meanwhile the next batch
// collects notes, so that a busy process writes no more messages than an idle one.
type ledgerWriter struct {
	publisher *serialPublisher
	process   string
	spool     string
	bindings  ledger.Bindings // of this process's configuration; nil if it declares none
	external  []string        // routes of bindings
	metrics   *metrics
	log       *zap.Logger
	wake      chan struct{} // capacity 1: due has changed

	abandoned int // notes of messages that a stop left unwritten; only run uses it

	mu          sync.Mutex
	due         time.Time     // when to write the oldest batch; zero: there is no batch
	patience    time.Duration // of the note that set due
	batches     []*noteBatch  // oldest first; notes go to the last
	unwritten   int           // notes in batches
	number      int64         // of the last message
	lost        int64         // notes dropped since the last message
	unavailable chan struct{} // closed while the ledger cannot be written: nobody waits for a batch
	held        map[string]int64
	running     map[string]int64
	counts      map[string]map[string]int64
	unbound     ledger.Bindings    // removed since the last message
	announced   bool               // a message had the bindings
	session     *session           // of the latest message with bindings; nil: the next message repeats them
	stopped     bool               // the next message is the last
	spooled     map[string]int64   // nil: unchanged since the last message
	spoolCounts ledger.SpoolCounts // with spooled

	acknowledged bool // see ledger.Notes
}

func newLedgerWriter(c *connection, cfg Config, m *metrics, log *zap.Logger) *ledgerWriter {
	return &ledgerWriter{
		publisher: newLedgerPublisher(c), process: rand.Text()[:12], spool: cfg.Spool, metrics: m, log: log,
		wake: make(chan struct{}, 1), unavailable: make(chan struct{}),
		held: map[string]int64{}, running: map[string]int64{}, counts: map[string]map[string]int64{},
	}
}

// noteAccepted notes that e was stored for routes, or as unrouted if there are none.
func (w *ledgerWriter) noteAccepted(e event.Event, routes []string) {
	w.note(linger, ledger.Accepted, e, routes)
}

// notePartly notes that e was stored for routes, and that the queues of others refused it. counted tells whether the note counts e for its
// source.
func (w *ledgerWriter) notePartly(e event.Event, routes, lacking []string, counted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addNote(linger, ledger.Note{Kind: ledger.Partly, Source: e.Source, Action: e.Action, Routes: routes, Lacking: lacking, Counted: counted}, e)
}

// noteRetrying notes that e waits for another attempt.
func (w *ledgerWriter) noteRetrying(e event.Event, route string) {
	w.note(linger, ledger.Retrying, e, []string{route})
}

// noteRouted notes that the unrouted event e was stored for routes.
func (w *ledgerWriter) noteRouted(e event.Event, routes []string) {
	w.note(0, ledger.Routed, e, routes)
}

// noteAgain notes that a person is about to give e to routes again, or has done so. The note is written at once: await it.
func (w *ledgerWriter) noteAgain(kind ledger.Kind, e event.Event, routes []string) *noteBatch {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.add(0, kind, e, routes)
}

// noteMoved notes that an event of a route is an unrouted one now.
func (w *ledgerWriter) noteMoved(e event.Event, route string) {
	w.note(linger, ledger.Moved, e, []string{route})
}

// noteFinished notes that a held event is done or discarded by a route, or discarded from the unrouted ("").
// The caller has to await the returned batch, because an audit would report an event without this note as lost.
// With flush the batch is written at once.
func (w *ledgerWriter) noteFinished(flush bool, kind ledger.Kind, e event.Event, route string) *noteBatch {
	var routes []string
	if route != "" {
		routes = []string{route}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	addTo(w.held, route, -1)
	patience := shortLinger
	switch {
	case flush:
		patience = 0
	case w.held[route] == 0:
		patience = lastLinger
	}
	return w.add(patience, kind, e, routes)
}

// await returns when b is stored, or after noteTime. While the ledger cannot be written it returns at once, so that
// handlers go on while RabbitMQ stores nothing.
func (w *ledgerWriter) await(b *noteBatch) {
	w.mu.Lock()
	unavailable := w.unavailable
	w.mu.Unlock()
	timer := time.NewTimer(noteTime)
	defer timer.Stop()
	select {
	case <-b.written:
	case <-unavailable:
	case <-timer.C:
		w.setUnavailable()
	}
}

// addHeld adds n, which may be negative, to the unsettled deliveries of a route.
func (w *ledgerWriter) addHeld(route string, n int64) {
	if n == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	addTo(w.held, route, n)
	w.batch(linger)
}

// addRunning adds n, which may be negative, to the deliveries of a route whose handler runs.
func (w *ledgerWriter) addRunning(route string, n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	addTo(w.running, route, n)
	w.batch(linger)
}

func addTo(numbers map[string]int64, route string, n int64) {
	if numbers[route] += n; numbers[route] == 0 {
		delete(numbers, route)
	}
}

// count adds one to a source's requests of a kind; see broker.Counter.
func (w *ledgerWriter) count(source, kind string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.counts[source] == nil {
		w.counts[source] = map[string]int64{}
	}
	w.counts[source][kind]++
	w.batch(countLinger)
}

// setSpooled replaces the numbers of spooled events; see broker.Counter.
func (w *ledgerWriter) setSpooled(events map[string]int64, counts ledger.SpoolCounts) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spooled, w.spoolCounts = maps.Clone(events), counts
	w.batch(linger)
}

// setAcknowledged notes that a person has taken note of a ledger that counts anew.
func (w *ledgerWriter) setAcknowledged() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acknowledged = true
	w.batch(0)
}

// noteUnbound notes bindings that were removed.
func (w *ledgerWriter) noteUnbound(removed ledger.Bindings) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.unbound == nil {
		w.unbound = ledger.Bindings{}
	}
	for route, patterns := range removed {
		w.unbound[route] = append(w.unbound[route], patterns...)
	}
	w.batch(linger)
}

// announce writes a message, so that readers of the ledger know that this process runs and which bindings it declares.
func (w *ledgerWriter) announce() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bindings != nil {
		w.session = nil
		w.batch(0)
	}
}

// announceStop writes a last message, so that readers of the ledger know that this process has ended.
func (w *ledgerWriter) announceStop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.announced {
		w.stopped = true
		w.batch(0)
	}
}

// flush returns when all notes so far are stored, with the number of the last message.
func (w *ledgerWriter) flush(ctx context.Context) (int64, error) {
	w.mu.Lock()
	b := w.batch(0)
	w.mu.Unlock()
	select {
	case <-b.written:
	case <-ctx.Done():
		return 0, fmt.Errorf("the ledger cannot be written: %w", ctx.Err())
	}
	if b.number == 0 {
		return 0, errors.New("notes were dropped, because the ledger cannot be written")
	}
	return b.number, nil
}

func (w *ledgerWriter) note(patience time.Duration, kind ledger.Kind, e event.Event, routes []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(patience, kind, e, routes)
}

func (w *ledgerWriter) add(patience time.Duration, kind ledger.Kind, e event.Event, routes []string) *noteBatch {
	return w.addNote(patience, ledger.Note{Kind: kind, Source: e.Source, Action: e.Action, Routes: routes}, e)
}

func (w *ledgerWriter) addNote(patience time.Duration, n ledger.Note, e event.Event) *noteBatch {
	b := w.batch(patience)
	b.add(n, e)
	w.unwritten++
	w.dropOldest()
	return b
}

// batch returns the batch for new notes. run writes it after patience at the latest.
func (w *ledgerWriter) batch(patience time.Duration) *noteBatch {
	if w.due.IsZero() || patience < w.patience { // else due is early enough
		if at := time.Now().Add(patience); w.due.IsZero() || at.Before(w.due) {
			w.due, w.patience = at, patience
			select {
			case w.wake <- struct{}{}:
			default:
			}
		}
	}
	if n := len(w.batches); n > 0 && w.batches[n-1].size < maxBatch {
		return w.batches[n-1]
	}
	b := newNoteBatch()
	w.batches = append(w.batches, b)
	return b
}

// dropOldest drops the oldest batches while there are more than maxUnwritten notes.
func (w *ledgerWriter) dropOldest() {
	for w.unwritten > maxUnwritten && len(w.batches) > 1 {
		b := w.batches[0]
		w.batches = w.batches[1:]
		w.unwritten -= b.size
		w.lost += int64(b.size)
		w.metrics.dropped.Add(float64(b.size))
		close(b.written)
	}
}

// run writes batches when they are due, until ctx ends. Then it writes the remaining ones, if that is possible at once.
func (w *ledgerWriter) run(ctx context.Context) {
	due := time.NewTimer(0)
	defer due.Stop()
	again := time.NewTicker(ledger.HoldInterval)
	defer again.Stop()
	beat := time.NewTicker(ledger.BeatInterval)
	defer beat.Stop()
	w.announce()
	for ctx.Err() == nil {
		due.Reset(w.untilDue())
		select {
		case <-w.wake:
		case <-due.C:
			w.write(ctx)
		case <-again.C:
			w.repeatHeld()
		case <-beat.C:
			w.announce()
		case <-ctx.Done():
		}
	}
	w.releaseHeld()
	w.announceStop()
	for w.write(ctx) {
	}
	if n := w.unwrittenNotes(); n > 0 {
		w.log.Warn("stopped before the last notes were written to the ledger: audits will miss them", zap.Int("notes", n))
	}
}

// untilDue returns how long the oldest batch can wait.
func (w *ledgerWriter) untilDue() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.due.IsZero() {
		return time.Hour
	}
	return time.Until(w.due)
}

// unwrittenNotes returns how many notes a stop has left unwritten.
func (w *ledgerWriter) unwrittenNotes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.abandoned + w.unwritten
}

// repeatHeld writes the held deliveries again, if there are any.
func (w *ledgerWriter) repeatHeld() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.held) > 0 {
		w.batch(0)
	}
}

// releaseHeld notes that all held deliveries go back to their queues now.
func (w *ledgerWriter) releaseHeld() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.held) > 0 {
		clear(w.held)
		clear(w.running)
		w.batch(0)
	}
}

// write writes the oldest batch. It returns true if there was one and it is stored now.
func (w *ledgerWriter) write(ctx context.Context) bool {
	b, m, ok := w.next()
	if !ok {
		return false
	}
	if !w.publish(ctx, m) {
		w.abandoned += b.size
		return false
	}
	close(b.written)
	w.setAvailable()
	return true
}

// next takes the oldest batch and makes its message.
func (w *ledgerWriter) next() (b *noteBatch, m message, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.batches) == 0 {
		return nil, message{}, false
	}
	b, w.batches, w.due = w.batches[0], w.batches[1:], time.Time{}
	if len(w.batches) > 0 {
		w.due, w.patience = time.Now(), 0
	}
	w.unwritten -= b.size
	w.number++
	b.number = w.number
	notes := ledger.Notes{
		Process: w.process, Number: b.number, Time: time.Now().UnixMilli(),
		Notes: b.notes, Held: maps.Clone(w.held), Running: maps.Clone(w.running), Counts: w.counts, Lost: w.lost,
		Acknowledged: w.acknowledged,
	}
	if w.spooled != nil {
		notes.Spool, notes.Spooled = w.spool, w.spooled
		if counts := w.spoolCounts; counts.Taken > 0 {
			notes.SpoolCounts = &counts
		}
	}
	if s, _ := w.publisher.conn.now(); w.bindings != nil && (s != w.session || !w.announced) {
		notes.Bindings, notes.External, w.session, w.announced = w.bindings, w.external, s, true
	}
	notes.Unbound, w.unbound = w.unbound, nil
	notes.Stopped = w.stopped && len(w.batches) == 0
	w.counts, w.spooled, w.lost, w.acknowledged = map[string]map[string]int64{}, nil, 0, false
	kind := ""
	switch {
	case b.accepted:
		kind = typeAccepted
	case notes.Bindings != nil || notes.Stopped:
		kind = typeBindings
	}
	return b, message{LedgerExchange, LedgerNote, amqp.Publishing{
		MessageId: w.process + "-" + strconv.FormatInt(b.number, 10), ContentType: "application/json", Type: kind,
		DeliveryMode: amqp.Persistent, Body: notes.Encode(),
	}}, true
}

// publish stores the message and tries again until it succeeds. Readers recognize a repeated message by its number. After
// the end of ctx publish gives up at the first failure.
func (w *ledgerWriter) publish(ctx context.Context, m message) bool {
	for pause := firstNotePause; ; pause = min(2*pause, maxNotePause) {
		if ctx.Err() != nil && w.publisher.ready() != nil {
			return false
		}
		err := w.publishOnce(ctx, m)
		if err == nil {
			return true
		}
		if pause == firstNotePause && ctx.Err() == nil {
			w.log.Warn("the ledger cannot be written; trying again", zap.Error(err))
		}
		if forbidden(err) || missing(err) { // an operator has to act first
			w.setUnavailable()
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
}

// publishOnce tries to store the message for noteTime, but ends lastTime after the end of working.
func (w *ledgerWriter) publishOnce(working context.Context, m message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(working), noteTime)
	defer cancel()
	defer context.AfterFunc(working, func() { time.AfterFunc(lastTime, cancel) })()
	return w.publisher.publish(ctx, &m)
}

// setUnavailable ends all waiting for batches until setAvailable.
func (w *ledgerWriter) setUnavailable() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.unavailable:
	default:
		close(w.unavailable)
	}
}

func (w *ledgerWriter) setAvailable() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.unavailable:
		w.unavailable = make(chan struct{})
	default:
	}
}
