package sender

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
)

// Challenge asks what Alma asks when its integration profile is activated: GET with ?challenge=X, unsigned. The answer
// has to be 200 with {"challenge":"X"}, or with X alone, which Alma takes as well; any other is an error.
func Challenge(ctx context.Context, to Target) (Answer, error) {
	u, err := to.parse()
	if err != nil {
		return Answer{}, err
	}
	challenge := rand.Text()
	query := u.Query()
	query.Set("challenge", challenge)
	u.RawQuery = query.Encode()
	a, err := to.do(ctx, http.MethodGet, u, nil, nil)
	if err != nil {
		return a, err
	}
	if a.Code != http.StatusOK {
		return a, fmt.Errorf("the challenge was answered %d instead of 200; check the path and the source's handshake", a.Code)
	}
	var echo struct {
		Challenge string `json:"challenge"`
	}
	if json.Unmarshal(a.Body, &echo) == nil && echo.Challenge == challenge || string(bytes.TrimSpace(a.Body)) == challenge {
		return a, nil
	}
	return a, fmt.Errorf("the answer does not repeat the challenge; check the source's handshake")
}
