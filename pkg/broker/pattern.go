package broker

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/hookline/hookline/pkg/event"
)

var patternWord = regexp.MustCompile(`^([a-z0-9_-]+|\*|#)$`)

// CheckPattern tells whether pattern is an AMQP topic pattern that can match a routing key of ours: words joined by
// dots, each of [a-z0-9_-], "*" for exactly one word, "#" for none or more; at most event.MaxKey bytes.
func CheckPattern(pattern string) error {
	if pattern == "" {
		return errors.New(`pattern is empty; "#" matches everything`)
	}
	if len(pattern) > event.MaxKey {
		return fmt.Errorf("pattern is longer than %d bytes", event.MaxKey)
	}
	for word := range strings.SplitSeq(pattern, ".") {
		if !patternWord.MatchString(word) {
			return fmt.Errorf("pattern %q: word %q is neither *, # nor made of a-z 0-9 _ - (keys are lower case: alma.job_end)", pattern, word)
		}
	}
	return nil
}

// Match tells whether an AMQP topic exchange would route key by pattern.
func Match(pattern, key string) bool {
	var p, k [16]string // room for most, so that nothing is allocated
	return match(words(p[:0], pattern), words(k[:0], key))
}

func words(into []string, text string) []string {
	for word := range strings.SplitSeq(text, ".") {
		into = append(into, word)
	}
	return into
}

// match walks both once; on a mismatch it goes back to the last "#" and lets that take one word more.
func match(pattern, key []string) bool {
	p, k, hash, mark := 0, 0, -1, 0
	for k < len(key) {
		switch {
		case p < len(pattern) && pattern[p] == "#":
			hash, mark = p, k
			p++
		case p < len(pattern) && (pattern[p] == "*" || pattern[p] == key[k]):
			p, k = p+1, k+1
		case hash >= 0:
			mark++
			p, k = hash+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == "#" {
		p++
	}
	return p == len(pattern)
}
