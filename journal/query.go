package journal

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const (
	// maxTerms bounds the words of a search. More words are ignored.
	maxTerms = 16
	// minPrefix is the number of characters from which a word is taken as the begin of words: the words of a shorter one are too many.
	minPrefix = 3
	// failedMark is a word in the errors of each event that failed once. So a search for failed events need not look at the others.
	failedMark = "hookline0failed"
)

// query is a search by words. Its words hold letters and digits only, so that a text of a person never has syntax.
type query struct {
	words   []string   // that an event must have all
	prefix  []bool     // of each word: it may be the begin of a word
	starred []bool     // of each word: a person wrote * behind it
	phrases [][]string // words that follow each other in a text
	columns []string   // conditions on single columns
}

// parseQuery returns the search of a text; see Filter.Text.
func parseQuery(text string) query {
	var q query
	text = strings.ToValidUTF8(text, " ")
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 1 {
			q.add(words(part), false, false)
			continue
		}
		for field := range strings.FieldsSeq(part) {
			starred := strings.HasSuffix(field, "*")
			q.add(words(field), starred || strings.HasSuffix(text, field), starred)
		}
	}
	return q
}

// add adds words that follow each other, such as those of an ID with hyphens.
func (q *query) add(all []string, prefix, starred bool) {
	if len(all) == 0 || len(q.words)+len(all) > maxTerms {
		return
	}
	last := all[len(all)-1]
	prefix = prefix && len([]rune(last)) >= minPrefix
	if len(all) > 1 {
		q.phrases = append(q.phrases, all)
	}
	for i, w := range all {
		q.words = append(q.words, w)
		q.prefix = append(q.prefix, prefix && i == len(all)-1)
		q.starred = append(q.starred, starred && i == len(all)-1)
	}
}

// narrow demands the words that events of a filter have.
func (q *query) narrow(f Filter) {
	if f.Source != "" {
		q.in("key", exactWord("source", f.Source))
	}
	if f.Action != "" {
		q.in("key", exactWord("action", f.Action))
	}
	if f.State.failed() {
		q.in("error", failedMark+" "+f.Route)
	}
}

// exactWord returns a word that the events of one source, or of one action, have in common, and hardly another event.
func exactWord(kind, name string) string {
	return "hookline0" + kind + "0" + strings.Join(words(name), "0")
}

// in demands words in a column.
func (q *query) in(column, text string) {
	for _, w := range words(text) {
		q.columns = append(q.columns, column+` : "`+w+`"`)
	}
}

// empty reports whether every event matches.
func (q *query) empty() bool { return len(q.words) == 0 }

// match returns the search in the syntax of FTS5.
func (q *query) match() string {
	all := slices.Clone(q.columns)
	for i, w := range q.words {
		w = `"` + w + `"`
		if q.prefix[i] {
			w += " *"
		}
		all = append(all, w)
	}
	return strings.Join(all, " AND ")
}

// matches reports whether the texts of an event have the phrases.
func (q *query) matches(texts ...string) bool {
	if len(q.phrases) == 0 {
		return true
	}
	var all strings.Builder
	for _, t := range texts {
		all.WriteByte(' ')
		all.WriteString(strings.Join(words(t), " "))
	}
	text := all.String()
	for _, p := range q.phrases {
		if !strings.Contains(text, " "+strings.Join(p, " ")) {
			return false
		}
	}
	return true
}

// words returns the words of a text as the index has them: in lower case, without accents.
func words(text string) []string {
	text = norm.NFKD.String(strings.ToValidUTF8(text, " "))
	var all []string
	for field := range strings.FieldsFuncSeq(text, func(r rune) bool { return !isWord(r) && !unicode.Is(unicode.M, r) }) {
		field = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.M, r) {
				return -1
			}
			return unicode.ToLower(r)
		}, field)
		if field != "" {
			all = append(all, field)
		}
	}
	return all
}

func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.Co, r)
}
