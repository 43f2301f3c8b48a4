// Command custom is hookline with the handlers that a measurement needs: nothing, and stamp, which notes when it began.
package main

import (
	"context"
	"os"
	"sync"

	"github.com/hookline/hookline/cli"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/test/bench/stamp"
)

func nothing(func(any) error) (handler.Handler, error) {
	return handler.Func(func(context.Context, event.Delivery) error { return nil }), nil
}

// stamped is handler: { kind: stamp, file: NAME }.
type stamped struct {
	File string `yaml:"file"`
}

func newStamped(decode func(any) error) (handler.Handler, error) {
	var cfg stamped
	if err := decode(&cfg); err != nil {
		return nil, err
	}
	open := sync.OnceValues(func() (stamp.File, error) { return stamp.Open(cfg.File) })
	return handler.Func(func(_ context.Context, d event.Delivery) error {
		file, err := open()
		if err != nil {
			return err
		}
		return file.Write(d.Event.ID)
	}), nil
}

func main() {
	os.Exit(cli.Program{Version: "bench", Handlers: handler.Registry{"nothing": nothing, "stamp": newStamped}}.Main())
}
