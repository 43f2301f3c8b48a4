//go:build compose

package compose_test

import (
	"archive/tar"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// alma sends events as Ex Libris Alma does, with nothing of Hookline's own code: compact JSON, and the base64 of an
// HMAC-SHA256 over the body in X-Exl-Signature.
type alma struct {
	url, secret string
	sent        atomic.Int64
}

type reply struct {
	code int
	id   string
	took time.Duration
}

// nextID is as long as Alma's are, and never the same twice in one test.
func (a *alma) nextID() string { return fmt.Sprintf("61700000%08d", a.sent.Add(1)) }

func jobEnd(id string) string {
	return fmt.Sprintf(`{"id":"%s","action":"JOB_END","institution":{"value":"01TEST_INST","desc":"Test"},"time":"2026-01-02T03:04:05.678Z",`+
		`"job_instance":{"id":"%[1]s","name":"Publishing Platform Job","status":{"value":"COMPLETED_SUCCESS","desc":"Completed Successfully"}}}`, id)
}

func sign(body, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (a *alma) post(ctx context.Context, body, signature string) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Exl-Signature", signature)
	began := time.Now()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{}, err
	}
	r := reply{code: response.StatusCode, took: time.Since(began)}
	if r.code == http.StatusOK {
		var stored struct{ ID string }
		err = json.Unmarshal(answer, &stored)
		r.id = stored.ID
	}
	return r, err
}

// send posts one event and wants it to be stored under its own id.
func (a *alma) send(ctx context.Context, id string) error {
	body := jobEnd(id)
	r, err := a.post(ctx, body, sign(body, a.secret))
	if err == nil && (r.code != http.StatusOK || r.id != id) {
		err = fmt.Errorf("event %s was answered %d with id %q", id, r.code, r.id)
	}
	return err
}

// sendMany posts n events, eight at a time, and returns their ids.
func (a *alma) sendMany(t *testing.T, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = a.nextID()
	}
	var group sync.WaitGroup
	errs := make([]error, n)
	slots := make(chan struct{}, 8)
	for i, id := range ids {
		slots <- struct{}{}
		group.Go(func() {
			errs[i] = a.send(t.Context(), id)
			<-slots
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return ids
}

// exported counts the files in the volume `export` by the id in their name.
func (s *stack) exported(t *testing.T) map[string]int {
	t.Helper()
	// Any worker sees the whole volume; a container that does not run can be read as well.
	cmd := exec.CommandContext(t.Context(), "docker", "cp", s.containers(t, "worker")[0]+":/data/export", "-")
	stream, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]int{}
	for archive := tar.NewReader(stream); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("reading the volume: %v", err)
		}
		if header.Typeflag == tar.TypeReg {
			name, _, _ := strings.Cut(path.Base(header.Name), ".")
			files[name]++
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("reading the volume: %v", err)
	}
	return files
}

// missing counts the events that have no file yet. More than one file for an event ends the test.
func (s *stack) missing(t *testing.T, ids []string) int {
	t.Helper()
	files := s.exported(t)
	missing := 0
	for _, id := range ids {
		switch n := files[id]; {
		case n == 0:
			missing++
		case n > 1:
			t.Fatalf("event %s has %d files", id, n)
		}
	}
	return missing
}

// delivered returns nil when each event has exactly one file.
func (s *stack) delivered(t *testing.T, ids []string) error {
	t.Helper()
	if n := s.missing(t, ids); n > 0 {
		return fmt.Errorf("%d of %d events have no file", n, len(ids))
	}
	return nil
}
