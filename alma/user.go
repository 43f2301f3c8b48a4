package alma

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
)

// User returns what Alma knows of a person; id may be any identifier of theirs.
func (c *Client) User(ctx context.Context, id string) (User, error) {
	body, err := c.UserDocument(ctx, id)
	if err != nil {
		return User{}, err
	}
	var u User
	if err := json.Unmarshal(body, &u); err != nil {
		return User{}, errors.New("alma: the user cannot be read") // the error could quote the document
	}
	return u, nil
}

// UserDocument returns a person's whole record as JSON.
func (c *Client) UserDocument(ctx context.Context, id string) ([]byte, error) {
	return c.getOne(ctx, "/users/%s", url.Values{"user_id_type": {"all_unique"}, "view": {"full"}}, id)
}

// User is what is read of a person to tell them something.
type User struct {
	PrimaryID string  `json:"primary_id"`
	FirstName string  `json:"first_name"`
	LastName  string  `json:"last_name"`
	Language  Coded   `json:"preferred_language"`
	Contact   Contact `json:"contact_info"`
}

// Coded is a value of one of Alma's code tables.
type Coded struct {
	Value string `json:"value"`
}

// Contact is how a person can be reached; each part may be missing.
type Contact struct {
	Phones []Phone `json:"phone"`
	Emails []Email `json:"email"`
}

// Phone is a number as somebody typed it.
type Phone struct {
	Number string `json:"phone_number"`
	// SMS marks the one number that takes text messages; null and absent are false.
	SMS bool `json:"preferred_sms"`
}

// Email is an address; one of a person's is preferred.
type Email struct {
	Address   string `json:"email_address"`
	Preferred bool   `json:"preferred"`
}

// SMS is the phone number that is marked for text messages; empty if there is none. A preferred phone is not enough:
// it may be on a desk.
func (u User) SMS() string {
	for _, p := range u.Contact.Phones {
		if p.SMS {
			return strings.TrimSpace(p.Number)
		}
	}
	return ""
}

// Email is the preferred address; empty if there is none.
func (u User) Email() string {
	for _, e := range u.Contact.Emails {
		if e.Preferred {
			return strings.TrimSpace(e.Address)
		}
	}
	return ""
}

// IsSystem tells whether the "submitted_by" of a job, or another user ID, is Alma itself or Ex Libris, so nobody to tell.
func IsSystem(id string) bool {
	switch strings.ToLower(id) {
	case "", "system", "exl_impl", "almaadmin":
		return true
	}
	return false
}
