package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hookline/hookline/test/bench/stamp"
)

// consume handles up to half of the prefetch at once, as a worker does with a prefetch of twice its concurrency. It
// acknowledges each delivery by itself.
func consume(url string, prefetch int, sink, file string) error {
	work, err := open(url)
	if err != nil {
		return err
	}
	take, err := taker(sink, file)
	if err != nil {
		return err
	}
	if err := work.Qos(prefetch, 0, false); err != nil {
		return err
	}
	deliveries, err := work.Consume(queue, "", false, false, false, false, nil)
	if err != nil {
		return err
	}
	failed := make(chan error)
	for range (prefetch + 1) / 2 {
		go func() {
			for d := range deliveries {
				if err := errors.Join(take(d.Body), d.Ack(false)); err != nil {
					failed <- err
				}
			}
			failed <- errors.New("no more deliveries")
		}()
	}
	return <-failed
}

// taker returns the function that handles an event.
func taker(sink, file string) (func(body []byte) error, error) {
	switch sink {
	case "none":
		return func([]byte) error { return nil }, nil
	case "stamp":
		to, err := stamp.Open(file)
		return func(body []byte) error { return to.Write(id(body)) }, err
	case "files", "synced":
		return func(body []byte) error { return write(filepath.Join(file, id(body)), body, sink == "synced") }, os.MkdirAll(file, 0o700)
	}
	return nil, fmt.Errorf("no sink %q", sink)
}

// id returns the ID from its usual position: the first value of the body.
func id(body []byte) string {
	_, rest, _ := bytes.Cut(body, []byte(`{"id":"`))
	id, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(id)
}
