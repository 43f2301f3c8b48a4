package config_test

import (
	"strings"
	"testing"
)

func TestAValueThatIsATagIsRefusedAndNotShown(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"tag":            "sources: { a: { preset: token, secrets: !hunter2 } }\n",
		"tag and value":  "sources: { a: { preset: token, secrets: [{ value: !hunter2 hunter3 }] } }\n",
		"tag of YAML":    "sources: { a: { preset: token, secrets: !!hunter2 } }\n",
		"wrong type":     "sources: { a: { preset: token, secrets: !!int \"hunter2\" } }\n",
		"top":            "redact_key: !hunter2\n" + small,
		"handler":        "sources: { a: { preset: token, secrets: other-test-secret } }\nroutes: { r: { match: a, handler: { kind: http, url: 'http://127.0.0.1', sign: { secret: !hunter2 x } } } }\n",
		"broker":         "broker: { url: !!int \"amqp://u:hunter2@localhost\" }\n" + small,
		"mapping's tag":  "sources: { a: !hunter2 { preset: token, secrets: other-test-secret } }\n",
		"sequence's tag": "sources: { a: { preset: token, secrets: !hunter2 [x] } }\n",
	} {
		_, err := parse(t, text)
		if err == nil || strings.Contains(err.Error(), "hunter") {
			t.Fatalf("%s: %v", name, err)
		}
		isInt := strings.Contains(text, "!!int") // a tag of YAML itself, of another type
		if strings.Contains(err.Error(), "begins with !, which is a tag") == isInt {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAKeyInAFileHasOneSuffix(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"listen_file_file: x\n" + small,
		"sources: { a: { preset: token, secrets_file_file: x } }\nroutes: { r: { match: a, handler: { kind: log } } }\n",
		"limits: { max_requests_file_file: x }\n" + small,
	} {
		if _, err := parse(t, text); err == nil || !strings.Contains(err.Error(), "unknown key; write ") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
