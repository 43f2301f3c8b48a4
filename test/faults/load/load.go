// Package load plays many senders of signed webhooks at a steady rate and records the answers.
package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/sender"
)

// Config is the configuration of a load.
type Config struct {
	Name      string   // part of every ID, so that the events of two loads differ
	Receivers []string // HOST:PORT of each; a sender uses them in turn, as a load balancer does
	Sources   []string // of Alma's scheme; they send in turn
	Secret    string   // all sources' secret
	Rate      int      // events a second, of all sources together
}

const (
	// tries is the maximum number of tries for an event, with the same ID, until a 200.
	tries = 4
	// pause is the wait before the next try.
	pause = 250 * time.Millisecond
	// deadline is the wait for an answer, Alma's limit.
	deadline = 5 * time.Second
	// maxOpen limits the requests under way, because senders do not wait for each other.
	maxOpen = 1000
	// maxPad is the approximate size of the largest bodies; most are far smaller.
	maxPad = 6000
)

// Load sends events between Start and Stop. It can start again.
type Load struct {
	Record
	cfg    Config
	signer *signature.Verifier
	client *http.Transport
	next   int // number of the next event
	stop   func()
}

// New checks cfg. It sends no events before Start.
func New(cfg Config) (*Load, error) {
	scheme, _ := signature.Preset("alma")
	signer, err := signature.New(scheme, []signature.Secret{{Value: setting.Secret(cfg.Secret)}})
	if err != nil {
		return nil, err
	}
	if len(cfg.Receivers) == 0 || len(cfg.Sources) == 0 || cfg.Rate <= 0 {
		return nil, errors.New("load: receivers, sources and a rate are needed")
	}
	return &Load{
		Record: newRecord(), cfg: cfg, signer: signer, stop: func() {},
		client: &http.Transport{MaxIdleConnsPerHost: maxOpen, IdleConnTimeout: 5 * time.Second},
	}, nil
}

// Start sends events until Stop or the end of ctx.
func (l *Load) Start(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	l.stop = func() { cancel(); <-done }
	l.begin()
	go func() {
		defer close(done)
		defer l.client.CloseIdleConnections()
		l.run(ctx)
	}()
}

// Stop ends the sending. It returns when all requests are answered.
func (l *Load) Stop() { l.stop() }

func (l *Load) run(ctx context.Context) {
	var senders sync.WaitGroup
	defer senders.Wait()
	defer l.end()
	open := make(chan struct{}, maxOpen)
	tick := time.NewTicker(time.Second / time.Duration(l.cfg.Rate))
	defer tick.Stop()
	for ; ; l.next++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		select {
		case open <- struct{}{}:
			n := l.next
			senders.Go(func() {
				defer func() { <-open }()
				l.deliver(ctx, n)
			})
		case <-ctx.Done():
			return
		}
	}
}

// Burst sends events of one source one after the other, while Load is stopped. It returns an error if one is not answered 200.
func (l *Load) Burst(ctx context.Context, source string, events int) error {
	for range events {
		for l.cfg.Sources[l.next%len(l.cfg.Sources)] != source {
			l.next++
		}
		n := l.next
		l.next++
		if !l.deliver(ctx, n) {
			return fmt.Errorf("event %d of a burst was not answered 200: %v", n, l.Others())
		}
	}
	return nil
}

// SendLarge sends an event of a source with a body of size bytes to one receiver, once. It returns the code of the answer, 0 without one.
func (l *Load) SendLarge(ctx context.Context, source, receiver, id string, size int) int {
	body := fmt.Appendf(nil, `{"id":%q,"action":%q,"pad":%q}`, id, strings.ToUpper(Action), strings.Repeat("x", size))
	m := sender.Message{ID: id, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
	to := sender.Target{URL: "http://" + receiver + "/webhooks/" + source, Deadline: deadline, Transport: l.client}
	answer, err := sender.Send(ctx, to, m, l.signer)
	if err != nil {
		return 0
	}
	return answer.Code
}

// deliver sends event n to one receiver after the other until a 200. It waits for a request that is under way when ctx
// ends, because its answer counts.
func (l *Load) deliver(ctx context.Context, n int) bool {
	source := l.cfg.Sources[n%len(l.cfg.Sources)]
	id := fmt.Sprintf("%s-%s-%06d", source, l.cfg.Name, n)
	m := sender.Message{ID: id, Header: http.Header{"Content-Type": {"application/json"}}, Body: Body(id)}
	sent := time.Now()
	for try := range tries {
		receiver := l.cfg.Receivers[(n/len(l.cfg.Sources)+try)%len(l.cfg.Receivers)]
		to := sender.Target{URL: "http://" + receiver + "/webhooks/" + source, Deadline: deadline, Transport: l.client}
		answer, err := sender.Send(context.WithoutCancel(ctx), to, m, l.signer)
		if l.answered(source, id, sent, answer.Code, err) {
			return true
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
	return false
}

// Body returns the body of the event with an ID. It is always the same, so that it can be compared on arrival.
func Body(id string) []byte {
	var seed [32]byte
	copy(seed[:], id)
	random := rand.New(rand.NewChaCha8(seed))
	pad := make([]byte, random.IntN(200))
	if random.IntN(10) == 0 {
		pad = make([]byte, random.IntN(maxPad))
	}
	for i := range pad {
		pad[i] = byte('a' + random.IntN(26))
	}
	return fmt.Appendf(nil, `{"id":%q,"action":%q,"pad":%q}`, id, strings.ToUpper(Action), pad)
}

// Action is the action of all events.
const Action = "job_end"
