package load

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/test/bench/stamp"
)

func TestEachMessageHasAnIDAndASignatureOfItsOwn(t *testing.T) {
	t.Parallel()
	scheme, _ := signature.Preset("alma")
	verifier, err := signature.New(scheme, []signature.Secret{{Value: "first"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{100, 1200, 1 << 20} {
		m := newMessage(Config{Path: "/webhooks/alma", Secret: "first", Kind: Good, Size: size})
		for _, number := range []uint64{1, 2} {
			due := time.Unix(0, 1_700_000_000_123_456_789)
			m.become(number, due)
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(m.wire)))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil || len(body) < size || int64(len(body)) != r.ContentLength {
				t.Fatalf("%d of %d bytes, %d wanted: %v", len(body), r.ContentLength, size, err)
			}
			if _, err := verifier.Verify(signature.Request{Method: r.Method, Header: r.Header, Body: body}, time.Now()); err != nil {
				t.Error(err)
			}
			if got, at, err := stamp.ParseID(string(m.id)); got != number || !at.Equal(due) || err != nil || !bytes.Contains(body, m.id) {
				t.Errorf("ID %s: %d, %v, %v", m.id, got, at, err)
			}
		}
	}
}

func TestAForgedMessageIsRefused(t *testing.T) {
	t.Parallel()
	scheme, _ := signature.Preset("alma")
	verifier, err := signature.New(scheme, []signature.Secret{{Value: "first"}})
	if err != nil {
		t.Fatal(err)
	}
	m := newMessage(Config{Path: "/webhooks/alma", Secret: "first", Kind: Forged, Size: 1200})
	header := http.Header{"X-Exl-Signature": {noSignature}}
	if _, err := verifier.Verify(signature.Request{Method: http.MethodPost, Header: header, Body: m.body}, time.Now()); err == nil {
		t.Error("its signature is right")
	}
}
