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
