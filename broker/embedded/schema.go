package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

const (
	// applicationID marks a database as Hookline's: "Hook" in ASCII.
	applicationID = 0x486f6f6b
	// version of the schema: the number of its steps.
	version = 7
)

// steps returns the steps that upgrade the schema by one version each. A released step never changes.
func steps() [version]string {
	return [...]string{firstStep, countSources, rememberEvents, keepDeliveriesTrue, indexUndelivered, addChecksums, addPauses}
}

// The primary key of delivery is the order of every read.
const firstStep = `
CREATE TABLE event (
	seq          INTEGER PRIMARY KEY,
	id           TEXT NOT NULL,
	source       TEXT NOT NULL,
	action       TEXT NOT NULL,
	time         INTEGER NOT NULL,
	content_type TEXT NOT NULL,
	header       TEXT NOT NULL,
	data         BLOB NOT NULL
) STRICT;
CREATE TABLE delivery (
	state       TEXT NOT NULL,
	route       TEXT NOT NULL,
	at          INTEGER NOT NULL,
	seq         INTEGER NOT NULL,
	attempts    INTEGER NOT NULL DEFAULT 0,
	reason      TEXT NOT NULL DEFAULT '',
	first_error TEXT NOT NULL DEFAULT '',
	last_error  TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (state, route, at, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_event ON delivery (seq);
CREATE TABLE tally (
	route TEXT NOT NULL,
	what  TEXT NOT NULL,
	n     INTEGER NOT NULL,
	PRIMARY KEY (route, what)
) STRICT, WITHOUT ROWID;
CREATE TABLE process (running INTEGER NOT NULL) STRICT;
INSERT INTO process VALUES (0);
CREATE VIEW look AS
	SELECT state, route, seq, attempts, reason, first_error, last_error,
		CASE at WHEN 0 THEN '' ELSE datetime(at / 1000, 'unixepoch') END AS at,
		id, source, action, datetime(time / 1000, 'unixepoch') AS time, content_type, header, data
	FROM delivery JOIN event USING (seq);`

const countSources = `
CREATE TABLE source_tally (
	source TEXT NOT NULL,
	what   TEXT NOT NULL,
	n      INTEGER NOT NULL,
	PRIMARY KEY (source, what)
) STRICT, WITHOUT ROWID;
ALTER TABLE process RENAME TO counting;
ALTER TABLE counting RENAME COLUMN running TO since;
UPDATE counting SET since = CAST(unixepoch('subsec') * 1000 AS INTEGER);`

// A row of seen has the fingerprints of a batch; see writeFingerprints.
const rememberEvents = `
CREATE TABLE seen (
	at    INTEGER NOT NULL,
	marks BLOB NOT NULL
) STRICT;`

// A deleted event deletes its deliveries, also if a person deletes it. So an audit need not read events, which are thirty times as large.
const keepDeliveriesTrue = `
DELETE FROM delivery WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.seq = delivery.seq);
CREATE TRIGGER event_gone AFTER DELETE ON event BEGIN
	DELETE FROM delivery WHERE seq = OLD.seq;
END;`

// The index has the undelivered events only, so that it costs nothing for events on their way.
const indexUndelivered = `
ALTER TABLE delivery ADD COLUMN event_id TEXT NOT NULL DEFAULT '';
UPDATE delivery SET event_id = (SELECT id FROM event WHERE event.seq = delivery.seq) WHERE state IN ('dead', 'unrouted');
CREATE INDEX delivery_undelivered ON delivery (route, event_id) WHERE event_id <> '';`

// An event of before has the checksum -1; see checksum.go.
const addChecksums = `
ALTER TABLE event ADD COLUMN checksum INTEGER NOT NULL DEFAULT -1;`

const addPauses = `
CREATE TABLE pause (
	route  TEXT PRIMARY KEY,
	person TEXT NOT NULL,
	why    TEXT NOT NULL,
	since  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;`

// schemaVersion returns the version of the schema in the database, and 0 for an empty database. It changes nothing.
func schemaVersion(ctx context.Context, db *sql.DB) (v int, err error) {
	var id, objects int64
	err = db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&id, &v, &objects)
	switch {
	case err != nil:
		return 0, explain(err)
	case id == 0 && v == 0 && objects == 0:
		return 0, nil
	case id != applicationID:
		return 0, fmt.Errorf("is a database of another program (application ID %#x); it was left unchanged. Choose another file", id)
	case v > version:
		return 0, fmt.Errorf("has version %d of the format, and this program knows version %d: run the Hookline that wrote it", v, version)
	}
	return v, nil
}

// upgrade upgrades the schema from a version to the current one in one transaction.
func upgrade(ctx context.Context, conn *sql.Conn, from int) error {
	all := steps()
	_, err := conn.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		strings.Join(all[from:], ""), applicationID, version))
	return explain(err)
}
