package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

func newCodec(tb testing.TB) *journal.Codec {
	tb.Helper()
	c, err := journal.NewCodec()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

func fullBatch() journal.Batch {
	at := time.Date(2026, 3, 1, 12, 0, 0, int(123*time.Millisecond), time.UTC)
	return journal.Batch{
		Process: "p", Number: 7, Lost: 3,
		Stored: []journal.Stored{
			{Event: event.Event{
				ID: "1", Source: "alma", Action: "job_end", Time: at, ContentType: "application/json", Data: []byte("{\"mms_id\":9912345678901234567}\x00\xff"),
				Header: map[string]string{"X-Signature": "abc", "X-Latin": "caf\xe9", "X-Empty": ""},
			}, Secret: "new", Process: "receiver"},
			{Event: event.Event{ID: "2", Source: "alma", Action: "loan", Time: at}, Unrouted: true, Omitted: 9 << 20},
			{},
		},
		Ended: []journal.Attempt{
			{
				Key: journal.Key{Source: "alma", Action: "job_end", ID: "1", Time: at}, Route: "export", Number: 2, Start: at.Add(time.Second),
				Duration: 1234567 * time.Microsecond, Outcome: journal.Retried, Reason: "timeout", Error: "\u202e<b>\x1b[31m", Process: "worker", Next: at.Add(time.Hour),
			},
			{Outcome: "of a later version"},
			{},
		},
		Rejected: []journal.Rejected{
			{
				Source: "alma", Time: at, Client: "203.0.113.31", Method: "POST", Path: "/webhooks/alma", Query: "a=%20", Body: []byte("{\x00\xff"), Size: 70_000, Cut: true,
				Header: map[string][]string{"X-Two": {"1", "caf\xe9"}, "X-Empty": {""}}, Status: 401, Reason: "mismatch", LeftOut: 4, Process: "receiver",
				Cause: "old_secret", Summary: "Signed with the old secret", Advice: "Change it.", Checks: []journal.Check{{Passed: true, Text: "one"}, {Text: "two"}},
			},
			{},
		},
	}
}

func TestABatchIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	c := newCodec(t)
	for name, b := range map[string]journal.Batch{"full": fullBatch(), "empty": {}, "lost only": {Process: "p", Number: 1, Lost: 2}} {
		data, err := c.Encode(b)
		if err != nil {
			t.Fatal(name, err)
		}
		if got, err := c.Decode(data); err != nil || !reflect.DeepEqual(got, b) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", name, err, got, b)
		}
	}
}

// TestTheFormatStays reads a batch that version 1 wrote, because batches wait on the stream over an upgrade.
func TestTheFormatStays(t *testing.T) {
	t.Parallel()
	written, err := cbor.Marshal(map[int]any{
		1: "p", 2: 7, 3: 1, 99: "of a later program",
		4: []any{map[int]any{1: "1", 2: "alma", 3: "job_end", 4: 1772366400123, 5: "text/plain", 6: map[string]string{"A": "b"}, 7: []byte("x"), 8: true, 9: "new", 10: "r", 11: 5}},
		5: []any{map[int]any{
			1: "1", 2: "alma", 3: "job_end", 4: 1772366400123, 5: "export", 6: 2, 7: 1772366400124, 8: 1500, 9: "dead", 10: "timeout", 11: "e", 12: "w", 13: 1772366400125,
		}},
		6: []any{map[int]any{
			1: "alma", 2: 1772366400123, 3: "c", 4: "m", 5: "p", 6: "q", 7: map[string][]string{"A": {"b"}}, 8: []byte("x"), 9: 2, 10: true, 11: 401, 12: "r", 13: 3, 14: "w",
			15: "c", 16: "s", 17: "a", 18: []any{map[int]any{1: true, 2: "t"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	at := time.UnixMilli(1772366400123).UTC()
	want := journal.Batch{
		Process: "p", Number: 7, Lost: 1,
		Stored: []journal.Stored{{
			Event:    event.Event{ID: "1", Source: "alma", Action: "job_end", Time: at, ContentType: "text/plain", Header: map[string]string{"A": "b"}, Data: []byte("x")},
			Unrouted: true, Secret: "new", Process: "r", Omitted: 5,
		}},
		Ended: []journal.Attempt{{
			Key: journal.Key{Source: "alma", Action: "job_end", ID: "1", Time: at}, Route: "export", Number: 2, Start: at.Add(time.Millisecond),
			Duration: 1500 * time.Microsecond, Outcome: journal.Dead, Reason: "timeout", Error: "e", Process: "w", Next: at.Add(2 * time.Millisecond),
		}},
		Rejected: []journal.Rejected{{
			Source: "alma", Time: at, Client: "c", Method: "m", Path: "p", Query: "q", Header: map[string][]string{"A": {"b"}}, Body: []byte("x"), Size: 2, Cut: true,
			Status: 401, Reason: "r", LeftOut: 3, Process: "w", Cause: "c", Summary: "s", Advice: "a", Checks: []journal.Check{{Passed: true, Text: "t"}},
		}},
	}
	if got, err := newCodec(t).Decode(encoded(t, written)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
}

func TestANewerVersionSaysWhatToDo(t *testing.T) {
	t.Parallel()
	_, err := newCodec(t).Decode([]byte("HJ\x02123"))
	if !errors.Is(err, journal.ErrVersion) || !strings.Contains(err.Error(), "upgrade this program") {
		t.Error(err)
	}
}

func TestBytesThatAreNoBatch(t *testing.T) {
	t.Parallel()
	c := newCodec(t)
	good, err := c.Encode(fullBatch())
	if err != nil {
		t.Fatal(err)
	}
	nested := bytes.Repeat([]byte{0x81}, 10_000)
	for name, data := range map[string][]byte{
		"none": nil, "mark only": []byte("HJ"), "version only": []byte("HJ\x01"), "a text": []byte("hello"), "no zstd": []byte("HJ\x01hello"), "cut": good[:len(good)-5], "no CBOR": encoded(t, []byte{0xff}),
		"a CBOR text": encoded(t, []byte{0x61, 'a'}), "nested": encoded(t, append([]byte{0xa1, 4}, append(nested, 0)...)), "two values": encoded(t, []byte{0xa0, 0xa0}),
		"a long claim": encoded(t, []byte{0xa1, 4, 0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}),
	} {
		if _, err := c.Decode(data); err == nil || errors.Is(err, journal.ErrVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABatchThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	c := newCodec(t)
	for name, b := range map[string]journal.Batch{
		"bytes":   {Stored: []journal.Stored{{Event: event.Event{Data: make([]byte, 10<<20)}}}},
		"records": {Ended: make([]journal.Attempt, 8193)},
	} {
		if _, err := c.Encode(b); !errors.Is(err, journal.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range map[string]journal.Batch{
		"bytes":   {Stored: []journal.Stored{{Event: event.Event{Data: make([]byte, 8<<20)}}}},
		"records": {Ended: make([]journal.Attempt, 8192)},
	} {
		data, err := c.Encode(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if _, err := c.Decode(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHostileInputTakesBoundedMemory decodes the inputs that make the most memory of a byte.
func TestHostileInputTakesBoundedMemory(t *testing.T) {
	const limit = 300 << 20
	c := newCodec(t)
	bomb := make([]byte, 256<<20)
	headers := bytes.NewBuffer([]byte{0xa1, 4, 0x99, 0x02, 0x7f}) // 639 records of 4,095 different headers: nearly 10 MiB
	for range 0x27f {
		headers.Write([]byte{0xa1, 6, 0xb9, 0x0f, 0xff})
		for i := range 0xfff {
			headers.Write([]byte{0x62, byte(i), byte(i >> 8), 0x60})
		}
	}
	for name, plain := range map[string][]byte{
		"bomb": bomb, "records": append([]byte{0xa1, 5, 0x99, 0x1f, 0xff}, bytes.Repeat([]byte{0xa0}, 0x1fff)...), "headers": headers.Bytes(),
	} {
		data := encoded(t, plain)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := c.Decode(data)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > limit {
			t.Errorf("%s: %d MiB allocated (%v)", name, got>>20, err)
		} else {
			t.Logf("%s: %d bytes: %d KiB allocated (%v)", name, len(data), got>>10, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	c := newCodec(f)
	data, err := c.Encode(fullBatch())
	if err != nil {
		f.Fatal(err)
	}
	plain, err := unpack(data)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data, false)
	f.Add(plain, true)
	f.Add([]byte{0xa1, 4, 0x81, 0xa1, 6, 0xa1, 0x61, 'a', 0x60}, true)
	f.Fuzz(func(t *testing.T, data []byte, pack bool) {
		if pack { // so that the fuzzer reaches the CBOR
			data = encoded(t, data)
		}
		b, err := c.Decode(data)
		if err != nil {
			return
		}
		again, err := c.Encode(b)
		if err != nil {
			t.Fatal(err)
		}
		if b2, err := c.Decode(again); err != nil || !reflect.DeepEqual(b, b2) {
			t.Fatalf("%v\n%+v\n%+v", err, b, b2)
		}
	})
}

// encoded packs CBOR as a batch.
func encoded(tb testing.TB, plain []byte) []byte {
	tb.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		tb.Fatal(err)
	}
	return w.EncodeAll(plain, []byte("HJ\x01"))
}

func unpack(data []byte) ([]byte, error) {
	r, err := zstd.NewReader(nil)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.DecodeAll(data[3:], nil)
}

// sampleBody returns a body of 1.2 kB like Alma's, with some texts of its own.
func sampleBody(random *rand.Rand) []byte {
	body := fmt.Appendf(nil, `{"id":"%d","action":"LOAN","institution":{"value":"43XYZ_INST","desc":"University Library"},"time":"2026-03-01T12:%02d:%02d.%03dZ","event":{"value":"LOAN_CREATED","desc":"Loan created"},"item_loan":{"loan_id":"%d","circ_desk":{"value":"DEFAULT_CIRC_DESK","desc":"Circulation desk"},"library":{"value":"MAIN","desc":"Main Library"},"user_id":"%d","item_barcode":"%d","due_date":"2026-04-01T22:59:00Z","loan_status":"ACTIVE","loan_date":"2026-03-01T12:00:00Z","process_status":"NORMAL","mms_id":"99%d","holding_id":"22%d","item_id":"23%d","title":"%x","author":"%x","location_code":{"value":"STACKS","name":"Open stacks"},"item_policy":{"value":"01","description":"Four weeks"},"call_number":{"value":"%x"},"renewable":true,"note":"`,
		random.Uint64(), random.IntN(60), random.IntN(60), random.IntN(1000), random.Uint64(), random.Uint32(), random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64(), random.Uint32())
	body = append(body, bytes.Repeat([]byte("x"), 1200-len(body)-3)...)
	return append(body, `"}}`...)
}

func sampleStored(random *rand.Rand) journal.Stored {
	return journal.Stored{
		Event: event.Event{
			ID: fmt.Sprint(random.Uint64()), Source: "alma", Action: "loan.loan_created", Time: time.Now(), ContentType: "application/json", Data: sampleBody(random),
			Header: map[string]string{"X-Exl-Signature": fmt.Sprintf("%x", random.Uint64()), "User-Agent": "Apache-HttpClient/4.5", "X-Request-Id": fmt.Sprint(random.Uint64())},
		}, Secret: "secret", Process: "receiver-1",
	}
}

// BenchmarkEncode measures the cost of a record on its way to the stream: 177 records of 1.2 kB make a batch.
func BenchmarkEncode(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	batch := journal.Batch{Process: "p", Number: 1}
	for range 177 {
		batch.Stored = append(batch.Stored, sampleStored(random))
	}
	c := newCodec(b)
	var size int
	b.ReportAllocs()
	for b.Loop() {
		data, err := c.Encode(batch)
		if err != nil {
			b.Fatal(err)
		}
		size = len(data)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(batch.Stored)), "ns/record")
	b.ReportMetric(float64(size)/float64(len(batch.Stored)), "bytes/record")
}

// BenchmarkDecode measures the cost of a record for the reader of the stream.
func BenchmarkDecode(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	batch := journal.Batch{Process: "p", Number: 1}
	for range 177 {
		batch.Stored = append(batch.Stored, sampleStored(random))
	}
	c := newCodec(b)
	data, err := c.Encode(batch)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(batch.Stored)), "ns/record")
}
