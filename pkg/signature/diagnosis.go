package signature

import (
	"fmt"
	"time"
)

// Cause is the cause of a refusal, as far as the bytes of the request prove it.
type Cause string

// The causes.
const (
	Fits            Cause = "fits"             // nothing is wrong with the secrets and the time of now
	NoSecretAtAll   Cause = "no_secret"        // the source has no secret
	OldSecret       Cause = "old_secret"       // a secret fits that has ended
	OurClock        Cause = "our_clock"        // the signed time is far from this machine's clock, which nobody confirms
	SenderClock     Cause = "sender_clock"     // the signed time is far from this machine's clock, which other senders confirm
	TimeUnit        Cause = "time_unit"        // the signed time is in another unit
	ChangedJSON     Cause = "changed_json"     // the JSON was written anew on its way
	ChangedForm     Cause = "changed_form"     // the form was written anew on its way
	ChangedText     Cause = "changed_text"     // line ends, a byte order mark or white space around the text
	ChangedEncoding Cause = "changed_encoding" // the characters were put into another encoding
	Base64Left      Cause = "base64_left"      // a gateway encoded the body and left it so
	Wrapped         Cause = "wrapped"          // a gateway put the body into a JSON document of its own
	Compressed      Cause = "compressed"       // a proxy compressed the body
	SignatureForm   Cause = "signature_form"   // the signature is written otherwise than the scheme says
	SecretForm      Cause = "secret_form"      // the sender uses the secret in another form
	OtherAddress    Cause = "other_address"    // the sender signed another address of this machine
	OtherPreset     Cause = "other_preset"     // the request fits as a message of another preset
	OtherSender     Cause = "other_sender"     // the signature of another preset is there, and no secret fits it
	FirstRequest    Cause = "first_request"    // a sender's first request, which it does not sign
	NoSignature     Cause = "no_signature"     // a part of the signature is missing
	Unexplained     Cause = "unexplained"      // nothing that was tried fits
)

// Causes returns every Cause of a Diagnosis.
func Causes() []Cause {
	return []Cause{Fits, NoSecretAtAll, OldSecret, OurClock, SenderClock, TimeUnit, ChangedJSON, ChangedForm, ChangedText, ChangedEncoding, Base64Left,
		Wrapped, Compressed, SignatureForm, SecretForm, OtherAddress, OtherPreset, OtherSender, FirstRequest, NoSignature, Unexplained}
}

// Diagnosis says why a request was refused. It holds no secret and no part of a signature, and its texts come from tables and from the
// configuration, never from the request.
type Diagnosis struct {
	Cause  Cause
	Secret string        // label of the secret that fits; empty if none fits
	Ended  time.Time     // the end of that secret, if it has ended
	Off    time.Duration // how far the signed time was ahead of this machine's, negative: behind; 0 without a signed time or without a fit
	Preset string        // of OtherPreset and OtherSender
	Form   string        // the difference that explains it, or the sender of a first request
	Checks []Check       // the checks in their order
}

// Check is one check of a Diagnosis.
type Check struct {
	Passed bool
	Text   string // a sentence without its full stop
}

// Summary returns one sentence without a full stop. It is the same for all requests with one cause.
func (d Diagnosis) Summary() string {
	switch d.Cause {
	case Fits:
		return "Nothing is wrong any more: the request would be let in now"
	case NoSecretAtAll:
		return "The source has no secret"
	case OldSecret:
		return fmt.Sprintf("Signed with the old secret %q", d.Secret)
	case OurClock:
		return "The signature is right, but its time is far from this machine's clock, which no sender has confirmed"
	case SenderClock:
		return "The signature is right, but its time is far from this machine's clock, which other senders confirm"
	case TimeUnit:
		return "The signature is right, but its time is " + d.Form
	case ChangedJSON, ChangedForm, ChangedText, ChangedEncoding, Base64Left, Wrapped, Compressed:
		return "The body was changed on its way: the signature fits " + d.Form
	case SignatureForm:
		return "The signature is right, but it is written otherwise than the source expects: " + d.Form
	case SecretForm:
		return "The sender uses the secret in another form: " + d.Form
	case OtherAddress:
		return "The sender signed another address: " + d.Form
	case OtherPreset:
		return "A secret of this source fits, but the message is signed as by preset " + d.Preset
	case OtherSender:
		return "The signature of this source is missing, and that of preset " + d.Preset + " is there"
	case FirstRequest:
		return "A first request of " + d.Form + ", which is not signed"
	case NoSignature:
		return "The request has " + d.Form
	}
	return "No secret fits, and no known change of the message explains it"
}

// Advice returns the next steps as sentences.
func (d Diagnosis) Advice() string {
	switch d.Cause {
	case Fits:
		return "Admit the request."
	case NoSecretAtAll:
		return "Write the sender's secret under secrets of the source."
	case OldSecret:
		return "Put the new secret into the sender's form, or let the old one count for longer: not_after of the source's secret. Then admit the request."
	case OurClock:
		return "Compare this machine's clock with `timedatectl`, and switch on its time service."
	case SenderClock:
		return d.clockAdvice()
	case TimeUnit:
		return "Set timestamp.unit of the source. Then admit the request."
	case ChangedJSON, ChangedForm, ChangedText, ChangedEncoding, Compressed:
		return "Find the proxy, gateway or function in front of Hookline that reads the body, and let it pass the bytes on unread."
	case Base64Left:
		return "Let the gateway or function in front of Hookline decode the body before it passes it on: with AWS Lambda, isBase64Encoded says so."
	case Wrapped:
		return "Let the gateway or function in front of Hookline pass on the body alone, with the sender's headers."
	case SignatureForm, SecretForm:
		return d.formAdvice()
	case OtherAddress:
		return "Set public_url to the address that the sender uses, or give the sender the address of public_url. Then admit the request."
	case OtherPreset:
		return "Give the sender the address of a source with preset: " + d.Preset + ", or write this preset at the source. Then admit the request."
	case OtherSender:
		return "If the sender is the right one, give it the address of a source with preset: " + d.Preset + " and its secret."
	case FirstRequest:
		return unsignedAdvice(d.Form)
	case NoSignature:
		return "Set a secret in the sender's form. If the request is not from the sender, there is nothing to do."
	}
	return "Compare the secret here with the sender's: copy it again on both sides. If it is the same, a proxy changes the message in another way. " +
		"If the request is not from the sender, there is nothing to do."
}

func (d Diagnosis) clockAdvice() string {
	if d.Off > 0 {
		return "The sender's clock is fast: tell its administrator. The other signed times were right, so this machine's clock is too."
	}
	return "The message was held up on its way, somebody sent an old one again, or the sender's clock is slow. If it is the sender's, tell its administrator."
}

func (d Diagnosis) formAdvice() string {
	if d.Cause == SecretForm {
		return "Write the secret of the source in the form that the sender uses, or copy it again on both sides without anything around it. Then admit the request."
	}
	return "Change the source's verify so that it fits: " + d.Form + ". Then admit the request."
}
