package alma

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
)

// User returns a person's data; id may be any of the person's identifiers.
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

// User is the part of a person's record that messages need.
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

// Contact holds a person's phone numbers and addresses; each part may be missing.
type Contact struct {
	Phones []Phone `json:"phone"`
	Emails []Email `json:"email"`
}

// Phone is a phone number as somebody typed it.
type Phone struct {
	Number string `json:"phone_number"`
	// SMS marks the one number for text messages; null and absent are false.
	SMS bool `json:"preferred_sms"`
}

// Email is an e-mail address; one of a person's addresses is preferred.
type Email struct {
	Address   string `json:"email_address"`
	Preferred bool   `json:"preferred"`
}

// SMS returns the phone number for text messages; empty if there is none. It ignores the preferred phone, which
// may be a landline.
func (u User) SMS() string {
	for _, p := range u.Contact.Phones {
		if p.SMS {
			return strings.TrimSpace(p.Number)
		}
	}
	return ""
}

// Email returns the preferred address; empty if there is none.
func (u User) Email() string {
	for _, e := range u.Contact.Emails {
		if e.Preferred {
			return strings.TrimSpace(e.Address)
		}
	}
	return ""
}

// IsSystem reports whether a user ID, such as the "submitted_by" of a job, is Alma itself or Ex Libris.
func IsSystem(id string) bool {
	switch strings.ToLower(id) {
	case "", "system", "exl_impl", "almaadmin":
		return true
	}
	return false
}
