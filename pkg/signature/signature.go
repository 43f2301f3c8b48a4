// Package signature verifies that a request comes from its sender, and signs requests as senders do.
//
// A Scheme is data: one configurable HMAC and one configurable token comparison cover the known senders, see Preset.
// Verification reads the raw body, compares in constant time and fails closed.
package signature

import (
	"net/http"
	"net/url"
)

// Request is a request to verify or to sign.
type Request struct {
	// Method is upper case, as received.
	Method string
	// URL is the full public URL as the sender knows it, with the query; only a template with {url} reads it.
	URL string
	// Header has canonical names, as net/http makes them.
	Header http.Header
	Query  url.Values
	// Body is the raw body. It is neither changed nor copied.
	Body []byte
}

// The reasons of Verify to refuse a request: a closed list, which is also a metric label.
const (
	// NoSecret says that no secret is configured, or that all of them have expired: a fault of the receiver.
	NoSecret = "no_secret"
	// Missing says that the request lacks a signature, token, timestamp or ID.
	Missing = "missing"
	// Malformed says that one of these is invalid, or is there twice.
	Malformed = "malformed"
	// Mismatch says that no valid secret fits.
	Mismatch = "mismatch"
	// Stale says that the signature is right, but its time is too far in the past or in the future.
	Stale = "stale"
)

// Reasons returns every Reason of an Error.
func Reasons() []string { return []string{NoSecret, Missing, Malformed, Mismatch, Stale} }

// Error is the reason of a refusal.
type Error struct {
	// Reason is one of Reasons.
	Reason string
	// Detail explains it. It is safe to log, because its text comes from the scheme, never from the request or a secret.
	Detail string
}

// Error returns a text for a log. It holds no secret, and no part of a signature or token.
func (e *Error) Error() string { return "signature " + e.Reason + ": " + e.Detail }

func refuse(reason, detail string) error { return &Error{reason, detail} }
