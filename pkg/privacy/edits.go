package privacy

import (
	"cmp"
	"slices"
)

// edit replaces the bytes between two offsets.
type edit struct {
	from, to int
	by       string
}

// edits do not overlap.
type edits []edit

// apply returns before, followed by the edited text.
func (es edits) apply(before, text []byte) []byte {
	slices.SortFunc(es, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	out := append(make([]byte, 0, len(before)+len(text)+64), before...)
	at := 0
	for _, e := range es {
		out = append(append(out, text[at:e.from]...), e.by...)
		at = e.to
	}
	return append(out, text[at:]...)
}
