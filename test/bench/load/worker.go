package load

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// worker is one connection with its sender.
type worker struct {
	g       *generator
	address string
	conn    net.Conn
	answer  *bufio.Reader
	message *message

	took     []time.Duration
	answers  map[int]int64
	stored   uint64
	accepted []uint64
}

func newWorker(g *generator, address string) *worker {
	return &worker{g: g, address: address, message: newMessage(g.cfg), answers: map[int]int64{}}
}

func (w *worker) dial(ctx context.Context) (err error) {
	w.conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", w.address)
	if err == nil {
		w.answer = bufio.NewReaderSize(w.conn, 1<<10)
	}
	return err
}

func (w *worker) close() {
	if w.conn != nil {
		_ = w.conn.Close()
	}
}

// run sends until the time is over.
func (w *worker) run(ctx context.Context) error {
	for {
		due, more := w.turn()
		if !more {
			return nil
		}
		number := w.g.next.Add(1) - 1
		if w.g.cfg.Count > 0 && number >= w.g.cfg.First+uint64(w.g.cfg.Count) {
			return nil
		}
		w.message.become(number, due)
		status, stays, err := w.send()
		if err != nil { // the receiver closed the connection: status 0
			status, stays = 0, false
		}
		w.note(number, due, status)
		if stays {
			continue
		}
		w.close()
		if err := w.dial(ctx); err != nil {
			return err
		}
	}
}

// turn waits until an event is due.
func (w *worker) turn() (due time.Time, more bool) {
	if w.g.due != nil {
		due, more = <-w.g.due
		return due, more
	}
	select {
	case <-w.g.over:
		return due, false
	default:
		return time.Now(), true
	}
}

func (w *worker) note(number uint64, due time.Time, status int) {
	if status == http.StatusOK {
		w.stored++
		if w.g.cfg.Accepted != "" {
			w.accepted = append(w.accepted, number)
		}
	}
	now := time.Now()
	if now.Before(w.g.begun) {
		return
	}
	w.answers[status]++
	if !due.Before(w.g.begun) {
		w.took = append(w.took, now.Sub(due))
	}
}

// send sends the message and reads the answer; it ignores all but status and length.
func (w *worker) send() (status int, stays bool, err error) {
	if _, err := w.conn.Write(w.message.wire); err != nil {
		return 0, false, err
	}
	line, err := w.answer.ReadSlice('\n')
	if err != nil {
		return 0, false, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, false, fmt.Errorf("not an answer: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, err
	}
	length, stays, err := w.header()
	if err == nil {
		_, err = io.CopyN(io.Discard, w.answer, length)
	}
	return status, stays, err
}

func (w *worker) header() (length int64, stays bool, err error) {
	stays = true
	for {
		line, err := w.answer.ReadSlice('\n')
		if err != nil {
			return 0, false, err
		}
		name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		switch string(name) {
		case "":
			return length, stays, nil
		case "Content-Length":
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return 0, false, err
			}
		case "Connection":
			stays = !bytes.Equal(value, []byte("close"))
		}
	}
}
