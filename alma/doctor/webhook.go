package doctor

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/hookline/hookline/pkg/signature"
	"github.com/hookline/hookline/sender"
)

// Webhook is an integration profile of Alma: the receiver's URL and the secret.
type Webhook struct {
	Target   sender.Target
	Verifier *signature.Verifier
}

const (
	// almaWaits is how long Alma waits for an answer. After that it counts a 500 and sends the event again.
	almaWaits = 5 * time.Second
	// slow is the duration of an answer that deserves a warning.
	slow = time.Second
)

// Examine tests a receiver: its address, the challenge, an event signed as by Alma, two forged events, the duration of the answers, and
// its clock. The events have the action "hookline_doctor", so that only routes for everything ("#") handle them.
func (w Webhook) Examine(ctx context.Context) []Finding {
	found := w.address(ctx)
	challenge, err := sender.Challenge(ctx, w.Target)
	if err != nil {
		return append(found, Finding{Failed, LineActive, fmt.Sprintf("the challenge: %v. Alma would leave the profile at Pending activation", err)})
	}
	found = append(found, Finding{OK, LineActive, "the challenge is answered"})
	signed, more := w.signed(ctx)
	found = append(found, more...)
	found = append(found, w.forged(ctx)...)
	found = append(found, pace(max(challenge.Took, signed.Took)))
	remote, _ := http.ParseTime(challenge.Header.Get("Date")) // a proxy may leave it out
	return append(found, clock("the receiver's clock", LineURL, remote, time.Now())...)
}

// event returns an event that no route is meant for, in Alma's envelope.
func event() sender.Message {
	id := rand.Text()
	return sender.Message{ID: id, Header: http.Header{"Content-Type": {"application/json"}},
		Body: fmt.Appendf(nil, `{"id":%q,"action":"HOOKLINE_DOCTOR","institution":{"value":"hookline_doctor"},"time":%q}`, id, time.Now().UTC().Format(time.RFC3339))}
}

func (w Webhook) signed(ctx context.Context) (sender.Answer, []Finding) {
	answer, err := sender.Send(ctx, w.Target, event(), w.Verifier)
	switch {
	case err != nil:
		return answer, []Finding{{Failed, LineURL, fmt.Sprintf("a signed event: %v", err)}}
	case answer.Code == http.StatusUnauthorized:
		return answer, []Finding{{Failed, LineSecret, "an event signed with this configuration's secret is answered 401: the receiver has another secret, or a proxy changes the body. Alma never repeats an event after a 401"}}
	case answer.Code >= 400 && answer.Code < 500:
		return answer, []Finding{{Failed, LineURL, fmt.Sprintf("a signed event is answered %d: is this the receiver's path? Alma never repeats an event after such an answer", answer.Code)}}
	case answer.Code < 200 || answer.Code > 299:
		return answer, []Finding{{Failed, LineURL, fmt.Sprintf("a signed event is answered %d instead of 200: see the receiver's log and `hookline health`", answer.Code)}}
	}
	return answer, []Finding{
		{OK, LineSecret, "an event that is signed with this configuration's secret is accepted"},
		{OK, LineMessage, "JSON is accepted; so is XML, but where, notify and enrich read JSON only: choose JSON"},
	}
}

// wrongSignature has the length of a right one, so that the receiver compares it.
const wrongSignature = "wrong signature, yet of 32 bytes"

// forged sends two events that the receiver must refuse: with a wrong signature, and without one.
func (w Webhook) forged(ctx context.Context) (found []Finding) {
	wrong := event()
	wrong.Header.Set("X-Exl-Signature", base64.StdEncoding.EncodeToString([]byte(wrongSignature)))
	for _, c := range []struct {
		name string
		m    sender.Message
	}{{"a wrong signature", wrong}, {"no signature", event()}} {
		answer, err := sender.Send(ctx, w.Target, c.m, nil)
		switch {
		case err != nil:
			found = append(found, Finding{Failed, LineURL, fmt.Sprintf("an event with %s: %v", c.name, err)})
		case answer.Code >= 200 && answer.Code < 300:
			found = append(found, Finding{Failed, LineSecret, fmt.Sprintf("an event with %s is accepted: strangers could send anything. Does a proxy answer?", c.name)})
		default:
			found = append(found, Finding{OK, LineSecret, fmt.Sprintf("an event with %s is refused (%d)", c.name, answer.Code)})
		}
	}
	return found
}

func pace(took time.Duration) Finding {
	text := fmt.Sprintf("the slowest answer took %v; Alma waits %v", took.Round(time.Millisecond), almaWaits)
	switch {
	case took >= almaWaits:
		return Finding{Failed, LineURL, text + ": Alma would send the event again"}
	case took > slow:
		return Finding{Warning, LineURL, text + ": check the broker, the disk and the network in between"}
	}
	return Finding{OK, LineURL, text}
}

// soon is the time before the end of a certificate when its renewal is due.
const soon = 14 * 24 * time.Hour

// address checks the URL, and its certificate as Alma would: over the network, with the system's CAs.
func (w Webhook) address(ctx context.Context) []Finding {
	u, err := url.Parse(w.Target.URL)
	if err != nil {
		return []Finding{{Failed, LineURL, "the URL cannot be parsed; write it as https://host/webhooks/alma"}}
	}
	var found []Finding
	if ips, err := net.DefaultResolver.LookupIPAddr(ctx, u.Hostname()); err != nil {
		return []Finding{{Failed, LineURL, fmt.Sprintf("%s: no such host: %v", u.Hostname(), err)}}
	} else if private(ips) {
		found = append(found, Finding{Warning, LineURL, u.Hostname() + " is a private address, which Alma cannot reach. Give the public URL with --url"})
	}
	if u.Scheme != "https" {
		return append(found, Finding{Warning, LineURL, "Alma requires https, with a certificate of a recognised CA: put a proxy in front, or set tls in the configuration, and give its URL with --url"})
	}
	return append(found, w.certificate(ctx, u))
}

func private(ips []net.IPAddr) bool {
	for _, ip := range ips {
		if ip.IP.IsLoopback() || ip.IP.IsPrivate() || ip.IP.IsLinkLocalUnicast() {
			return true
		}
	}
	return false
}

// certificate checks the chain that the server sends. The chain must include the intermediates, because Alma fetches none.
func (w Webhook) certificate(ctx context.Context, u *url.URL) Finding {
	port := u.Port()
	if port == "" {
		port = "443"
	}
	conn, err := (&tls.Dialer{NetDialer: &net.Dialer{Timeout: almaWaits}}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	var unknown x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return Finding{Failed, LineURL, "the certificate is not from a recognised CA, or lacks its intermediates: serve the full chain (fullchain.pem)"}
	case errors.As(err, &wrongName):
		return Finding{Failed, LineURL, "the certificate is for another name than " + u.Hostname()}
	case errors.As(err, &invalid):
		return Finding{Failed, LineURL, fmt.Sprintf("the certificate: %v", invalid)}
	case err != nil:
		return Finding{Failed, LineURL, fmt.Sprintf("cannot be reached by TLS: %v", err)}
	}
	defer conn.Close()
	leaf := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	text := fmt.Sprintf("the certificate is good until %s, by %s", leaf.NotAfter.Format(time.DateOnly), leaf.Issuer.CommonName)
	if time.Until(leaf.NotAfter) < soon {
		return Finding{Warning, LineURL, text + ": renew it"}
	}
	return Finding{OK, LineURL, text}
}
