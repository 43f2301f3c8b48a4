package alma

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNotFound says that Alma has no such user, record or item. The error's code decides, because the status is 400.
var ErrNotFound = errors.New("alma: not found")

// ErrNoID says that an ID is empty or is no part of a path.
var ErrNoID = errors.New("alma: the ID is empty")

// Error is an error answer of the API.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is Alma's error code: "401861", "UNAUTHORIZED", "PER_SECOND_THRESHOLD"; empty if the answer had none.
	Code string
	// TrackingID identifies the request for Ex Libris' support.
	TrackingID string
	// Message is Alma's text. It can name a person, so Error leaves it out. Do not log it.
	Message string
	// RetryAfter is the wait that Alma asks for; 0: it asks for none.
	RetryAfter time.Duration
}

// Error returns a text without Message.
func (e *Error) Error() string {
	text := fmt.Sprintf("alma: answered %d %s", e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		text += ", code " + e.Code
	}
	if e.TrackingID != "" {
		text += ", tracking ID " + e.TrackingID
	}
	if e.Refused() {
		text += " (the API key is wrong, is for another environment, or lacks the right to read this area: run `hookline doctor alma`)"
	}
	return text
}

// Is reports ErrNotFound for errors.Is.
func (e *Error) Is(target error) bool { return target == ErrNotFound && e.notFound() }

func (e *Error) notFound() bool {
	return slices.Contains([]string{
		"401861", "401890", // user, with any type of identifier or with one
		"402203", "402204", // bib: "mmsId is not valid", "is not numeric"
		"401689", // item: no such barcode
	}, e.Code)
}

// Refused reports that the key lacks the right to the request. Alma answers 400 in some of these cases.
func (e *Error) Refused() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Code == "UNAUTHORIZED"
}

// retryable reports whether another try can succeed: after network errors and temporary answers.
func retryable(err error) bool {
	var answer *Error
	var used *QuotaError
	if !errors.As(err, &answer) {
		return !errors.As(err, &used)
	}
	return !answer.notFound() && (answer.Status >= 500 || answer.Status == http.StatusTooManyRequests || answer.Status == http.StatusRequestTimeout)
}

func (e *Error) daily() bool {
	return e.Status == http.StatusTooManyRequests && strings.HasPrefix(e.Code, "DAILY")
}

// checkResponse returns nil for a success. An answer can have the status 200 and hold an error.
func checkResponse(resp *http.Response, body []byte) error {
	success := resp.StatusCode >= 200 && resp.StatusCode < 300
	if success && !bytes.Contains(body[:min(len(body), 1024)], []byte("errorsExist")) {
		return nil
	}
	e := parseError(body)
	if success && e.Code == "" {
		return nil
	}
	e.Status = resp.StatusCode
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = min(time.Duration(seconds)*time.Second, time.Hour)
	}
	return e
}

// detail is one error of a JSON or XML answer.
type detail struct {
	Code       string `json:"errorCode" xml:"errorCode"`
	Message    string `json:"errorMessage" xml:"errorMessage"`
	TrackingID string `json:"trackingId" xml:"trackingId"`
}

// parseError reads the first error of a body in any of Alma's forms: JSON with a list or with a single object, and XML,
// which the gateway in front of the API answers even to requests for JSON.
func parseError(body []byte) *Error {
	var found detail
	if body = bytes.TrimSpace(body); bytes.HasPrefix(body, []byte("<")) {
		var document struct {
			Errors []detail `xml:"errorList>error"`
		}
		if xml.Unmarshal(body, &document) == nil && len(document.Errors) > 0 {
			found = document.Errors[0]
		}
	} else {
		var document struct {
			List struct {
				Error json.RawMessage `json:"error"`
			} `json:"errorList"`
		}
		var several []detail
		if json.Unmarshal(body, &document) == nil {
			if json.Unmarshal(document.List.Error, &several) == nil && len(several) > 0 {
				found = several[0]
			} else {
				_ = json.Unmarshal(document.List.Error, &found) // an unreadable body has no code
			}
		}
	}
	return &Error{Code: word(found.Code), Message: found.Message, TrackingID: word(found.TrackingID)}
}

// word returns the beginning of text that looks like a code, so that no other part of an answer gets into a log.
func word(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("_-.:", r)
	})
	if end < 0 {
		end = len(text)
	}
	return text[:min(end, 80)]
}
