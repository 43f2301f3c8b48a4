package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// awsSigner signs a POST by AWS Signature Version 4 (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
// It covers requests without a query, to a path without special characters.
type awsSigner struct{ region, service, key, secret string }

// sign adds X-Amz-Date and Authorization to header. It signs all headers and the target's host.
func (s awsSigner) sign(header http.Header, target, body string, now time.Time) {
	u, _ := url.Parse(target) // New has checked it
	stamp := now.UTC().Format("20060102T150405Z")
	header.Set("X-Amz-Date", stamp)

	lines := []string{"host:" + u.Host}
	for name, values := range header {
		lines = append(lines, strings.ToLower(name)+":"+strings.TrimSpace(values[0]))
	}
	slices.Sort(lines)
	names := make([]string, len(lines))
	for i, line := range lines {
		names[i], _, _ = strings.Cut(line, ":")
	}
	signed := strings.Join(names, ";")
	request := strings.Join([]string{http.MethodPost, u.EscapedPath(), "", strings.Join(lines, "\n"), "", signed, hash(body)}, "\n")

	scope := strings.Join([]string{stamp[:8], s.region, s.service, "aws4_request"}, "/")
	key := []byte("AWS4" + s.secret)
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	signature := mac(key, strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, hash(request)}, "\n"))
	header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.key+"/"+scope+", SignedHeaders="+signed+", Signature="+hex.EncodeToString(signature))
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
