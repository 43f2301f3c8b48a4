package embedded

import (
	"context"
	"database/sql"
	"fmt"
)

const (
	// applicationID marks a database as ours: "Hook" in ASCII.
	applicationID = 0x486f6f6b
	// version is that of the schema.
	version = 1
)

// schema is made in one transaction. The primary key of delivery is the order in which everything is read. The
// one row of process is only there to be written: see probe.
const schema = `
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

// checkOurs tells whether the database is a line of a version that we know, or still empty. It changes nothing.
func checkOurs(ctx context.Context, db *sql.DB) (empty bool, err error) {
	var id, v, objects int64
	err = db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&id, &v, &objects)
	switch {
	case err != nil:
		return false, explain(err)
	case id == 0 && v == 0 && objects == 0:
		return true, nil
	case id != applicationID:
		return false, fmt.Errorf("is a database of another program (application ID %#x); it was left as it is. Choose another file", id)
	case v != version:
		return false, fmt.Errorf("has version %d of the format, and this program knows version %d: run the Hookline that wrote it", v, version)
	}
	return false, nil
}

// create makes the schema, whole or not at all.
func create(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", schema, applicationID, version))
	return explain(err)
}

// checkWhole reads the whole database and tells whether it is damaged.
func checkWhole(ctx context.Context, db *sql.DB) error {
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return explain(err)
	}
	if found != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, found)
	}
	return nil
}
