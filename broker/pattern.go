package broker

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/hookline/hookline/pkg/event"
)

var patternWord = regexp.MustCompile(`^([a-z0-9_-]+|\*|#)$`)

// CheckPattern returns an error unless pattern is an AMQP topic pattern for routing keys of Hookline: words joined by dots, each of
// [a-z0-9_-], "*" for exactly one word, "#" for any number of words; at most event.MaxKey bytes.
func CheckPattern(pattern string) error {
	if pattern == "" {
		return errors.New(`pattern is empty; "#" matches everything`)
	}
	if len(pattern) > event.MaxKey {
		return fmt.Errorf("pattern is longer than %d bytes", event.MaxKey)
	}
	for word := range strings.SplitSeq(pattern, ".") {
		if !patternWord.MatchString(word) {
			return fmt.Errorf("pattern %q: word %q must be *, # or made of a-z 0-9 _ - (keys are lower case: alma.job_end)", pattern, word)
		}
	}
	return nil
}
