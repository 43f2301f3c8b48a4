package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"
)

// soon is how long before its end a certificate should be renewed.
const soon = 14 * 24 * time.Hour

// address looks at what the URL says of itself, and at its certificate as Alma would: over the network, with the system's CAs.
func (w Webhook) address(ctx context.Context) []Finding {
	u, err := url.Parse(w.Target.URL)
	if err != nil {
		return []Finding{{Failed, LineURL, "the URL cannot be parsed; write it as https://host/webhooks/alma"}}
	}
	var found []Finding
	if ips, err := net.DefaultResolver.LookupIPAddr(ctx, u.Hostname()); err != nil {
		return []Finding{{Failed, LineURL, fmt.Sprintf("%s: no such host: %v", u.Hostname(), err)}}
	} else if private(ips) {
		found = append(found, Finding{Warning, LineURL, u.Hostname() + " is an address that only this network has: Alma cannot reach it. Give the public one with --url"})
	}
	if u.Scheme != "https" {
		return append(found, Finding{Warning, LineURL, "Alma wants https, with a certificate of a recognised CA: put a proxy in front, or set tls in the configuration, and give its URL with --url"})
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

// certificate checks the chain by what the server itself sends, which has to include the intermediates: Alma fetches none.
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
		return Finding{Failed, LineURL, "the certificate leads to no CA that is known here: serve it with its intermediates (fullchain.pem), from a recognised CA"}
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
