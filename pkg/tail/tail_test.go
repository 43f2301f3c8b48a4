package tail_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hookline/hookline/pkg/tail"
)

func TestTailKeepsTheLastBytes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		writes []string
		want   string
	}{
		"nothing":             {nil, ""},
		"a line":              {[]string{"one\n"}, "one"},
		"many short writes":   {[]string{strings.Repeat("x", tail.Size), "y", "z\n"}, strings.Repeat("x", tail.Size-3) + "yz"},
		"a long write":        {[]string{"a" + strings.Repeat("b", tail.Size)}, strings.Repeat("b", tail.Size)},
		"a character cut off": {[]string{"ä" + strings.Repeat("b", tail.Size-1)}, strings.Repeat("b", tail.Size-1)},
	} {
		var kept tail.Tail
		for _, text := range c.writes {
			if n, err := fmt.Fprint(&kept, text); n != len(text) || err != nil {
				t.Errorf("%s: wrote %d bytes, %v", name, n, err)
			}
		}
		if got := kept.String(); got != c.want {
			t.Errorf("%s: kept %q", name, got)
		}
	}
}
