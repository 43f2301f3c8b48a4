// Package s3 stores files in a bucket of S3 or of a service with its protocol (MinIO, Ceph, Garage, Google Cloud
// Storage, Cloudflare R2, ...). An object appears whole or not at all.
package s3

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/hookline/hookline/pkg/setting"
	"github.com/hookline/hookline/pkg/store"
)

// Config is a bucket of S3, or of a service with its protocol.
type Config struct {
	// Endpoint is the service's URL.
	Endpoint string `yaml:"endpoint" schema:"default=https://s3.amazonaws.com"`
	// Region is the bucket's region. Default: the service tells it.
	Region string `yaml:"region"`
	// Bucket is the bucket, which must exist.
	Bucket string `yaml:"bucket" schema:"required"`
	// AccessKey is the ID of the access key.
	AccessKey string `yaml:"access_key" schema:"required"`
	// SecretKey is the key that signs requests.
	SecretKey setting.Secret `yaml:"secret_key" schema:"required"`
	// SessionToken belongs to temporary keys.
	SessionToken setting.Secret `yaml:"session_token"`
	// PathStyle puts the bucket into the path of requests instead of the host's name; most services other than Amazon's need it where the
	// endpoint is an address.
	PathStyle bool `yaml:"path_style"`
	// CA are PEM certificates that verify the service's. Default: the system's.
	CA string `yaml:"ca"`
	// Dir is the prefix of all keys, before a "/". Default: no prefix.
	Dir string `yaml:"dir"`
}

// partSize is the size of a part of a multipart upload, in bytes; one part is in memory. The maximum of 10,000 parts is 78 GiB.
const partSize = 8 << 20

// location is a bucket, and also the connection to it, with a pool of its own.
type location struct {
	client      minio.Core
	bucket, dir string
}

// New checks cfg. It connects to nothing.
func New(cfg Config) (store.Location, error) {
	endpoint, err := url.Parse(cfg.Endpoint)
	if cfg.Endpoint == "" {
		endpoint, err = url.Parse("https://s3.amazonaws.com")
	}
	var errs []error
	if err != nil || endpoint.Scheme != "http" && endpoint.Scheme != "https" || endpoint.Host == "" || strings.Trim(endpoint.Path, "/") != "" {
		errs = append(errs, errors.New("endpoint: must be https://host or http://host:port, without a path"))
	}
	if cfg.Bucket == "" || cfg.AccessKey == "" || cfg.SecretKey == "" {
		errs = append(errs, errors.New("bucket, access_key, secret_key: are required"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	lookup := minio.BucketLookupAuto
	if cfg.PathStyle {
		lookup = minio.BucketLookupPath
	}
	transport, err := minio.DefaultTransport(endpoint.Scheme == "https")
	if err != nil {
		return nil, err
	}
	transport.ResponseHeaderTimeout = 5 * time.Minute // a service needs time to join many parts
	if cfg.CA != "" {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM([]byte(cfg.CA)) {
			return nil, errors.New("ca: holds no PEM certificate")
		}
	}
	client, err := minio.NewCore(endpoint.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(cfg.AccessKey, string(cfg.SecretKey), string(cfg.SessionToken)),
		Secure: endpoint.Scheme == "https", Region: cfg.Region, BucketLookup: lookup, Transport: transport,
	})
	if err != nil {
		return nil, err
	}
	return &location{*client, cfg.Bucket, strings.Trim(cfg.Dir, "/")}, nil
}

// Connect returns p itself, because requests connect by themselves.
func (p *location) Connect(context.Context) (store.Conn, error) { return p, nil }

func (p *location) Close() error { return nil }

func (p *location) key(name string) string { return strings.TrimPrefix(path.Join(p.dir, name), "/") }

func (p *location) List(ctx context.Context, dir string) (names []string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing if the caller leaves early
	prefix := p.key(dir)
	if prefix != "" {
		prefix += "/"
	}
	for object := range p.client.Client.ListObjects(ctx, p.bucket, minio.ListObjectsOptions{Prefix: prefix}) {
		if object.Err != nil {
			return nil, classify(object.Err)
		}
		if base := strings.TrimPrefix(object.Key, prefix); base != "" && !strings.Contains(base, "/") {
			names = append(names, path.Join(dir, base))
		}
	}
	return names, nil
}

func (p *location) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	body, _, _, err := p.client.GetObject(ctx, p.bucket, p.key(name), minio.GetObjectOptions{})
	return body, classify(err)
}

func (p *location) Has(ctx context.Context, name string) (bool, error) {
	_, err := p.client.StatObject(ctx, p.bucket, p.key(name), minio.StatObjectOptions{})
	if err = classify(err); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Put sends a file shorter than a part in one request, and a longer one in parts, one of them in memory at a time.
func (p *location) Put(ctx context.Context, name string, content io.Reader) error {
	content = store.Reader(ctx, content)
	head, err := io.ReadAll(io.LimitReader(content, partSize))
	if err != nil {
		return err
	}
	size := int64(len(head))
	content = io.MultiReader(bytes.NewReader(head), content)
	if size == partSize {
		size = -1 // unknown
	} else {
		content = bytes.NewReader(head) // a reader that can be sent again
	}
	_, err = p.client.Client.PutObject(ctx, p.bucket, p.key(name), content, size, minio.PutObjectOptions{
		PartSize: partSize, DisableContentSha256: size == 0, // the signed form of an empty body has no length
	})
	return classify(err)
}

// classify adds fs.ErrNotExist or store.ErrRefused to the error of a service.
func classify(err error) error {
	if err == nil {
		return nil
	}
	switch answer := minio.ToErrorResponse(err); answer.Code {
	case "NoSuchKey":
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case "NoSuchBucket", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidBucketName", "AllAccessDisabled":
		return fmt.Errorf("%w: %w; check bucket, access_key, secret_key and their permissions", store.ErrRefused, err)
	}
	return err
}
