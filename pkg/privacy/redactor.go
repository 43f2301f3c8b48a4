// Package privacy takes personal data out of events: it drops fields of a JSON or XML body, hashes them with a key or
// masks them. Fields without a rule stay byte for byte as they were, with their order and their numbers as written.
//
// A body that is neither JSON nor XML never passes: its event is ErrUnreadable.
package privacy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"strings"

	"github.com/hookline/hookline/pkg/event"
	"github.com/hookline/hookline/pkg/jsonbody"
)

const (
	// Header is the event header that lists the changes of the body: "hash item_loan.user_id, drop item_loan.link". The body of an event
	// without it is as it was signed.
	Header = "Hookline-Redacted"
	// Mask replaces a masked value.
	Mask = "***"
	// Prefix begins every hash; 32 hexadecimal digits follow. A value of that form is not hashed again.
	Prefix = "hash:"
)

// ErrUnreadable says that a body is neither a JSON object or array nor an XML document in UTF-8. Rules cannot find fields
// in it.
var ErrUnreadable = errors.New("the body is neither JSON nor XML, so nothing can be redacted in it")

var hashed = regexp.MustCompile(`^` + Prefix + `[0-9a-f]{32}$`)

// Redacted reports whether a value is a hash or a mask, so that it identifies no person.
func Redacted(value string) bool { return value == Mask || hashed.MatchString(value) }

// Redactor redacts events by a Config. It is safe for concurrent use.
type Redactor struct {
	rules rules
	key   []byte
}

// Event returns e with a redacted body, and with Header if the body has changed. It does not change e. With ErrUnreadable it returns the
// event without its body. ID, source, action, time and the other headers stay the same.
func (r *Redactor) Event(e event.Event) (event.Event, error) {
	body, done, err := r.body(e.Data)
	if err != nil {
		done = []string{"drop body"}
	}
	if len(done) == 0 {
		return e, nil
	}
	header := map[string]string{}
	maps.Copy(header, e.Header)
	if before := header[Header]; before != "" {
		done = append([]string{before}, done...)
	}
	header[Header] = strings.Join(done, ", ")
	e.Data, e.Header = body, header
	return e, err
}

// body returns the redacted body and the list of changes. The first character decides between JSON and XML, as in the receiver.
func (r *Redactor) body(body []byte) ([]byte, []string, error) {
	text := jsonbody.Trim(body)
	p := &redaction{Redactor: r, text: text, done: map[*rule]bool{}}
	switch {
	case len(text) == 0:
		return body, nil, nil
	case (text[0] == '{' || text[0] == '[') && json.Valid(text):
		(&jsonRedactor{redaction: p}).value(r.rules, nil, 0)
	case text[0] == '<':
		if err := (&xmlRedactor{redaction: p}).document(); err != nil {
			return nil, nil, ErrUnreadable // its reason would quote the body
		}
	default:
		return nil, nil, ErrUnreadable
	}
	if len(p.edits) == 0 {
		return body, nil, nil
	}
	before := body[:len(body)-len(text)]
	return p.edits.apply(before, text), p.list(), nil
}

// redaction is the state of one pass through a body.
type redaction struct {
	*Redactor
	text  []byte
	edits edits
	done  map[*rule]bool // rules that have changed the body; nil stands for XML's comments
}

// list returns the changes in the order of the rules.
func (p *redaction) list() (all []string) {
	for _, rule := range p.rules {
		if p.done[rule] {
			all = append(all, rule.String())
		}
	}
	if p.done[nil] {
		all = append(all, "drop comments")
	}
	return all
}

func (p *redaction) replace(from, to int, by string, why *rule) {
	p.edit(from, to, by)
	p.done[why] = true
}

func (p *redaction) edit(from, to int, by string) { p.edits = append(p.edits, edit{from, to, by}) }

// replacement returns the hash or mask for a value. An empty value stays empty.
func (r *Redactor) replacement(rule *rule, value string) string {
	switch {
	case value == "":
		return ""
	case rule.verb == mask:
		return Mask
	case hashed.MatchString(value): // hashed at the source already: the same patron keeps one pseudonym
		return value
	}
	mac := hmac.New(sha256.New, r.key)
	mac.Write([]byte(value))
	return Prefix + hex.EncodeToString(mac.Sum(nil)[:16])
}
