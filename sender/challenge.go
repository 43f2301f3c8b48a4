package sender

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
)

// Challenge sends the unsigned GET with ?challenge=X that Alma sends when somebody activates its integration profile. It
// returns an error unless the answer is 200 with {"challenge":"X"}, or with X alone, which Alma also accepts.
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
		return a, fmt.Errorf("the answer to the challenge is %d instead of 200; check the path and the source's handshake", a.Code)
	}
	var echo struct {
		Challenge string `json:"challenge"`
	}
	if json.Unmarshal(a.Body, &echo) == nil && echo.Challenge == challenge || string(bytes.TrimSpace(a.Body)) == challenge {
		return a, nil
	}
	return a, fmt.Errorf("the answer does not repeat the challenge; check the source's handshake")
}
