// Package signature tells whether a request comes from the sender that it claims, and signs requests as senders do.
//
// A Scheme is data: one configurable HMAC and one configurable token comparison cover the known senders, see Preset.
// Verification reads the raw body, compares in constant time and fails closed.
package signature

import (
	"net/http"
	"net/url"
)

// Request is what is verified or signed.
type Request struct {
	// Method is upper case, as received.
	Method string
	// URL is the full public URL as the sender knows it, query included; only a template with {url} reads it.
	URL string
	// Header has canonical names, as net/http makes them.
	Header http.Header
	Query  url.Values
	// Body is the raw body. It is neither changed nor copied.
	Body []byte
}

// Why Verify refuses a request: a closed list, which is also a metric label.
const (
	// NoSecret says that no secret is configured, or that all of them have expired: the fault is ours.
	NoSecret = "no_secret"
	// Missing says that the request lacks a signature, token, timestamp or ID.
	Missing = "missing"
	// Malformed says that one of these is there but cannot be one, or is there twice.
	Malformed = "malformed"
	// Mismatch says that no usable secret fits.
	Mismatch = "mismatch"
	// Stale says that the signature is right but its time is too far in the past or in the future.
	Stale = "stale"
)

// Reasons lists every Reason that an Error can have.
func Reasons() []string { return []string{NoSecret, Missing, Malformed, Mismatch, Stale} }

// Error says why a request was refused.
type Error struct {
	// Reason is one of Reasons.
	Reason string
	// Detail says it in words. They come from the scheme, never from the request or a secret, so that they can be logged.
	Detail string
}

// Error is fit for a log: it holds no secret, and no part of a signature or token.
func (e *Error) Error() string { return "signature " + e.Reason + ": " + e.Detail }

func refuse(reason, detail string) error { return &Error{reason, detail} }
