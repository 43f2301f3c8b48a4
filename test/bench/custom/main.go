// Command custom is hookline with the handlers of the benchmarks: one without work, and stamp, which records when it began.
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

func nothing(struct{}) (handler.Handler, error) {
	return handler.Func(func(context.Context, event.Delivery) error { return nil }), nil
}

// stamped is handler: { kind: stamp, file: NAME }.
type stamped struct {
	File string `yaml:"file"`
}

func newStamped(cfg stamped) (handler.Handler, error) {
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
	os.Exit(cli.Program{Version: "bench", Handlers: handler.Registry{"nothing": handler.NewKind(struct{}{}, nothing), "stamp": handler.NewKind(stamped{}, newStamped)}}.Main())
}
