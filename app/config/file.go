package config

import (
	"fmt"
	"maps"
	"os"
	"regexp"
)

// File is a configuration file that can be read again after a change. It is for one goroutine at a time.
type File struct {
	name  string
	env   Env
	kinds MakeKinds

	read contents // of the last Read
	last contents // of the last look at the files
}

// NewFile names a file; an empty name is the built-in configuration. kinds are the kinds of handlers that routes may use.
func NewFile(name string, env Env, kinds MakeKinds) *File {
	return &File{name: name, env: env, kinds: kinds}
}

// Read reads the file and the files that it names. The error joins all Problems.
func (f *File) Read() (*Config, error) {
	return f.check(func(Problem) bool { return false })
}

// ReadBroker is Read for commands that use only the broker. Sources and handlers may have errors and be incomplete in the
// Config, because only the service may be able to read their secrets.
func (f *File) ReadBroker() (*Config, error) {
	return f.check(func(p Problem) bool { return beyondBroker.MatchString(p.Path) })
}

var beyondBroker = regexp.MustCompile(`^(sources|alma|tls|redact_key|routes\.[^.]+\.(handler|where|enrich|redact))(_file)?($|[.[])`)

// ReadWorker is Read for a worker, which verifies no message. The secrets of sources may be missing, so that a worker needs none.
func (f *File) ReadWorker() (*Config, error) {
	return f.check(func(p Problem) bool { return senderSecrets.MatchString(p.Path) })
}

var senderSecrets = regexp.MustCompile(`^sources\.[^.]+\.secrets(_file)?($|[.[])`)

func (f *File) check(ignored func(Problem) bool) (*Config, error) {
	f.read = contents{}
	name, text, err := f.text(f.read)
	if err != nil {
		return nil, err
	}
	return check(name, text, f.env, f.kinds, f.read, ignored)
}

// text returns the content of the file, or the configuration inside the binary.
func (f *File) text(read contents) (name string, text []byte, err error) {
	if f.name == "" {
		return DefaultName, defaultText, nil
	}
	own, err := read.file(f.name)
	if err != nil {
		return "", nil, fmt.Errorf("configuration: %w", err)
	}
	return f.name, []byte(own), nil
}

// PrivateListen returns only the address of the private listener. It works also with errors elsewhere in the file, and without the right to
// read the secrets of a service.
func (f *File) PrivateListen() (string, error) {
	name, text, err := f.text(contents{})
	if err != nil {
		return "", err
	}
	doc, err := parse(name, text)
	if err != nil {
		return "", err
	}
	doc.expand(f.env, contents{})
	if node := child(doc.root, "private_listen"); node != nil && !doc.hasProblem("private_listen") {
		return node.Value, nil
	}
	return Defaults().PrivateListen, nil
}

// Changed tells whether the file, or a file that it named, has another content than at the last Read, and the same content as at the last
// call of Changed: a file that is still being written waits.
//
// It compares contents instead of watching the file system. So it works for every way to replace a file (a rename, Kubernetes' links, a
// mounted folder), and the broker's database may be in the same folder.
func (f *File) Changed() bool {
	now := contents{}
	for name := range f.read {
		_, _ = now.file(name)
	}
	settled := maps.Equal(now, f.last)
	f.last = now
	return settled && !maps.Equal(now, f.read)
}

// contents are the contents of files by name, or the error of an unreadable file.
type contents map[string]string

// maxFile is the largest file in bytes that is read: configurations, secrets and certificates are small.
const maxFile = 1 << 20

// file reads a file and adds its content. It does not add a pipe, because a pipe cannot be read again.
func (c contents) file(name string) (string, error) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		text, err := os.ReadFile(name)
		return string(text), err
	}
	var text []byte
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("%s has %d bytes; no more than %d are read", name, info.Size(), maxFile)
	}
	if err == nil {
		text, err = os.ReadFile(name)
	}
	c[name] = string(text)
	if err != nil {
		c[name] = err.Error()
	}
	return string(text), err
}
