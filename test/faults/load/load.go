// Package load plays many senders of signed webhooks at a steady rate and remembers what they were answered.
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

	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/sender"
)

// Config says who sends what where.
type Config struct {
	Name      string   // in every ID: one load's events are not another's
	Receivers []string // HOST:PORT of each; a sender takes one after the other, as a load balancer would
	Sources   []string // of Alma's scheme; events are theirs by turns
	Secret    string   // all sources' secret
	Rate      int      // events a second, of all sources together
}

const (
	// tries is how often a sender repeats an event, with the same ID, until it is answered 200.
	tries = 4
	// pause is how long a sender waits before that.
	pause = 250 * time.Millisecond
	// deadline is how long a sender waits for an answer, Alma's limit.
	deadline = 5 * time.Second
	// maxOpen bounds the requests under way: senders do not wait for each other, but a machine has an end.
	maxOpen = 1000
	// maxPad is about how large the largest bodies are; most are far smaller.
	maxPad = 6000
)

// Load sends until it is stopped.
type Load struct {
	Record
	cfg    Config
	signer *signature.Verifier
	client http.RoundTripper
	cancel context.CancelFunc
	done   chan struct{}
}

// Start begins to send.
func Start(ctx context.Context, cfg Config) (*Load, error) {
	scheme, _ := signature.Preset("alma")
	signer, err := signature.New(scheme, []signature.Secret{{Value: cfg.Secret}})
	if err != nil {
		return nil, err
	}
	if len(cfg.Receivers) == 0 || len(cfg.Sources) == 0 || cfg.Rate <= 0 {
		return nil, errors.New("load: receivers, sources and a rate are needed")
	}
	ctx, cancel := context.WithCancel(ctx)
	transport := &http.Transport{MaxIdleConnsPerHost: maxOpen, IdleConnTimeout: 5 * time.Second}
	l := &Load{cfg: cfg, signer: signer, client: transport, cancel: cancel, done: make(chan struct{})}
	l.begin(cfg.Sources)
	go func() {
		defer close(l.done)
		defer transport.CloseIdleConnections()
		l.run(ctx)
	}()
	return l, nil
}

// Stop ends the sending; it returns when every request under way has its answer.
func (l *Load) Stop() {
	l.cancel()
	<-l.done
}

func (l *Load) run(ctx context.Context) {
	var senders sync.WaitGroup
	defer senders.Wait()
	defer l.end()
	open := make(chan struct{}, maxOpen)
	tick := time.NewTicker(time.Second / time.Duration(l.cfg.Rate))
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		select {
		case open <- struct{}{}:
			senders.Go(func() {
				defer func() { <-open }()
				l.deliver(ctx, n)
			})
		case <-ctx.Done():
			return
		}
	}
}

// deliver sends event n to one receiver after the other until it is answered 200. What is under way when ctx ends is
// waited for, since its answer counts.
func (l *Load) deliver(ctx context.Context, n int) {
	source := l.cfg.Sources[n%len(l.cfg.Sources)]
	id := fmt.Sprintf("%s-%s-%06d", source, l.cfg.Name, n)
	m := sender.Message{ID: id, Header: http.Header{"Content-Type": {"application/json"}}, Body: Body(id)}
	sent := time.Now()
	for try := range tries {
		receiver := l.cfg.Receivers[(n/len(l.cfg.Sources)+try)%len(l.cfg.Receivers)]
		to := sender.Target{URL: "http://" + receiver + "/webhooks/" + source, Deadline: deadline, Transport: l.client}
		answer, err := sender.Send(context.WithoutCancel(ctx), to, m, l.signer)
		if l.answered(source, id, sent, answer.Code, err) {
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// Body is the body of the event with that ID, always the same: what arrives can be compared with it.
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

// Action is what all events say happened.
const Action = "job_end"
