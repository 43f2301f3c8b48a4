package test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const reloadConfig = `
listen: "127.0.0.1:0"
private_listen: "127.0.0.1:0"
sources: { alma: { preset: alma, secrets: "SECRET" } }
routes: { archive: { match: "#", handler: { kind: file, dir: export } } }
`

func withSecret(secret string) string {
	return strings.Replace(reloadConfig, "SECRET", secret+"-test-secret", 1)
}

// replace renames a new file over the old file, as most editors do.
func (f folder) replace(t *testing.T, name, text string) {
	t.Helper()
	f.write(t, name+".new", text)
	if err := os.Rename(filepath.Join(f.dir, name+".new"), filepath.Join(f.dir, name)); err != nil {
		t.Fatal(err)
	}
}

// sends sends an event signed with the secret and returns the status of the answer.
func (f folder) sends(t *testing.T, p *process, secret string) string {
	t.Helper()
	f.write(t, "sender.yml", withSecret(secret))
	sent := f.run(t, "--config", "sender.yml", "send", "alma", "job_end", "--url", "http://"+p.listen)
	code, _, _ := strings.Cut(sent.stdout, " ")
	return code
}

func (p *process) hangup(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

func TestASecretIsRotatedWithoutARestart(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.write(t, "hookline.yml", withSecret("first"))
	p := f.start(t, "run")
	f.replace(t, "hookline.yml", withSecret("second")) // noticed by itself
	p.log(t, "configuration reloaded")
	if old, fresh := f.sends(t, p, "first"), f.sends(t, p, "second"); old != "401" || fresh != "200" {
		t.Errorf("after the file has changed the old secret is answered %s, the new one %s", old, fresh)
	}

	f.replace(t, "hookline.yml", "sources: { alma: { preset: almma } }\nroutes: {}\nlisten: nowhere\n")
	p.hangup(t)
	line := p.log(t, "configuration refused; the previous one stays in force")
	if text, _ := line["error"].(string); !strings.Contains(text, "hookline.yml:1:28: sources.alma.preset") || !strings.Contains(text, "hookline.yml:2:9: routes") || line["level"] != "error" {
		t.Errorf("logged %v", line)
	}
	for _, want := range []string{`hookline_config_reloads_total{result="refused"} `, "hookline_config_last_reload_success 0"} {
		if !strings.Contains(p.metrics(t), want) {
			t.Errorf("no %s", want)
		}
	}
	if code := f.sends(t, p, "second"); code != "200" {
		t.Errorf("with a bad file the secret in force is answered %s", code)
	}

	f.replace(t, "hookline.yml", strings.Replace(withSecret("third"), "match: \"#\"", "match: \"alma.#\"", 1)+"grace: 7s\n")
	p.hangup(t)
	if line := p.log(t, "configuration reloaded; some changes need a restart"); fmt.Sprint(line["restart_for"]) != "[grace routes.archive]" {
		t.Errorf("logged %v", line)
	}
	if code := f.sends(t, p, "third"); code != "200" || !strings.Contains(p.metrics(t), "hookline_config_last_reload_success 1") {
		t.Errorf("after the file was mended: %s", code)
	}

	f.replace(t, "hookline.yml", withSecret("fourth")+"redact_key: 0123456789abcdef0123456789abcdef\n")
	p.hangup(t)
	line = p.log(t, "configuration refused; the previous one stays in force")
	if text, _ := line["error"].(string); !strings.Contains(text, "redact_key") || strings.Contains(text, "0123") {
		t.Errorf("logged %v", line)
	}
	if code := f.sends(t, p, "third"); code != "200" {
		t.Errorf("with another redact_key the secret in force is answered %s", code)
	}
	if code := p.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Kubernetes mounts secrets as links to files in ..data. It replaces ..data, which is a link, too.
func TestASecretInAKubernetesVolumeIsRotated(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	volume := func(version string) {
		for _, err := range []error{
			os.MkdirAll(filepath.Join(f.dir, "volume", "..v-"+version), 0o700),
			os.WriteFile(filepath.Join(f.dir, "volume", "..v-"+version, "alma"), []byte(version+"-test-secret"), 0o600),
			os.Symlink("..v-"+version, filepath.Join(f.dir, "volume", "..fresh")),
			os.Rename(filepath.Join(f.dir, "volume", "..fresh"), filepath.Join(f.dir, "volume", "..data")),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	volume("first")
	if err := os.Symlink("..data/alma", filepath.Join(f.dir, "volume", "alma")); err != nil {
		t.Fatal(err)
	}
	f.write(t, "hookline.yml", strings.Replace(reloadConfig, `secrets: "SECRET"`, "secrets_file: volume/alma", 1))
	p := f.start(t, "run")
	volume("second")
	p.log(t, "configuration reloaded")
	if old, fresh := f.sends(t, p, "first"), f.sends(t, p, "second"); old != "401" || fresh != "200" {
		t.Errorf("the old secret is answered %s, the new one %s", old, fresh)
	}
}

func TestARenewedCertificateIsTakenWithoutARestart(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	renew := func(name string) (ca string) {
		cert, key := newCertificate(t, name)
		f.replace(t, "cert.pem", cert)
		f.replace(t, "key.pem", key)
		return cert
	}
	first := renew("first")
	f.write(t, "hookline.yml", withSecret("first")+"tls: { cert_file: cert.pem, key_file: key.pem }\n")
	p := f.start(t, "run")
	client := httpsClient(t, first)
	if name := client.challenge(t, p); name != "first" {
		t.Errorf("the certificate is %s's", name)
	}
	f.write(t, "key.pem", "nonsense")
	p.hangup(t)
	p.log(t, "configuration refused; the previous one stays in force")
	second := renew("second")
	p.log(t, "configuration reloaded")
	if name := httpsClient(t, second).challenge(t, p); name != "second" {
		t.Errorf("after the renewal the certificate is %s's", name)
	}
	if name := client.challenge(t, p); name != "first" {
		t.Errorf("a connection that was open shows %s", name)
	}
}

// https returns a client that trusts one certificate and keeps its connection.
type https struct{ *http.Client }

func httpsClient(t *testing.T, ca string) https {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(ca)) {
		t.Fatal("no certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return https{&http.Client{Transport: transport, Timeout: patience}}
}

// challenge makes Alma's handshake and returns the name in the server's certificate.
func (c https) challenge(t *testing.T, p *process) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+p.listen+"/webhooks/alma?challenge=x", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || string(body) != `{"challenge":"x"}` {
		t.Errorf("answered %s, %v", body, err)
	}
	return answer.TLS.PeerCertificates[0].Subject.CommonName
}

func TestAHangupWithoutAConfigurationFileKeepsRunning(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	p := f.start(t, "run")
	p.hangup(t)
	p.log(t, "configuration reloaded")
	if sent := f.run(t, "send", "alma", "job_end", "--url", "http://"+p.listen); sent.code != 0 {
		t.Errorf("%+v", sent)
	}
}
