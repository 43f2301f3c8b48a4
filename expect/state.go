package expect

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/hookline/hookline/pkg/durable"
)

// state is a Watch's memory of a route.
type state struct {
	// Last is when the latest expected event was received. It begins with the time at which the route was first watched.
	Last time.Time `json:"last"`
	// Told is the due time of the missing event that people were told of; zero: of none since Last.
	Told time.Time `json:"told"`
}

// stateFile keeps the states over restarts.
type stateFile string

// read returns the states by route; none if there is no file.
func (f stateFile) read() (map[string]state, error) {
	text, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]state{}, nil
	}
	states := map[string]state{}
	if err == nil {
		err = json.Unmarshal(text, &states)
	}
	if err != nil {
		return map[string]state{}, fmt.Errorf("%s: %w; the watch begins anew", string(f), err)
	}
	return states, nil
}

// write replaces the file as a whole.
func (f stateFile) write(states map[string]state) error {
	text, err := json.MarshalIndent(states, "", "  ")
	if err != nil {
		return err
	}
	next := string(f) + ".part"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	if err := durable.Sync(durable.OS{}, next); err != nil {
		return err
	}
	if err := os.Rename(next, string(f)); err != nil {
		return err
	}
	return durable.Sync(durable.OS{}, filepath.Dir(string(f)))
}
