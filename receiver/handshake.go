package receiver

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/signature"
)

// The kinds of handshakes. The first three come as an unsigned GET. The others come as a POST with a signature, like
// messages.
const (
	// ChallengeJSON answers ?challenge=X with {"challenge":"X"} (Alma).
	ChallengeJSON = "challenge-json"
	// ChallengeText answers ?challenge=X with X (Dropbox).
	ChallengeText = "challenge-text"
	// Hub answers ?hub.mode=subscribe&hub.verify_token=T&hub.challenge=X with X if T is the VerifyToken (Meta).
	Hub = "hub"
	// SlackURL answers {"type":"url_verification","challenge":"X"} with {"challenge":"X"}.
	SlackURL = "slack"
	// ZoomURL answers {"event":"endpoint.url_validation"} with the plainToken and its HMAC.
	ZoomURL = "zoom"
)

// maxEcho is the length in bytes of the longest value that the answer to a handshake repeats.
const maxEcho = 512

// Handshake is the question that a sender asks before it sends, to find out whether a receiver expects it. The answer needs no broker.
type Handshake struct {
	// Kind is how the sender asks; empty: it does not ask.
	Kind string `yaml:"kind" schema:"enum=|challenge-json|challenge-text|hub|slack|zoom"`
	// VerifyToken is the token that you give to the sender; required for hub, unused elsewhere.
	VerifyToken setting.Secret `yaml:"verify_token,omitempty"`
}

func (h Handshake) check() error {
	switch h.Kind {
	case "", ChallengeJSON, ChallengeText, SlackURL, ZoomURL:
		return nil
	case Hub:
		if h.VerifyToken == "" {
			return errors.New("verify_token is missing; write the one that you give to the sender")
		}
		return nil
	}
	return fmt.Errorf("kind %q is none of %s", h.Kind, strings.Join([]string{ChallengeJSON, ChallengeText, Hub, SlackURL, ZoomURL}, ", "))
}

// comesAsGet reports whether the handshake is a GET.
func (h Handshake) comesAsGet() bool {
	return h.Kind == ChallengeJSON || h.Kind == ChallengeText || h.Kind == Hub
}

// answerGet answers a GET, which is a handshake or a mistake.
func answerGet(_ http.ResponseWriter, r *http.Request, s *source, _ time.Time) *answer {
	if !s.Handshake.comesAsGet() {
		return refuseMethod("POST")
	}
	return s.Handshake.answer(r)
}

func (h Handshake) answer(r *http.Request) *answer {
	name := "challenge"
	query := r.URL.Query()
	if h.Kind == Hub {
		name = "hub.challenge"
		if query.Get("hub.mode") != "subscribe" || !sameText(query.Get("hub.verify_token"), string(h.VerifyToken)) {
			return refuseHandshake(http.StatusForbidden, "the verify token does not fit; compare it with verify_token in hookline.yml")
		}
	}
	value := query.Get(name)
	if !canEcho(value) {
		return refuseHandshake(http.StatusBadRequest, fmt.Sprintf("expected ?%s=X with 1 to %d printable ASCII characters; events come as POST", name, maxEcho))
	}
	if h.Kind == ChallengeJSON {
		return echo(map[string]string{"challenge": value})
	}
	return echoText(value)
}

// answerPost answers a verified message that is a handshake. It returns nil for every other message.
func (h Handshake) answerPost(p *payload, proof signature.Proof) *answer {
	switch {
	case h.Kind == SlackURL && jsonString(p.json, "type") == "url_verification":
		return answerSlack(jsonString(p.json, "challenge"))
	case h.Kind == ZoomURL && jsonString(p.json, "event") == "endpoint.url_validation":
		return answerZoom(jsonString(p.json, "payload.plainToken"), proof)
	}
	return nil
}

func answerSlack(challenge string) *answer {
	if !canEcho(challenge) {
		return refuseHandshake(http.StatusBadRequest, fmt.Sprintf("expected challenge with 1 to %d printable ASCII characters", maxEcho))
	}
	return echo(map[string]string{"challenge": challenge})
}

func answerZoom(token string, proof signature.Proof) *answer {
	if !canEcho(token) {
		return refuseHandshake(http.StatusBadRequest, fmt.Sprintf("expected payload.plainToken with 1 to %d printable ASCII characters", maxEcho))
	}
	encrypted, err := proof.HMACHex([]byte(token))
	if err != nil {
		a := unavailable(signature.NoSecret, err)
		a.result = resultHandshakeRefused
		return a
	}
	return echo(map[string]string{"plainToken": token, "encryptedToken": encrypted})
}

// sameText compares two texts of any lengths in constant time.
func sameText(a, b string) bool {
	hashA, hashB := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(hashA[:], hashB[:]) == 1
}

// canEcho reports whether an answer may repeat value, which comes from a stranger: short, printable ASCII.
func canEcho(value string) bool {
	return value != "" && len(value) <= maxEcho && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' })
}

func echo(value map[string]string) *answer {
	body, _ := json.Marshal(value) // always works for strings
	return handshakeAnswer(body, "application/json")
}

func echoText(value string) *answer {
	return handshakeAnswer([]byte(value), "text/plain; charset=utf-8")
}

func handshakeAnswer(body []byte, contentType string) *answer {
	return &answer{body: body, contentType: contentType, record: record{status: http.StatusOK, result: resultHandshakeAnswered}}
}
