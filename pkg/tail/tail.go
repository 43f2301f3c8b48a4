// Package tail keeps the end of a program's output, where programs say why they failed.
package tail

import "strings"

// Size is how many bytes a Tail keeps: a dead letter cuts an error after 1 KiB.
const Size = 960

// Tail is an io.Writer that keeps the last Size bytes.
type Tail struct{ kept []byte }

// Write never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-Size):]...)
	t.kept = t.kept[max(0, len(t.kept)-Size):]
	return len(p), nil
}

// String returns the kept bytes as valid UTF-8, without white space around them.
func (t *Tail) String() string { return strings.TrimSpace(strings.ToValidUTF8(string(t.kept), "")) }
