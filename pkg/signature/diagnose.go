package signature

import (
	"errors"
	"fmt"
	"time"
)

// diagnoseBytes bounds the work of one diagnosis: the bytes that it hashes and makes.
const diagnoseBytes = 4 << 20

// diagnoser looks for the cause of one refusal. It tries whether the request fits when one thing is different, the likeliest
// thing first. Every comparison is in constant time.
type diagnoser struct {
	verifier  *Verifier
	request   Request
	now       time.Time
	confirmed bool      // other senders confirm this machine's clock
	left      int       // of diagnoseBytes
	at        time.Time // the signed time of the last fit
	found     Diagnosis
}

// Diagnose says why the request was refused at a time. clockConfirmed says whether other senders confirm this machine's clock. The
// work is bounded: it hashes and makes 4 MiB at most. Diagnose serves people: a request that fits in another form stays refused.
func (v *Verifier) Diagnose(r Request, now time.Time, clockConfirmed bool) Diagnosis {
	d := diagnoser{verifier: v, request: r, now: now, confirmed: clockConfirmed, left: diagnoseBytes}
	d.run()
	return d.found
}

func (d *diagnoser) run() {
	_, err := d.verifier.Verify(d.request, d.now)
	switch {
	case err == nil:
		d.settle(Fits, "")
		return
	case len(d.verifier.secrets) == 0:
		d.settle(NoSecretAtAll, "")
		return
	}
	for _, step := range d.steps() {
		if step() {
			return
		}
	}
	if d.left <= 0 {
		d.check(false, "The body is too large to try everything")
	}
	d.settle(Unexplained, "")
}

// steps returns the things to try, in their order.
func (d *diagnoser) steps() []func() bool {
	token := d.verifier.scheme.Kind == Token
	incomplete, ok := errors.AsType[*Error](d.incomplete())
	switch {
	case ok && incomplete.Reason == Missing:
		d.check(false, "The request has "+incomplete.Detail)
		return []func() bool{d.otherPreset, d.firstRequest, d.otherSender, func() bool { return d.settle(NoSignature, incomplete.Detail) }}
	case ok && token:
		d.check(false, "The token is not written as the source expects: "+incomplete.Detail)
		return []func() bool{d.otherPreset}
	case ok:
		d.check(false, "The signature is not written as the source expects: "+incomplete.Detail)
		return []func() bool{d.otherPreset, d.otherSignature}
	case token:
		d.check(true, "There is a token")
		return []func() bool{d.oldToken, d.otherToken, d.otherPreset}
	}
	d.check(true, "There is a signature, and it is written as the source expects")
	return []func() bool{d.asItCame, d.otherBody, d.otherSecret, d.otherAddress, d.otherSignature, d.otherPreset}
}

// incomplete returns the error of a request without a well-formed signature or token.
func (d *diagnoser) incomplete() (err error) {
	switch m := d.verifier.method.(type) {
	case *hmacMethod:
		_, err = m.read(d.request)
	case *tokenMethod:
		_, err = m.location.read(d.request)
	}
	return err
}

// settle ends the diagnosis.
func (d *diagnoser) settle(c Cause, form string) bool {
	d.found.Cause, d.found.Form = c, form
	return true
}

func (d *diagnoser) check(passed bool, text string) {
	d.found.Checks = append(d.found.Checks, Check{passed, text})
}

// variant is a request that differs from the one that came, or a scheme that differs from the source's.
type variant struct {
	request Request
	scheme  Scheme
	secrets []Secret
}

func (d *diagnoser) variant() variant {
	return variant{d.request, d.verifier.scheme, d.verifier.secrets}
}

// fits reports whether one of the secrets fits a variant, also one that has ended, at any signed time.
func (d *diagnoser) fits(v variant) bool {
	if v.scheme.Kind == Token {
		l, err := parseLocation(v.scheme.Token, inBearer, inBasic)
		if err != nil {
			return false
		}
		shown, err := l.read(v.request)
		return err == nil && d.isSecret(shown)
	}
	m, err := checkHMAC(v.scheme)
	if err != nil {
		return false
	}
	c, err := m.read(v.request)
	if err != nil || !d.signedBy(c, v) {
		return false
	}
	if m.template.uses(varTimestamp) {
		d.at, d.found.Off = c.at, c.at.Sub(d.now)
	}
	return true
}

// signedBy reports whether one of the secrets made the claim. It takes its work from the budget.
func (d *diagnoser) signedBy(c claim, v variant) bool {
	size := 0
	for _, piece := range c.signed {
		size += len(piece)
	}
	for _, s := range v.secrets {
		key, err := s.key(v.scheme.KeyEncoding, v.scheme.KeyPrefix)
		if err != nil {
			continue // the secret has no key in this form
		}
		if d.left -= size; d.left < 0 {
			return false
		}
		if _, ok := newHMACKey(s, key, v.scheme.Algorithm).fits(c); ok {
			d.name(s)
			return true
		}
	}
	return false
}

// name names the secret that fits.
func (d *diagnoser) name(s Secret) {
	d.found.Secret = s.Label
	if !s.usable(d.now) {
		d.found.Ended = s.NotAfter
	}
}

// asItCame tries the request without the ends of secrets and without the limit of the signed time.
func (d *diagnoser) asItCame() bool {
	if !d.fits(d.variant()) {
		d.checkSecrets()
		return false
	}
	scheme := d.verifier.scheme
	inTime := d.found.Off.Abs() <= scheme.Timestamp.Tolerance || scheme.Timestamp.In == ""
	d.check(inTime, d.timeText())
	if !inTime {
		d.check(true, fmt.Sprintf("Secret %q fits", d.found.Secret))
		if form := otherUnit(scheme.Timestamp, d.at, d.now); form != "" {
			return d.settle(TimeUnit, form)
		}
		if d.found.Ended.IsZero() {
			return d.settle(d.clock(), "")
		}
	}
	d.check(false, fmt.Sprintf("Secret %q fits, and it ended at %s", d.found.Secret, d.found.Ended.UTC().Format(time.RFC3339)))
	return d.settle(OldSecret, "")
}

func (d *diagnoser) clock() Cause {
	if d.confirmed {
		return SenderClock
	}
	return OurClock
}

func (d *diagnoser) timeText() string {
	off := int64(d.found.Off.Round(time.Second) / time.Second)
	switch {
	case d.verifier.scheme.Timestamp.In == "":
		return "The sender signs no time, so clocks do not matter"
	case off > 0:
		return fmt.Sprintf("The signed time, %s, is %d s ahead of this machine's", d.at.UTC().Format(time.RFC3339), off)
	}
	return fmt.Sprintf("The signed time, %s, is %d s behind this machine's", d.at.UTC().Format(time.RFC3339), -off)
}

// checkSecrets lists the secrets that do not fit the request as it came.
func (d *diagnoser) checkSecrets() {
	for _, s := range d.verifier.secrets[:min(len(d.verifier.secrets), maxListed)] {
		d.check(false, fmt.Sprintf("Secret %q does not fit", s.Label))
	}
}

// maxListed bounds the secrets that a diagnosis lists.
const maxListed = 8

// otherUnit names the unit in which a signed time is near now.
func otherUnit(t Timestamp, at, now time.Time) string {
	for _, c := range []struct {
		unit, signed Unit
		at           time.Time
		form         string
	}{
		{Seconds, Milliseconds, time.UnixMilli(at.Unix()), "in milliseconds: timestamp.unit: ms"},
		{Milliseconds, Seconds, time.Unix(at.UnixMilli(), 0), "in seconds: timestamp.unit: s"},
	} {
		if t.Unit == c.unit && now.Sub(c.at).Abs() <= t.Tolerance {
			return c.form
		}
	}
	return ""
}
