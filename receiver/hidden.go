package receiver

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/hookline/hookline/pkg/jsonbody"
	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
)

// secretWords are parts of the names of headers and parameters that carry credentials.
func secretWords() []string {
	return []string{"authorization", "cookie", "token", "secret", "password", "passwd", "api-key", "apikey", "api_key", "access-key", "access_key",
		"subscription-key", "functions-key", "x-amz-security"}
}

func carriesSecret(name string) bool {
	lower := strings.ToLower(name)
	return lower == "key" || lower == "auth" || slices.ContainsFunc(secretWords(), func(word string) bool { return strings.Contains(lower, word) })
}

// shownHeader returns the headers of a request with hidden credentials. A signature stays, because it proves no other message.
func (s *source) shownHeader(r *http.Request) http.Header {
	h := withHost(r)
	for name, values := range h {
		if s.hidesHeader(name) {
			h[name] = []string{hideCredentials(values)}
			continue
		}
		for i, value := range values {
			values[i] = strings.ToValidUTF8(value, "_")
		}
	}
	return h
}

// hidesHeader reports whether the header carries a credential: the source's token, or any other except a part of the source's signature.
func (s *source) hidesHeader(name string) bool {
	if place, token := strings.CutPrefix(s.Verify.Token, "header:"); token && http.CanonicalHeaderKey(place) == name {
		return true
	}
	return carriesSecret(name) && !s.signs("header:"+name)
}

// signs reports whether the source's signature reads a location.
func (s *source) signs(place string) bool {
	v := s.Verify
	if v.Kind != signature.HMAC {
		return false
	}
	for _, read := range []string{v.Signature.In, v.Timestamp.In, v.ID} {
		if strings.EqualFold(read, place) {
			return true
		}
	}
	return strings.Contains(strings.ToLower(v.Template), "{"+strings.ToLower(place)+"}")
}

// hideCredentials keeps the scheme of an Authorization header only.
func hideCredentials(values []string) string {
	if len(values) > 0 {
		switch scheme, _, _ := strings.Cut(values[0], " "); strings.ToLower(scheme) {
		case "bearer", "basic", "digest", "token":
			return clip(scheme, 16) + " " + setting.Hidden
		}
	}
	return setting.Hidden
}

// shownQuery returns a query with hidden credentials. A query that the source's signature covers stays.
func (s *source) shownQuery(raw string) string {
	raw = strings.ToValidUTF8(clip(raw, maxRejectedText), "_")
	if strings.Contains(s.Verify.Template, "{url}") {
		return raw
	}
	pairs := strings.Split(raw, "&")
	for i, pair := range pairs {
		name, _, valued := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			plain = name
		}
		if valued && (s.Verify.Token == "query:"+plain || carriesSecret(plain) && !asks(plain) && !s.signs("query:"+plain)) {
			pairs[i] = name + "=" + setting.Hidden
		}
	}
	return strings.Join(pairs, "&")
}

// asks reports whether a parameter is a question of a sender, which is no credential.
func asks(parameter string) bool { return parameter == "validationToken" || parameter == "crc_token" }

// shownBody returns a copy of a body, and whether it is cut. A source that redacts keeps no body. A token in a JSON body is hidden.
func (s *source) shownBody(body []byte) (shown []byte, cut bool) {
	if s.redactor != nil || len(body) == 0 {
		return nil, len(body) > 0
	}
	shown = body
	if path, token := strings.CutPrefix(s.Verify.Token, "json:"); token {
		if text, ok := jsonbody.Text(body); ok {
			if value := jsonbody.Get(text, path); value.Raw != "" {
				shown = bytes.ReplaceAll(body, []byte(value.Raw), []byte(`"`+setting.Hidden+`"`))
			}
		}
	}
	return bytes.Clone(shown[:min(len(shown), MaxRejectedBody)]), len(shown) > MaxRejectedBody
}
