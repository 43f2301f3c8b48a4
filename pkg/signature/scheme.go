package signature

import "time"

// Scheme says how a sender proves who it is. It is data: start from a Preset and change what differs.
//
// A place says where a value stands in the request: "header:NAME", "query:NAME" or "json:PATH" (a gjson path into the body).
type Scheme struct {
	// Kind is hmac or token; a scheme uses the fields of its kind only.
	Kind Kind `yaml:"kind"`

	// Token is the place of the secret itself, for kind token: one of the places above, or "bearer" or "basic"
	// for the two forms of the Authorization header.
	Token string `yaml:"token"`

	// Algorithm of the HMAC; default sha256.
	Algorithm Algorithm `yaml:"algorithm"`
	// KeyEncoding says how a secret stands for the key: raw (its bytes; the default), hex or base64.
	KeyEncoding Encoding `yaml:"key_encoding"`
	// KeyPrefix is taken off a secret that has it, before decoding: "whsec_".
	KeyPrefix string `yaml:"key_prefix"`
	// Template is the signed string: literal text with {body} {id} {timestamp} {method} {url} {header:X} {query:x} {json:path}.
	Template string `yaml:"template"`
	// Signature says where signatures stand and how they are written.
	Signature Signature `yaml:"signature"`
	// Timestamp says where the time stands that {timestamp} signs; unused without it.
	Timestamp Timestamp `yaml:"timestamp"`
	// ID is the place of the message ID that {id} signs; unused without it.
	ID string `yaml:"id"`
}

// Signature describes one or several written signatures.
type Signature struct {
	// In is the place of the signature, or of a list of them.
	In string `yaml:"in"`
	// Separator divides a list such as "t=1,v1=ab,v1=cd"; empty means a single signature. Any signature of a list may fit.
	Separator string `yaml:"separator"`
	// Prefix begins each signature: "sha256=", "v1,", "v1=". Items of a list without it are ignored.
	Prefix string `yaml:"prefix"`
	// Encoding is hex (either case; the default), base64 (padded) or base64url (padded or not).
	Encoding Encoding `yaml:"encoding"`
}

// Timestamp describes the time that a sender signs.
type Timestamp struct {
	// In is the place of the time; "signature:KEY" is the item KEY=TIME of the list of signatures.
	In string `yaml:"in"`
	// Unit is s (Unix seconds; the default), ms (Unix milliseconds) or rfc3339.
	Unit Unit `yaml:"unit"`
	// Tolerance is how far the time may be from ours, in the past and in the future; default 5 minutes.
	Tolerance time.Duration `yaml:"tolerance"`
}

// DefaultTolerance is what Stripe, Slack and Standard Webhooks recommend.
const DefaultTolerance = 5 * time.Minute

// Kind tells schemes apart by what the sender shows.
type Kind string

// The kinds: a signature over the request, or the secret itself.
const (
	HMAC  Kind = "hmac"
	Token Kind = "token"
)

// Algorithm is the hash function of an HMAC.
type Algorithm string

// The algorithms. SHA1 is for senders that offer nothing better; as an HMAC it is not known to be broken.
const (
	SHA1   Algorithm = "sha1"
	SHA256 Algorithm = "sha256"
	SHA512 Algorithm = "sha512"
)

// Encoding says how bytes are written as text.
type Encoding string

// The encodings. Raw is for keys, Base64URL for signatures only.
const (
	Raw       Encoding = "raw"
	Hex       Encoding = "hex"
	Base64    Encoding = "base64"
	Base64URL Encoding = "base64url"
)

// Unit says how a time is written.
type Unit string

// The units.
const (
	Seconds      Unit = "s"
	Milliseconds Unit = "ms"
	RFC3339      Unit = "rfc3339"
)
