package config

import (
	"fmt"
	"net/netip"

	"go.yaml.in/yaml/v4"

	"github.com/hookline/hookline/alma"
	"github.com/hookline/hookline/alma/enrich"
	"github.com/hookline/hookline/pkg/handler"
	"github.com/hookline/hookline/pkg/jsonbody"
	"github.com/hookline/hookline/pkg/setting"
)

// Kinds are the parts that a route can have.
type Kinds struct {
	// Handlers by kind.
	Handlers handler.Registry
	// Enrich makes a handler that adds a document to each event and hands the event to next.
	Enrich func(c enrich.Config, next handler.Handler) (handler.Handler, error)
	// Decoding bounds the memory of the values that handlers and filters decode.
	Decoding *jsonbody.Budget
}

// MakeKinds makes them for the data folder and the institutions of a configuration.
type MakeKinds func(data string, institutions map[string]alma.Config) Kinds

// HandlerPart is a handler as the file has it: its kind, and the keys of that kind.
type HandlerPart struct {
	Kind string
	keys *yaml.Node
}

// UnmarshalYAML reads the kind and keeps the other keys.
func (p *HandlerPart) UnmarshalYAML(node *yaml.Node) error {
	p.keys = without(node, "kind")
	if kind := child(node, "kind"); kind != nil {
		return kind.Decode(&p.Kind)
	}
	return nil
}

// MarshalYAML shows the kind only: any other key may hold a secret.
func (p HandlerPart) MarshalYAML() (any, error) { return p.Kind, nil }

// decode fills a handler's configuration. A key that it lacks is an error.
func (p HandlerPart) decode(into any) error {
	if p.keys == nil {
		return nil
	}
	return p.keys.Load(into, yaml.WithKnownFields())
}

// Networks are networks such as 10.0.0.0/8, and single addresses.
type Networks []netip.Prefix

// UnmarshalYAML reads a network or a list of them.
func (n *Networks) UnmarshalYAML(decode func(any) error) error {
	var texts setting.List
	if err := decode(&texts); err != nil {
		return err
	}
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if addr, addrErr := netip.ParseAddr(text); addrErr == nil {
			network, err = addr.Prefix(addr.BitLen())
		}
		if err != nil {
			return fmt.Errorf("%q is neither a network such as 10.0.0.0/8 nor an address", text)
		}
		*n = append(*n, network.Masked())
	}
	return nil
}
