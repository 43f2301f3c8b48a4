package alma

import "net/http"

// Through makes c's requests go through t.
func (c *Client) Through(t http.RoundTripper) { c.http.Transport = t }
