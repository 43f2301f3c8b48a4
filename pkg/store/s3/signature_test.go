package s3_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// signature computes AWS Signature Version 4 of a request (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html) over the
// headers that its Authorization names, by nothing of what the client's library does.
func signature(r *http.Request, secret string) string {
	signed, _, _ := strings.Cut(after(r, "SignedHeaders="), ",")
	scope, _, _ := strings.Cut(after(r, "Credential="), ",")
	_, scope, _ = strings.Cut(scope, "/")
	lines := []string{r.Method, r.URL.EscapedPath(), strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")} // Encode sorts
	for name := range strings.SplitSeq(signed, ";") {
		value := strings.Join(r.Header.Values(name), ",")
		if name == "host" {
			value = r.Host
		}
		lines = append(lines, name+":"+strings.Join(strings.Fields(value), " "))
	}
	lines = append(lines, "", signed, r.Header.Get("X-Amz-Content-Sha256"))
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, strings.Join([]string{"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), scope, hex.EncodeToString(sum[:])}, "\n")))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func after(r *http.Request, key string) string {
	_, value, _ := strings.Cut(r.Header.Get("Authorization"), key)
	return value
}

// checked refuses requests as S3 does that are not signed with the secret, or leave out what S3 wants to be signed.
func checked(next http.Handler, secret string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		names, _, _ := strings.Cut(after(r, "SignedHeaders="), ",")
		signed := strings.Split(names, ";")
		whole := slices.Contains(signed, "host")
		for name := range r.Header {
			whole = whole && (!strings.HasPrefix(name, "X-Amz-") || slices.Contains(signed, strings.ToLower(name)))
		}
		if !whole || subtle.ConstantTimeCompare([]byte(after(r, "Signature=")), []byte(signature(r, secret))) == 0 {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`<Error><Code>SignatureDoesNotMatch</Code></Error>`))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// TestAWSsOwnExamples holds the check against the examples of AWS's documentation: GET Object and GET Bucket (List Objects).
func TestAWSsOwnExamples(t *testing.T) {
	t.Parallel()
	const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for _, c := range []struct {
		target, names, want string
		header              http.Header
	}{
		{"/test.txt", "host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", http.Header{"Range": {"bytes=0-9"}}},
		{"/?max-keys=2&prefix=J", "host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", http.Header{}},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://examplebucket.s3.amazonaws.com"+c.target, nil)
		r.Header = c.header
		r.Header.Set("X-Amz-Date", "20130524T000000Z")
		r.Header.Set("X-Amz-Content-Sha256", nothing)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="+c.names+",Signature="+c.want)
		if got := signature(r, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"); got != c.want {
			t.Errorf("%s: %s", c.target, got)
		}
		if r.URL, _ = url.Parse("https://examplebucket.s3.amazonaws.com/other"); signature(r, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY") == c.want {
			t.Error("another path has the same signature")
		}
	}
}
