package signature

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/hookline/hookline/pkg/setting"
)

// otherBody tries the bodies that the sender may have signed.
func (d *diagnoser) otherBody() bool {
	for _, group := range originals() {
		tried := 0
		for form, body := range group.forms(d.request.Body) {
			if d.left -= len(body); d.left < 0 {
				return false
			}
			tried++
			v := d.variant()
			v.request.Body = body
			if d.fits(v) {
				d.check(true, fmt.Sprintf("Secret %q fits %s", d.found.Secret, form))
				return d.settle(group.cause, form)
			}
		}
		if tried > 0 {
			d.check(false, fmt.Sprintf("%s: none of %d forms fits", group.name, tried))
		}
	}
	return false
}

// otherSignature tries other ways to write the signature.
func (d *diagnoser) otherSignature() bool {
	own := d.verifier.scheme
	for _, algorithm := range []Algorithm{own.Algorithm, SHA256, SHA1, SHA512} {
		for _, encoding := range []Encoding{own.Signature.Encoding, Hex, Base64, Base64URL} {
			for _, prefix := range []string{own.Signature.Prefix, "", "sha256=", "sha1=", "sha512=", "v1=", "v0=", "v1,"} {
				v := d.variant()
				v.scheme.Algorithm, v.scheme.Signature.Encoding, v.scheme.Signature.Prefix = algorithm, encoding, prefix
				if v.scheme == own || !d.fits(v) {
					continue
				}
				form := differences(own, v.scheme)
				d.check(true, fmt.Sprintf("Secret %q fits with %s", d.found.Secret, form))
				return d.settle(SignatureForm, form)
			}
		}
	}
	d.check(false, "Other algorithms, encodings and prefixes of the signature do not fit")
	return false
}

// differences lists the fields of the verify block that differ.
func differences(own, other Scheme) string {
	text := ""
	add := func(differs bool, field string, value any) {
		if differs && text != "" {
			text += ", "
		}
		if differs {
			text += fmt.Sprintf("%s: %v", field, value)
		}
	}
	add(own.Algorithm != other.Algorithm, "algorithm", other.Algorithm)
	add(own.Signature.Encoding != other.Signature.Encoding, "signature.encoding", other.Signature.Encoding)
	add(own.Signature.Prefix != other.Signature.Prefix, "signature.prefix", fmt.Sprintf("%q", other.Signature.Prefix))
	add(own.KeyEncoding != other.KeyEncoding, "key_encoding", other.KeyEncoding)
	add(own.KeyPrefix != other.KeyPrefix, "key_prefix", fmt.Sprintf("%q", other.KeyPrefix))
	return text
}

// otherSecret tries other forms of the secrets.
func (d *diagnoser) otherSecret() bool {
	for _, c := range secretForms(d.verifier.scheme) {
		v := d.variant()
		v.scheme.KeyEncoding, v.scheme.KeyPrefix = c.encoding, c.prefix
		v.secrets = slices.Clone(v.secrets)
		for i := range v.secrets {
			v.secrets[i].Value = setting.Secret(c.change(string(v.secrets[i].Value)))
		}
		if d.fits(v) {
			d.check(true, fmt.Sprintf("Secret %q fits %s", d.found.Secret, c.form))
			return d.settle(SecretForm, c.form)
		}
	}
	d.check(false, "Other forms of the secrets do not fit")
	return false
}

// secretForm is another form of a secret.
type secretForm struct {
	form     string
	encoding Encoding
	prefix   string
	change   func(string) string
}

func secretForms(own Scheme) []secretForm {
	asItIs := func(s string) string { return s }
	after := func(end string) func(string) string { return func(s string) string { return s + end } }
	var all []secretForm
	for _, encoding := range []Encoding{Raw, Hex, Base64} {
		for _, prefix := range []string{"", cmp.Or(own.KeyPrefix, "whsec_")} {
			other := own
			other.KeyEncoding, other.KeyPrefix = encoding, prefix
			if other != own {
				all = append(all, secretForm{"with " + differences(own, other), encoding, prefix, asItIs})
			}
		}
	}
	return append(all, []secretForm{
		{"with a line break at its end", own.KeyEncoding, own.KeyPrefix, after("\n")},
		{"with a line break of Windows at its end", own.KeyEncoding, own.KeyPrefix, after("\r\n")},
		{"with a space at its end", own.KeyEncoding, own.KeyPrefix, after(" ")},
		{"with a space at its begin", own.KeyEncoding, own.KeyPrefix, func(s string) string { return " " + s }},
		{"in quotes", own.KeyEncoding, own.KeyPrefix, func(s string) string { return `"` + s + `"` }},
		{"without the quotes around it", own.KeyEncoding, own.KeyPrefix, func(s string) string { return strings.Trim(s, "\"'") }},
		{"in upper case", own.KeyEncoding, own.KeyPrefix, strings.ToUpper},
		{"in lower case", own.KeyEncoding, own.KeyPrefix, strings.ToLower},
		{"encoded as base64", own.KeyEncoding, own.KeyPrefix, func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	}...)
}

// otherAddress tries other public addresses, if the sender signs the address.
func (d *diagnoser) otherAddress() bool {
	public, err := url.Parse(d.request.URL)
	if !strings.Contains(d.verifier.scheme.Template, "{url}") || err != nil {
		return false
	}
	for form, address := range addresses(public, d.request) {
		v := d.variant()
		v.request.URL = address
		if d.fits(v) {
			d.check(true, fmt.Sprintf("Secret %q fits %s", d.found.Secret, form))
			return d.settle(OtherAddress, form)
		}
	}
	d.check(false, "Other public addresses do not fit")
	return false
}

// addresses yields the public addresses that a sender may have signed.
func addresses(public *url.URL, r Request) iter.Seq2[string, string] {
	hosts := []struct{ form, host string }{{"", public.Host}}
	for _, name := range []string{"Host", "X-Forwarded-Host", "X-Original-Host"} {
		if host := r.Header.Get(name); host != "" {
			hosts = append(hosts, struct{ form, host string }{"the host of header " + name, host})
		}
	}
	return func(yield func(form, address string) bool) {
		for _, host := range hosts {
			for _, scheme := range []string{"https", "http"} {
				for _, port := range []string{"", ":443", ":80", ":8080"} {
					for _, change := range pathChanges() {
						u := *public
						u.Scheme, u.Host = scheme, host.host
						forms := []string{host.form}
						if scheme != public.Scheme {
							forms = append(forms, scheme)
						}
						if port != "" {
							u.Host = u.Hostname() + port
							forms = append(forms, "port "+port[1:])
						}
						forms = append(forms, change.form)
						address := change.of(u)
						if !yield(strings.Join(slices.DeleteFunc(forms, func(s string) bool { return s == "" }), ", "), address) {
							return
						}
					}
				}
			}
		}
	}
}

type pathChange struct {
	form string
	of   func(u url.URL) string
}

func pathChanges() []pathChange {
	return []pathChange{
		{"", func(u url.URL) string { return u.String() }},
		{"without the query", func(u url.URL) string { u.RawQuery = ""; return u.String() }},
		{"a slash at its end", func(u url.URL) string { return u.JoinPath("/").String() }},
		{"no slash at its end", func(u url.URL) string { u.Path = strings.TrimSuffix(u.Path, "/"); u.RawPath = ""; return u.String() }},
		{"only the path", func(u url.URL) string { return u.RequestURI() }},
	}
}

// otherPreset tries the presets of other senders.
func (d *diagnoser) otherPreset() bool {
	for _, p := range otherPresets(d.verifier.scheme) {
		v := d.variant()
		v.scheme = p.scheme
		if d.fits(v) {
			d.check(true, fmt.Sprintf("Secret %q fits with preset %s", d.found.Secret, p.name))
			d.found.Preset = p.name
			return d.settle(OtherPreset, "")
		}
	}
	d.check(false, "No secret fits with another preset")
	return false
}

// otherSender looks for a signature of another preset.
func (d *diagnoser) otherSender() bool {
	for _, p := range otherPresets(d.verifier.scheme) {
		if _, err := p.proof().read(d.request); err == nil {
			d.check(true, "There is a signature or token as of preset "+p.name)
			d.found.Preset = p.name
			return d.settle(OtherSender, "")
		}
	}
	return false
}

// otherPresets returns the presets with another scheme.
func otherPresets(own Scheme) []preset {
	var others []preset
	for _, p := range presets() {
		if p.scheme.Kind == HMAC {
			p.scheme = p.scheme.withDefaults()
		}
		if p.scheme != own {
			others = append(others, p)
		}
	}
	return others
}

// proof returns the location of the preset's signature or token.
func (p preset) proof() location {
	text := p.scheme.Signature.In
	if p.scheme.Kind == Token {
		text = p.scheme.Token
	}
	l, _ := parseLocation(text, inBearer, inBasic) // the table is right: a test parses it
	return l
}
