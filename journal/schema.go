package journal

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

const (
	// applicationID marks a database as a journal: "Hjnl" in ASCII.
	applicationID = 0x486a6e6c
	// version of the schema: the number of its steps.
	version = 3
)

// steps returns the steps that upgrade the schema by one version each. A released step never changes.
func steps() [version]string { return [...]string{firstStep, rejectedStep, dropIndexes} }

// Texts that repeat are stored once, as names. An event has a row even if only an attempt of it is known: its size is then -1.
// The index of times finds an event by its key, because few events have one time; it grows at its end only. The start of an attempt
// counts from the event's time, and its next from its start, because small numbers take fewer bytes.
const firstStep = `
CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO name VALUES (0, '');
CREATE TABLE event (
	seq          INTEGER PRIMARY KEY,
	id           TEXT NOT NULL,
	source       INTEGER NOT NULL,
	action       INTEGER NOT NULL,
	time         INTEGER NOT NULL,
	state        INTEGER NOT NULL,
	attempts     INTEGER NOT NULL,
	size         INTEGER NOT NULL,
	content_type INTEGER NOT NULL,
	secret       INTEGER NOT NULL,
	process      INTEGER NOT NULL
) STRICT;
CREATE INDEX event_time ON event (time);
CREATE INDEX event_source ON event (source);
CREATE INDEX event_action ON event (action);
CREATE INDEX event_state ON event (state) WHERE state > 0;
CREATE TABLE body (
	seq        INTEGER PRIMARY KEY,
	dictionary INTEGER NOT NULL,
	data       BLOB NOT NULL
) STRICT;
CREATE TABLE dictionary (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE attempt (
	seq      INTEGER NOT NULL,
	n        INTEGER NOT NULL,
	route    INTEGER NOT NULL,
	number   INTEGER NOT NULL,
	start    INTEGER NOT NULL,
	duration INTEGER NOT NULL,
	outcome  INTEGER NOT NULL,
	reason   INTEGER NOT NULL,
	process  INTEGER NOT NULL,
	next     INTEGER NOT NULL,
	error    TEXT NOT NULL,
	PRIMARY KEY (seq, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE delivery (
	route   INTEGER NOT NULL,
	seq     INTEGER NOT NULL,
	state   INTEGER NOT NULL,
	pattern INTEGER NOT NULL,
	PRIMARY KEY (route, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_state ON delivery (route, state, seq) WHERE state > 0;
CREATE INDEX delivery_pattern ON delivery (pattern, seq) WHERE pattern > 0;
CREATE TABLE pattern (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO pattern VALUES (0, '');
CREATE TABLE failure (
	route       INTEGER NOT NULL,
	pattern     INTEGER NOT NULL,
	source      INTEGER NOT NULL,
	action      INTEGER NOT NULL,
	failing     INTEGER NOT NULL,
	dead        INTEGER NOT NULL,
	joined      INTEGER NOT NULL,
	first       INTEGER NOT NULL,
	last        INTEGER NOT NULL,
	last_joined INTEGER NOT NULL,
	reason      INTEGER NOT NULL,
	sample      INTEGER NOT NULL,
	error       TEXT NOT NULL,
	PRIMARY KEY (route, pattern, source, action)
) STRICT, WITHOUT ROWID;
CREATE TABLE hour (
	hour    INTEGER NOT NULL,
	source  INTEGER NOT NULL,
	route   INTEGER NOT NULL,
	outcome INTEGER NOT NULL,
	n       INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	PRIMARY KEY (hour, source, route, outcome)
) STRICT, WITHOUT ROWID;
CREATE TABLE minute (minute INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
CREATE TABLE process (name INTEGER PRIMARY KEY, number INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE gap (
	seq     INTEGER PRIMARY KEY,
	process INTEGER NOT NULL,
	why     TEXT NOT NULL,
	first   INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	lost    INTEGER NOT NULL
) STRICT;
CREATE TABLE progress (stream INTEGER NOT NULL, direct INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
INSERT INTO progress VALUES (-1, 0, 0);
CREATE VIRTUAL TABLE text USING fts5 (id, key, body, error, content='', contentless_delete=1, detail=column,
	tokenize='unicode61 remove_diacritics 2');`

// The full-text index finds the events of a source or an action: see exactWord. It merges eight parts at a time, because merging four at a
// time, as FTS5 does by itself, was a quarter of all work.
const dropIndexes = `
DROP INDEX IF EXISTS event_source;
DROP INDEX IF EXISTS event_action;
INSERT INTO text (text, rank) VALUES ('automerge', 8);`

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
		return 0, fmt.Errorf("%w: it is a database of another program (application ID %#x), and was left unchanged. Choose another folder", ErrForeign, id)
	case v > version:
		return 0, fmt.Errorf("%w: it has version %d of the format, and this program knows version %d. "+
			"Run the Hookline that wrote it, or move the file away to begin an empty journal", ErrForeign, v, version)
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
