package rabbitnode_test

import (
	"context"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/hookline/hookline/test/rabbitnode"
)

func TestURLIsANewVirtualHost(t *testing.T) {
	t.Parallel()
	one, two := rabbitnode.URL(t), rabbitnode.URL(t)
	if one == two {
		t.Fatalf("both tests got %s", one)
	}
	declare(t, one)
	conn, err := amqp.Dial(two)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclarePassive("q", true, false, false, false, nil); err == nil {
		t.Error("the second virtual host has the first one's queue")
	}
}

func TestANodeKeepsPortsAndDataAfterStopAndKill(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	node := rabbitnode.Start(t)
	declare(t, node.URL())
	for name, end := range map[string]func() error{
		"stop": func() error { return node.Stop(ctx) },
		"kill": node.Kill,
	} {
		if err := end(); err != nil {
			t.Fatal(name, err)
		}
		if _, err := amqp.Dial(node.URL()); err == nil {
			t.Fatalf("the node answers after %s", name)
		}
		if err := node.StartAgain(ctx); err != nil {
			t.Fatal(name, err)
		}
		conn, err := amqp.Dial(node.URL())
		if err != nil {
			t.Fatal(name, err)
		}
		defer conn.Close()
		ch, err := conn.Channel()
		if err != nil {
			t.Fatal(name, err)
		}
		if _, err := ch.QueueDeclarePassive("q", true, false, false, false, nil); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
}

func TestAnAlarmBlocksPublishers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	node := rabbitnode.Start(t)
	conn, err := amqp.Dial(node.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 2))
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	for _, on := range []bool{true, false} {
		if err := node.SetAlarm(ctx, on); err != nil {
			t.Fatal(err)
		}
		if err := ch.PublishWithContext(ctx, "", "nobody", false, false, amqp.Publishing{}); err != nil {
			t.Fatal(err)
		}
		select {
		case b := <-blocked:
			if b.Active != on {
				t.Errorf("blocked = %v, want %v", b.Active, on)
			}
		case <-ctx.Done():
			t.Fatal("RabbitMQ sent no connection.blocked")
		}
	}
}

func declare(t *testing.T, url string) {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclare("q", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
}
