package rabbitmq_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookline/hookline/broker"
	"github.com/hookline/hookline/broker/rabbitmq"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/test/rabbitnode"
)

func TestNothingIsLostWhenConnectionsAreCut(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{url}, Routes: []broker.Route{r}})
	got := take(t, rabbit, r)

	const senders = 16
	var (
		group  sync.WaitGroup
		number atomic.Int64
		stored sync.Map
	)
	sending, enough := context.WithCancel(t.Context())
	defer enough()
	for range senders {
		group.Go(func() {
			pace := time.NewTicker(10 * time.Millisecond)
			defer pace.Stop()
			for sending.Err() == nil {
				<-pace.C
				name := id(int(number.Add(1)))
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				if err := rabbit.Publish(ctx, anEvent(name)); err == nil {
					stored.Store(name, true)
				} else {
					t.Errorf("publish: %v", err)
				}
				cancel()
			}
		})
	}
	for range 3 {
		before := number.Load()
		eventually(t, "a hundred more events", func() bool { return number.Load() > before+100 })
		cut(t, url)
		t.Logf("cut after %d events", number.Load())
	}
	before := number.Load()
	eventually(t, "a hundred more events", func() bool { return number.Load() > before+100 })
	enough()
	group.Wait()

	missing := map[string]bool{}
	stored.Range(func(name, _ any) bool { missing[name.(string)] = true; return true })
	all, deliveries := len(missing), 0
	for len(missing) > 0 {
		select {
		case d := <-got:
			deliveries++
			delete(missing, d.Event.ID)
		case <-patient(t).Done():
			t.Fatalf("%d of %d stored events never came", len(missing), all)
		}
	}
	t.Logf("%d stored, %d deliveries", all, deliveries)
}

func TestAStoppedBrokerIsDownUntilItsRestart(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{r}})
	got := take(t, rabbit, r)
	publish(t, rabbit, anEvent("before"))
	if d := next(t, got); d.Event.ID != "before" {
		t.Errorf("got %s", d.Event.ID)
	}
	if err := rabbit.Ready(); err != nil {
		t.Error(err)
	}
	if err := node.Stop(patient(t)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Ready to say no", func() bool { return errors.Is(rabbit.Ready(), broker.ErrDown) })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	err := rabbit.Publish(ctx, anEvent("during"))
	if !errors.Is(err, broker.ErrDown) || !strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "guest") {
		t.Errorf("publish: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v to say so", took)
	}
	if err := node.StartAgain(patient(t)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Ready to say yes", func() bool { return rabbit.Ready() == nil })
	publish(t, rabbit, anEvent("after"))
	for next(t, got).Event.ID != "after" { // the event "before" may come again, if its acknowledgement was lost
	}
}

func TestAnAlarmBlocksPublishesAndConsumingGoesOn(t *testing.T) {
	t.Parallel()
	node := rabbitnode.Start(t)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{node.URL()}, Routes: []broker.Route{r}})
	for i := range 20 {
		publish(t, rabbit, anEvent(id(i)))
	}
	if err := node.SetAlarm(patient(t), true); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a publish to be blocked", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		return errors.Is(rabbit.Publish(ctx, anEvent("blocked")), broker.ErrBlocked)
	})
	if err := rabbit.Ready(); !errors.Is(err, broker.ErrBlocked) {
		t.Errorf("Ready: %v", err)
	}
	began := time.Now()
	if err := rabbit.Publish(patient(t), anEvent("blocked")); !errors.Is(err, broker.ErrBlocked) || time.Since(began) > time.Second {
		t.Errorf("publish: %v after %v", err, time.Since(began))
	}
	// Handlers go on with stored events. A retry, which has to be stored, waits for the end of the alarm.
	retried := make(chan event.Delivery, 100)
	handled := make(chan event.Delivery, 100)
	consume(t, rabbit, r, func(_ context.Context, d event.Delivery) broker.Outcome {
		if d.Event.ID == id(3) && d.Attempt == 1 {
			retried <- d
			return broker.Retry(0, "error", errors.New("once"))
		}
		handled <- d
		return broker.Ack()
	})
	next(t, retried)
	for range 16 {
		next(t, handled)
	}
	if err := node.SetAlarm(patient(t), false); err != nil {
		t.Fatal(err)
	}
	for {
		if d := next(t, handled); d.Event.ID == id(3) {
			if d.Attempt != 2 {
				t.Errorf("attempt %d, want 2", d.Attempt)
			}
			break
		}
	}
	eventually(t, "publishing to go on", func() bool { return rabbit.Ready() == nil })
	publish(t, rabbit, anEvent("after"))
}

func TestASessionWithoutConfirmsIsReplaced(t *testing.T) {
	t.Parallel()
	url := rabbitnode.URL(t)
	proxy := newProxy(t, url)
	r := route("archive", "#")
	rabbit := open(t, rabbitmq.Config{URLs: []string{proxy.url}, Routes: []broker.Route{r}})
	publish(t, rabbit, anEvent("before"))
	proxy.mute.Store(true)
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := rabbit.Publish(short, anEvent("unanswered")); !errors.Is(err, broker.ErrUnknown) {
		t.Errorf("publish without an answer: %v", err)
	}
	go func() {
		<-time.After(2 * time.Second)
		proxy.mute.Store(false) // for new connections; the old ones stay mute
	}()
	began := time.Now()
	publish(t, rabbit, anEvent("during"))
	if took := time.Since(began); took < 4*time.Second || took > 20*time.Second {
		t.Errorf("the next session came after %v", took)
	}
}

// proxy forwards between clients and the broker. While it is mute it drops the broker's answers, and a connection that
// lost an answer stays mute.
type proxy struct {
	url  string
	mute atomic.Bool
}

func newProxy(t *testing.T, url string) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(url, "@")
	target, vhost, _ := strings.Cut(rest, "/")
	p := &proxy{url: before + "@" + ln.Addr().String() + "/" + vhost}
	var group sync.WaitGroup
	t.Cleanup(func() {
		ln.Close()
		group.Wait()
	})
	group.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				client.Close()
				continue
			}
			group.Go(func() {
				defer server.Close()
				_, _ = io.Copy(server, client)
			})
			group.Go(func() {
				defer client.Close()
				p.answer(client, server)
			})
		}
	})
	return p
}

func (p *proxy) answer(client, server net.Conn) {
	buffer, muted := make([]byte, 64<<10), false
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		if muted = muted || p.mute.Load(); muted {
			continue
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}
