package transfer

import (
	"errors"
	"fmt"

	"github.com/hookline/hookline/pkg/store"
	"github.com/hookline/hookline/pkg/store/dropbox"
	"github.com/hookline/hookline/pkg/store/ftp"
	"github.com/hookline/hookline/pkg/store/local"
	"github.com/hookline/hookline/pkg/store/rclone"
	"github.com/hookline/hookline/pkg/store/s3"
	"github.com/hookline/hookline/pkg/store/sftp"
	"github.com/hookline/hookline/pkg/store/webdav"
)

// Location is where files are fetched from or delivered to: exactly one of its keys.
type Location struct {
	// Local is a folder of this machine.
	Local *local.Config `yaml:"local"`
	// SFTP is an SFTP server.
	SFTP *sftp.Config `yaml:"sftp"`
	// FTP is an FTP server.
	FTP *ftp.Config `yaml:"ftp"`
	// WebDAV is a WebDAV server, such as Nextcloud.
	WebDAV *webdav.Config `yaml:"webdav"`
	// S3 is a bucket of S3, or of a service with its protocol.
	S3 *s3.Config `yaml:"s3"`
	// Dropbox is a Dropbox.
	Dropbox *dropbox.Config `yaml:"dropbox"`
	// Rclone is any location that an installed rclone knows.
	Rclone *rclone.Config `yaml:"rclone"`

	_ struct{} `schema:"minProperties=1; maxProperties=1"`
}

func (p Location) build(env []string) (store.Location, error) {
	var locations []store.Location
	var errs []error
	add := func(kind string) func(store.Location, error) {
		return func(location store.Location, err error) {
			locations = append(locations, location)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", kind, err))
			}
		}
	}
	if p.Local != nil {
		add("local")(local.New(*p.Local))
	}
	if p.SFTP != nil {
		add("sftp")(sftp.New(*p.SFTP))
	}
	if p.FTP != nil {
		add("ftp")(ftp.New(*p.FTP))
	}
	if p.WebDAV != nil {
		add("webdav")(webdav.New(*p.WebDAV))
	}
	if p.S3 != nil {
		add("s3")(s3.New(*p.S3))
	}
	if p.Dropbox != nil {
		add("dropbox")(dropbox.New(*p.Dropbox))
	}
	if p.Rclone != nil {
		add("rclone")(rclone.New(*p.Rclone, env))
	}
	if len(locations) != 1 {
		return nil, errors.New("needs exactly one of local, sftp, ftp, webdav, s3, dropbox, rclone")
	}
	return locations[0], errors.Join(errs...)
}
