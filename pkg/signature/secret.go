package signature

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hookline/hookline/pkg/setting"
)

// Secret is a text that the sender and the receiver share. Several at once make a rotation possible.
type Secret struct {
	// Value is the secret as the sender shows it, such as "whsec_..."; for the location "basic" it is "user:password".
	Value setting.Secret `yaml:"value" schema:"minLength=1"`
	// Label names the secret in logs; empty: its position, from 1.
	Label string `yaml:"label"`
	// NotAfter ends the secret's use, as an RFC 3339 time; empty: no end.
	NotAfter time.Time `yaml:"not_after"`
}

// UnmarshalYAML reads the value alone, or a mapping.
func (s *Secret) UnmarshalYAML(decode func(any) error) error {
	if decode(&s.Value) == nil {
		return nil
	}
	type fields Secret
	return decode((*fields)(s))
}

// MarshalYAML shows the label and the end.
func (s Secret) MarshalYAML() (any, error) {
	text := cmp.Or(s.Label, setting.Hidden)
	if !s.NotAfter.IsZero() {
		text += " until " + s.NotAfter.Format(time.RFC3339)
	}
	return text, nil
}

// Secrets are the secrets of a sender: one, or several while they are rotated.
type Secrets []Secret

// UnmarshalYAML reads one secret or a list.
func (s *Secrets) UnmarshalYAML(decode func(any) error) error {
	var one setting.Secret
	if decode(&one) == nil {
		*s = Secrets{{Value: one}}
		return nil
	}
	return decode((*[]Secret)(s))
}

// String hides the value, so that a secret printed by mistake does not leak.
func (s Secret) String() string { return fmt.Sprintf("secret %q", s.Label) }

// GoString hides the value from %#v too.
func (s Secret) GoString() string { return s.String() }

func (s Secret) usable(now time.Time) bool { return s.NotAfter.IsZero() || !now.After(s.NotAfter) }

// named gives every secret a label and checks the values.
func named(secrets []Secret) ([]Secret, error) {
	var errs []error
	out := make([]Secret, len(secrets))
	for i, s := range secrets {
		if s.Label == "" {
			s.Label = strconv.Itoa(i + 1)
		}
		if s.Value == "" {
			errs = append(errs, fmt.Errorf("%v is empty", s))
		}
		if value := string(s.Value); strings.TrimSpace(value) != value {
			errs = append(errs, fmt.Errorf("%v begins or ends with white space; copy it again without", s))
		} else if strings.ContainsFunc(value, invisible) {
			errs = append(errs, fmt.Errorf("%v holds an invisible character, such as a byte order mark; copy it again as plain text", s))
		}
		out[i] = s
	}
	return out, errors.Join(errs...)
}

// invisible reports a character that no sender's form shows, and that text editors and copied texts add.
func invisible(r rune) bool { return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) }

// key decodes the value to the key of the HMAC. Its errors leave out the text of the decoders, which quotes the value.
func (s Secret) key(encoding Encoding, prefix string) ([]byte, error) {
	var key []byte
	var err error
	value := string(s.Value)
	if prefix != "" { // Supabase shows "v1,whsec_..."
		value = strings.TrimPrefix(strings.TrimPrefix(value, "v1,"), prefix)
	}
	switch encoding {
	case Hex:
		key, err = hex.DecodeString(value)
	case Base64:
		key, err = base64.StdEncoding.DecodeString(value)
	default:
		key = []byte(value)
	}
	if err != nil || len(key) == 0 && s.Value != "" {
		return nil, fmt.Errorf("%v is not %s; copy the whole secret as the sender shows it", s, encoding)
	}
	return key, nil
}
