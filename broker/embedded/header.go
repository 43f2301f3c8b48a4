package embedded

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// formatHeader writes a line for each header, with name and value quoted as in Go. JSON cannot encode every value, because a value
// can be any bytes.
func formatHeader(header map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(header)) {
		fmt.Fprintf(&b, "%q: %q\n", name, header[name])
	}
	return b.String()
}

// parseHeader parses the text of formatHeader.
func parseHeader(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	header := map[string]string{}
	for line := range strings.Lines(text) {
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, fmt.Errorf("header %.100q: %w", line, err)
		}
		name, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("header %.100q: %w", line, err)
		}
		value, err := strconv.Unquote(strings.TrimSuffix(strings.TrimPrefix(line[len(quoted):], ": "), "\n"))
		if err != nil {
			return nil, fmt.Errorf("header %.100q: %w", line, err)
		}
		header[name] = value
	}
	return header, nil
}
