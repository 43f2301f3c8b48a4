package signature

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/hookline/hookline/pkg/jsonbody"
)

// location is the location of a value in a request, written "kind:name" or, for the last two, "kind".
type location struct{ kind, name string }

const (
	inHeader    = "header"
	inQuery     = "query"
	inJSON      = "json"
	inSignature = "signature" // an item of the list of signatures: for the timestamp only
	inBearer    = "bearer"    // RFC 6750, section 2.1: for a token only
	inBasic     = "basic"     // RFC 7617: for a token only
)

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$") // RFC 9110, section 5.6.2

func parseLocation(text string, more ...string) (location, error) {
	kind, name, named := strings.Cut(text, ":")
	p := location{kind, name}
	switch kind {
	case inHeader:
		if headerName.MatchString(name) {
			p.name = http.CanonicalHeaderKey(name)
			return p, nil
		}
	case inQuery, inJSON:
		if name != "" {
			return p, nil
		}
	}
	for _, form := range more { // "bearer", or "signature:" with any name
		if form == text || named && name != "" && form == kind+":" {
			return p, nil
		}
	}
	return location{}, fmt.Errorf("%q is not a location; write header:NAME, query:NAME or json:PATH%s", text, orForms(more))
}

func orForms(more []string) string {
	var b strings.Builder
	for _, form := range more {
		b.WriteString(" or " + strings.Replace(form, inSignature+":", inSignature+":KEY", 1))
	}
	return b.String()
}

// String describes the location without any value of a request.
func (p location) String() string {
	switch p.kind {
	case inHeader, inQuery:
		return p.kind + " " + p.name
	case inJSON:
		return "JSON value " + p.name
	case inSignature:
		return "item " + p.name + "= of the signature"
	}
	return p.kind + " authorization"
}

// read returns the one value at the location, without white space around it.
func (p location) read(r Request) (string, error) {
	switch p.kind {
	case inHeader:
		return p.only(r.Header[p.name])
	case inQuery:
		return p.only(r.Query[p.name])
	case inJSON:
		return p.json(r.Body)
	}
	return p.authorization(r.Header)
}

func (p location) only(values []string) (string, error) {
	if len(values) > 1 {
		return "", p.doubled()
	}
	if len(values) == 0 {
		return "", p.missing()
	}
	value := strings.TrimSpace(values[0])
	if value == "" {
		return "", p.missing()
	}
	return value, nil
}

func (p location) json(body []byte) (string, error) {
	text, ok := jsonbody.Text(body)
	if !ok {
		return "", refuse(Malformed, p.String()+": the body is not JSON")
	}
	switch value := jsonbody.Get(text, p.name); {
	case value.Type == gjson.String && value.Str != "":
		return value.Str, nil
	case value.Type == gjson.Number:
		return value.Raw, nil // as written: a float64 would change long numbers
	case value.Type == gjson.JSON || value.IsBool():
		return "", refuse(Malformed, p.String()+" is neither text nor a number")
	}
	return "", p.missing()
}

func (p location) authorization(h http.Header) (string, error) {
	value, err := p.only(h["Authorization"])
	if err != nil {
		return "", err
	}
	scheme, credentials, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, p.kind) {
		return "", refuse(Malformed, "the Authorization header is not of type "+p.kind)
	}
	credentials = strings.TrimSpace(credentials)
	if p.kind == inBearer {
		return credentials, nil
	}
	userPassword, err := base64.StdEncoding.DecodeString(credentials)
	if err != nil {
		return "", refuse(Malformed, p.String()+" is not base64")
	}
	return string(userPassword), nil
}

// write puts the value at the location.
func (p location) write(r *Request, value string) error {
	switch p.kind {
	case inHeader:
		r.setHeader(p.name, value)
	case inBearer:
		r.setHeader("Authorization", "Bearer "+value)
	case inBasic:
		r.setHeader("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(value)))
	case inQuery:
		if r.Query == nil {
			r.Query = url.Values{}
		}
		r.Query.Set(p.name, value)
	default:
		return errors.New("signature: cannot sign for a scheme with a " + p.String() + "; put it into the body yourself")
	}
	return nil
}

func (r *Request) setHeader(name, value string) {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set(name, value)
}

func (p location) missing() error { return refuse(Missing, "no "+p.String()) }
func (p location) doubled() error { return refuse(Malformed, p.String()+" is there twice") }
