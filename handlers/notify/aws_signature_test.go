package notify

import (
	"net/http"
	"testing"
	"time"
)

// SignAWS is awsSigner for tests from outside.
func SignAWS(region, service, key, secret string, header http.Header, target, body string, now time.Time) {
	awsSigner{region, service, key, secret}.sign(header, target, body, now)
}

// TestAWSsOwnExamples are of AWS's Signature Version 4 test suite: post-vanilla and post-x-www-form-urlencoded.
func TestAWSsOwnExamples(t *testing.T) {
	t.Parallel()
	now := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	for _, c := range []struct {
		header       http.Header
		body, signed string
	}{
		{http.Header{}, "", "host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "Param1=value1", "content-type;host;x-amz-date, Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	} {
		SignAWS("us-east-1", "service", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", c.header, "https://example.amazonaws.com/", c.body, now)
		want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" + c.signed
		if got := c.header.Get("Authorization"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
