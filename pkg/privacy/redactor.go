// Package privacy takes personal data out of events: fields of a JSON or XML body are dropped, hashed with a key or
// masked. What no rule names stays byte for byte as it was, numbers, order and unknown fields included.
//
// A body that cannot be read, or is neither JSON nor XML, is never let through: ErrUnreadable.
package privacy

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"strings"

	"github.com/hookline/hookline/pkg/event"
)

const (
	// Header is where an event says what was done to its body: "hash item_loan.user_id, drop item_loan.link". An event
	// without it has its body as it was signed.
	Header = "Hookline-Redacted"
	// Mask stands in the place of a masked value.
	Mask = "***"
	// Prefix begins every hash; 32 hexadecimal digits follow. What looks so already is not hashed again.
	Prefix = "hash:"
)

// ErrUnreadable says that a body is neither a JSON object or array nor an XML document in UTF-8, so that nothing can be
// found in it.
var ErrUnreadable = errors.New("the body is neither JSON nor XML, so nothing can be redacted in it")

var hashed = regexp.MustCompile(`^` + Prefix + `[0-9a-f]{32}$`)

// Redacted tells whether a value stands in the place of another that was hashed or masked, so that nobody can be found by it.
func Redacted(value string) bool { return value == Mask || hashed.MatchString(value) }

// Redactor redacts events as a Config says. It is safe for concurrent use.
type Redactor struct {
	rules rules
	key   []byte
}

// Event is e redacted, and with Header if that changed its body; e itself stays as it is. With ErrUnreadable the
// event comes without its body. ID, source, action, time and the other headers are never touched.
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

// body redacts, and says what was done. What the body is, its first character decides, as in the receiver.
func (r *Redactor) body(body []byte) ([]byte, []string, error) {
	text := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\ufeff")), " \t\r\n")
	p := &redaction{Redactor: r, text: text, done: map[*rule]bool{}}
	switch {
	case len(text) == 0:
		return body, nil, nil
	case (text[0] == '{' || text[0] == '[') && json.Valid(text):
		(&jsonRedactor{redaction: p}).value(r.rules, nil, 0)
	case text[0] == '<':
		if err := (&xmlRedactor{redaction: p}).document(); err != nil {
			return nil, nil, ErrUnreadable // and not why: it would quote the body
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

// redaction is the way through one body.
type redaction struct {
	*Redactor
	text  []byte
	edits edits
	done  map[*rule]bool // which have changed something; nil stands for XML's comments
}

// list is what was done, in the order of the rules.
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

// replacement is what stands in the place of a value that a rule hashes or masks; nothing stays nothing.
func (r *Redactor) replacement(rule *rule, value string) string {
	switch {
	case value == "":
		return ""
	case rule.verb == mask:
		return Mask
	case hashed.MatchString(value): // at the source, and now for the route: the same patron stays the same
		return value
	}
	mac := hmac.New(sha256.New, r.key)
	mac.Write([]byte(value))
	return Prefix + hex.EncodeToString(mac.Sum(nil)[:16])
}
