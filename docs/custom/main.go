// Command custom is hookline with one more kind of handler: greet.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/hookline/hookline/cli"
	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/handler"
)

// greeting is the handler's part of hookline.yml: handler: { kind: greet, name: World }.
type greeting struct {
	Name string `yaml:"name"`
}

func (g greeting) Handle(_ context.Context, d event.Delivery) error {
	_, err := fmt.Printf("Hello %s, %s happened (attempt %d)\n", g.Name, d.Event.Key(), d.Attempt)
	return err
}

func newGreeting(g greeting) (handler.Handler, error) {
	if g.Name == "" {
		return nil, errors.New("name is empty; write a name to greet, or leave it out")
	}
	return g, nil
}

func main() {
	greet := handler.NewKind(greeting{Name: "World"}, newGreeting)
	os.Exit(cli.Program{Version: "custom", Handlers: handler.Registry{"greet": greet}}.Main())
}
