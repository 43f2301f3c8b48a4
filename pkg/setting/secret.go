// Package setting has the types that the configurations of several packages share: secrets, lists that may be written as their only item,
// and errors that name their field.
package setting

import (
	"encoding/json"
	"fmt"
	"io"
)

// Hidden is shown in place of a secret.
const Hidden = "(hidden)"

// Secret is a text that must not be shown: package fmt, JSON, YAML and the log write Hidden in its place. string(s) is its value.
//
// Package fmt cannot hide an unexported field of a struct: keep a Secret in an exported one, or print the struct's other fields only.
type Secret string

// String returns Hidden, or nothing for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Hidden
}

// Format writes String for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON returns String in quotes.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalYAML returns String.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }
