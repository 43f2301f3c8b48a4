package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hookline/hookline/journal"
	"github.com/hookline/hookline/pkg/event"
)

// maker makes events like those of a library: 1.2 kB of JSON, with numbers of 19 digits, names, titles and codes.
type maker struct {
	random *rand.Rand
	at     time.Time
	n      int
	stored int64 // batches
}

func (m *maker) pick(all ...string) string { return all[m.random.IntN(len(all))] }

// word returns one of 20,000 words, the first ones more often.
func (m *maker) word() string {
	n := int(float64(20_000) * m.random.Float64() * m.random.Float64() * m.random.Float64())
	return word(n)
}

func word(n int) string {
	syllables := []string{"ka", "ro", "mi", "tel", "sun", "ver", "lo", "din", "pa", "shu", "gre", "bon", "ti", "wal"}
	text := ""
	for n += 14; n > 0; n /= len(syllables) {
		text += syllables[n%len(syllables)]
	}
	return text
}

func (m *maker) words(n int) (text string) {
	for range n {
		text += m.word() + " "
	}
	return text[:len(text)-1]
}

func (m *maker) event() event.Event {
	m.n++
	m.at = m.at.Add(time.Duration(m.random.IntN(20)) * time.Millisecond)
	source := m.pick("alma", "alma", "alma", "github", "shop")
	action := source + "." + m.pick("loan_created", "loan_returned", "item_moved", "user_updated", "job_end")
	id := fmt.Sprintf("%016x%016x", m.random.Uint64(), m.random.Uint64())
	mms := fmt.Sprintf("99%012d01234", m.random.Int64N(1e12)) // 19 digits, the last ones of the institution
	body := fmt.Sprintf(`{"id":%q,"action":%q,"institution":{"value":"01TEST_INST","desc":"University of Tests"},"time":%q,`+
		`"event":{"value":%q,"desc":%q},"item_loan":{"loan_id":"%d","circ_desk":{"value":"DEFAULT_CIRC_DESK","desc":"Main desk"},`+
		`"return_circ_desk":{"value":"DEFAULT_CIRC_DESK","desc":"Main desk"},"last_return":{"date":null,"link":"https://api.example.org/almaws/v1/bibs"},"library":{"value":%q,"desc":%q},"user_id":"u%07d","item_barcode":"B%09d",`+
		`"due_date":%q,"loan_status":"ACTIVE","loan_date":%q,"process_status":"NORMAL","mms_id":%s,"holding_id":"22%012d01234","item_id":"23%012d01234",`+
		`"title":%q,"author":%q,"description":%q,"location_code":{"value":%q,"name":%q},"item_policy":{"value":"%d","description":%q},`+
		`"call_number":"%s %d.%d","publication_year":"%d","loan_fine":0.0,"last_renew_date":null,"renewable":true,"links":[{"rel":"self","href":"https://api.example.org/"}]}}`,
		id, action, m.at.Format("2006-01-02T15:04:05.000Z"), action, action, m.random.Int64N(1e15),
		m.pick("MAIN", "LAW", "MED", "SCI"), m.pick("Main Library", "Law Library"), m.random.IntN(60_000), m.random.IntN(1_000_000),
		m.at.AddDate(0, 1, 0).Format(time.RFC3339), m.at.Format(time.RFC3339), mms, m.random.Int64N(1e12), m.random.Int64N(1e12),
		m.words(5), m.words(2), m.words(4), m.pick("open", "closed", "stack"), m.words(2), m.random.IntN(30), m.words(2),
		m.pick("QA", "PN", "B"), m.random.IntN(9999), m.random.IntN(99), 1950+m.random.IntN(70))
	return event.Event{
		ID: id, Source: source, Action: action, Time: m.at.Truncate(time.Millisecond), ContentType: "application/json",
		Header: map[string]string{"User-Agent": "sender/1.0", "X-Request-Id": fmt.Sprintf("%016x", m.random.Uint64())}, Data: []byte(body),
	}
}

// batch returns the batches of n new events and of their two attempts each. One event in fifty fails at first, and one in ten of those dies.
func (m *maker) batch(n int) (stored, ended journal.Batch) {
	m.stored++
	stored, ended = journal.Batch{Process: "receiver", Number: m.stored}, journal.Batch{Process: "worker", Number: m.stored}
	for range n {
		e := m.event()
		stored.Stored = append(stored.Stored, journal.Stored{Event: e, Secret: "current", Process: "receiver"})
		first := journal.Attempt{Key: journal.KeyOf(e), Route: "archive", Number: 1, Start: e.Time.Add(20 * time.Millisecond), Duration: 3 * time.Millisecond, Outcome: journal.Done, Process: "worker"}
		second := first
		second.Route = m.pick("mail", "index", "export")
		if m.random.IntN(50) == 0 {
			second = first
			first.Outcome, first.Reason, first.Next = journal.Retried, "unreachable", first.Start.Add(time.Minute)
			first.Error = fmt.Sprintf("POST http://10.0.0.%d/items/%d: %s", m.random.IntN(9), m.random.IntN(1e6), m.pick("connection refused", "answered 503", "no answer within 30s", "the certificate has expired"))
			second.Number, second.Start = 2, first.Next
			if m.random.IntN(10) == 0 {
				second.Outcome, second.Reason, second.Error = journal.Dead, first.Reason, first.Error
			}
		}
		ended.Ended = append(ended.Ended, first, second)
	}
	return stored, ended
}

// list is a list that is measured.
type list struct {
	name   string
	filter func() journal.Filter
	read   func(context.Context, *journal.Store, journal.Filter) error
}

func page(ctx context.Context, s *journal.Store, f journal.Filter) error {
	_, _, err := s.Events(ctx, f, journal.Page{})
	return err
}

// lists returns the lists of the console.
func (m *maker) lists(random *rand.Rand) []list {
	begin := time.Now().Add(-time.Duration(m.n) * 10 * time.Millisecond)
	fixed := func(f journal.Filter) func() journal.Filter { return func() journal.Filter { return f } }
	somewhere := func(f journal.Filter) func() journal.Filter {
		return func() journal.Filter {
			f.From = begin.Add(time.Duration(random.Int64N(int64(m.n))) * 10 * time.Millisecond)
			f.To = f.From.Add(time.Minute)
			return f
		}
	}
	text := func(make func() string) func() journal.Filter {
		return func() journal.Filter { return journal.Filter{Text: make()} }
	}
	common := func() string { return word(random.IntN(50)) }
	rare := func() string { return word(5_000 + random.IntN(15_000)) }
	return []list{
		{"newest", fixed(journal.Filter{}), page},
		{"of a source", fixed(journal.Filter{Source: "shop"}), page},
		{"of an action", fixed(journal.Filter{Action: "github.job_end"}), page},
		{"of a route", fixed(journal.Filter{Route: "mail"}), page},
		{"failing", fixed(journal.Filter{State: journal.StateFailing}), page},
		{"dead of a route", fixed(journal.Filter{Route: "archive", State: journal.StateDead}), page},
		{"dead of a source", fixed(journal.Filter{Source: "shop", State: journal.StateDead}), page},
		{"done of a source and an action", fixed(journal.Filter{Source: "alma", Action: "alma.job_end", State: journal.StateDone}), page},
		{"a minute", somewhere(journal.Filter{}), page},
		{"a source in a minute", somewhere(journal.Filter{Source: "shop"}), page},
		{"a word in a minute", somewhere(journal.Filter{Text: "main library"}), page},
		{"a common word", text(common), page},
		{"a rare word", text(rare), page},
		{"two words", text(func() string { return common() + " " + rare() }), page},
		{"three words", text(func() string { return common() + " " + common() + " " + rare() }), page},
		{"no such word", text(func() string { return "nonesuch" + rare() }), page},
		{"a number of 19 digits", text(func() string { return fmt.Sprintf("99%017d", random.Int64N(1e17)) }), page},
		{"begin of a word", text(func() string { w := common(); return w[:min(len(w), 4)] }), page},
		{"begin of 5 digits", text(func() string { return fmt.Sprintf("99%03d", random.IntN(1000)) }), page},
		{"begin of 8 digits", text(func() string { return fmt.Sprintf("99%06d", random.IntN(1e6)) }), page},
		{"a phrase", text(func() string { return `"Law Library"` }), page},
		{"a word of dead events", func() journal.Filter { return journal.Filter{Text: common(), State: journal.StateDead} }, page},
		{"a word of a source and a route", func() journal.Filter { return journal.Filter{Text: rare(), Source: "shop", Route: "mail"} }, page},
		{"a word of errors", text(func() string { return "certificate expired" }), page},
		{"one event", fixed(journal.Filter{}), func(ctx context.Context, s *journal.Store, _ journal.Filter) error {
			_, err := s.Event(ctx, 1+random.Int64N(int64(m.n)*9/10))
			return err
		}},
		{"groups", fixed(journal.Filter{}), func(ctx context.Context, s *journal.Store, f journal.Filter) error {
			_, err := s.Groups(ctx, f)
			return err
		}},
		{"hours of a week", fixed(journal.Filter{}), func(ctx context.Context, s *journal.Store, _ journal.Filter) error {
			_, err := s.Hours(ctx, time.Now().Add(-7*24*time.Hour), time.Now().Add(time.Hour))
			return err
		}},
	}
}
