package test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/test/rabbitnode"
)

const loadConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
pprof: true
broker: { url: "${AMQP_URL}" }
sources: { alma: { preset: alma, secrets: first } }
routes: { archive: { match: "#", handler: { kind: file, dir: export } } }
`

// BenchmarkReceiver is what an event costs the receiver process, from the socket to RabbitMQ's confirm, beside what it
// costs the least that could do the same. Compare figures of one run only, several times: -benchtime 20000x -count 3.
func BenchmarkReceiver(b *testing.B) {
	dir := b.TempDir()
	build := func(pkg string) string {
		file := filepath.Join(dir, filepath.Base(pkg))
		if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", file, pkg).CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		return file
	}
	floor, hookline := build("./floor"), build("../cmd/hookline")
	config := filepath.Join(dir, "hookline.yml")
	if err := os.WriteFile(config, []byte(loadConfig), 0o600); err != nil {
		b.Fatal(err)
	}
	b.Run("floor", func(b *testing.B) {
		load(b, exec.CommandContext(b.Context(), floor, rabbitnode.URL(b), "first"))
	})
	b.Run("hookline", func(b *testing.B) {
		cmd := exec.CommandContext(b.Context(), hookline, "receiver", "--config", config, "--log-format", "json")
		cmd.Env = append(os.Environ(), "AMQP_URL="+rabbitnode.URL(b))
		load(b, cmd)
	})
}

// load sends b.N events over 32 connections to the process that cmd starts, which says {"listen":"HOST:PORT"} first.
func load(b *testing.B, cmd *exec.Cmd) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	said := bufio.NewReader(out)
	address := ""
	for address == "" {
		line, err := said.ReadString('\n')
		if err != nil {
			b.Fatalf("it ended: %v", err)
		}
		_, rest, _ := strings.Cut(line, `"listen":"`)
		address, _, _ = strings.Cut(rest, `"`)
	}
	go func() { _, _ = io.Copy(io.Discard, said) }() // its log
	request := loadRequest(b)
	sendAll(b, address, request, 2000)
	before := cpuTime(b, cmd.Process.Pid)
	b.ResetTimer()
	sendAll(b, address, request, b.N)
	b.StopTimer()
	spent := cpuTime(b, cmd.Process.Pid) - before
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(spent.Microseconds())/float64(b.N), "cpu-us/event")
}

// loadRequest is a signed job_end event of 1.2 kB, as it goes over the wire.
func loadRequest(b *testing.B) string {
	body := `{"id":"7","action":"JOB_END","institution":{"value":"01X","desc":"Library"},"time":"2025-02-08T10:00:00.000Z","job_instance":{"name":"` +
		strings.Repeat("x", 1050) + `","status":{"value":"COMPLETED_SUCCESS"}}}`
	scheme, _ := signature.Preset("alma")
	v, err := signature.New(scheme, []signature.Secret{{Value: "first"}})
	if err != nil {
		b.Fatal(err)
	}
	r := signature.Request{Method: http.MethodPost, Header: http.Header{}, Query: url.Values{}, Body: []byte(body)}
	if err := v.Sign(&r, "7", time.Now()); err != nil {
		b.Fatal(err)
	}
	return fmt.Sprintf("POST /webhooks/alma HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load\r\nContent-Type: application/json\r\nX-Exl-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
		r.Header.Get("X-Exl-Signature"), len(body), body)
}

func sendAll(b *testing.B, address, request string, events int) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(events))
	var connections errgroup.Group
	for range 32 {
		connections.Go(func() error {
			conn, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", address)
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close() }()
			answers := bufio.NewReader(conn)
			for left.Add(-1) >= 0 {
				if _, err := io.WriteString(conn, request); err != nil {
					return err
				}
				answer, err := http.ReadResponse(answers, nil)
				if err != nil {
					return err
				}
				if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
					return fmt.Errorf("answered %s: %w", answer.Status, err)
				}
			}
			return nil
		})
	}
	if err := connections.Wait(); err != nil {
		b.Fatal(err)
	}
}

// cpuTime is what a process has used of all cores, to 10 ms, as Linux tells it.
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skipf("CPU time is read from /proc: %v", err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime, proc_pid_stat(5)
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
