package jobs

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

const (
	// applicationID marks the database as that of Hookline's console: "HkCo" in ASCII.
	applicationID = 0x486b436f
	// version of the schema: the number of its steps.
	version = 1
)

// steps returns the steps that upgrade the schema by one version each. A released step never changes.
func steps() [version]string { return [...]string{firstStep} }

// A plan is a job of the state planned. tally counts the targets of each state, so that no request counts them one by one, and so that the
// numbers add up. Nobody can change act and act_result through SQL.
const firstStep = `
CREATE TABLE job (
	id           INTEGER PRIMARY KEY AUTOINCREMENT,
	state        TEXT NOT NULL,
	action       TEXT NOT NULL,
	plan         TEXT NOT NULL,
	made         INTEGER NOT NULL,
	started      INTEGER NOT NULL DEFAULT 0,
	changed      INTEGER NOT NULL DEFAULT 0,
	ended        INTEGER NOT NULL DEFAULT 0,
	by           TEXT NOT NULL DEFAULT '',
	why          TEXT NOT NULL DEFAULT '',
	rate         REAL NOT NULL DEFAULT 0,
	proof        INTEGER NOT NULL DEFAULT 0,
	result       TEXT NOT NULL DEFAULT '',
	problem      TEXT NOT NULL DEFAULT '',
	joined       INTEGER NOT NULL DEFAULT 0,
	new_failures INTEGER NOT NULL DEFAULT 0,
	new_failure  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX job_state ON job (state);
CREATE TABLE target (
	job         INTEGER NOT NULL,
	n           INTEGER NOT NULL,
	route       TEXT NOT NULL,
	source      TEXT NOT NULL,
	action      TEXT NOT NULL,
	event_id    TEXT NOT NULL,
	time        INTEGER NOT NULL,
	fingerprint BLOB NOT NULL,
	before      INTEGER NOT NULL,
	attempts    INTEGER NOT NULL,
	state       TEXT NOT NULL DEFAULT 'left',
	why         TEXT NOT NULL DEFAULT '',
	taken       INTEGER NOT NULL DEFAULT 0,
	changed     INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (job, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX target_state ON target (job, state, n);
CREATE INDEX target_event ON target (fingerprint, time);
CREATE INDEX target_changed ON target (job, changed, n) WHERE changed > 0;
CREATE TABLE tally (
	job   INTEGER NOT NULL,
	state TEXT NOT NULL,
	n     INTEGER NOT NULL,
	PRIMARY KEY (job, state)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER target_made AFTER INSERT ON target BEGIN
	INSERT INTO tally VALUES (NEW.job, NEW.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER target_moved AFTER UPDATE OF state ON target WHEN OLD.state <> NEW.state BEGIN
	UPDATE tally SET n = n - 1 WHERE job = OLD.job AND state = OLD.state;
	INSERT INTO tally VALUES (NEW.job, NEW.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TABLE act (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	at        INTEGER NOT NULL,
	who       TEXT NOT NULL,
	what      TEXT NOT NULL,
	subject   TEXT NOT NULL,
	selection TEXT NOT NULL,
	count     INTEGER NOT NULL,
	why       TEXT NOT NULL,
	job       INTEGER NOT NULL
) STRICT;
CREATE TABLE act_result (
	act    INTEGER PRIMARY KEY,
	at     INTEGER NOT NULL,
	result TEXT NOT NULL
) STRICT;
CREATE TRIGGER act_kept BEFORE UPDATE ON act BEGIN SELECT RAISE(ABORT, 'who did what is never changed'); END;
CREATE TRIGGER act_stays BEFORE DELETE ON act BEGIN SELECT RAISE(ABORT, 'who did what is never changed'); END;
CREATE TRIGGER act_result_kept BEFORE UPDATE ON act_result BEGIN SELECT RAISE(ABORT, 'who did what is never changed'); END;
CREATE TRIGGER act_result_stays BEFORE DELETE ON act_result BEGIN SELECT RAISE(ABORT, 'who did what is never changed'); END;`

// upgrade checks that the database is the console's, and upgrades its schema in one transaction.
func upgrade(ctx context.Context, tx *sql.Tx) error {
	var id, objects int64
	var found int
	err := tx.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&id, &found, &objects)
	switch {
	case err != nil:
		return err
	case id != applicationID && (id != 0 || found != 0 || objects != 0):
		return fmt.Errorf("is a database of another program (application ID %#x); it was left unchanged. Choose another folder", id)
	case found > version:
		return fmt.Errorf("has version %d of the format, and this program knows version %d: run the Hookline that wrote it", found, version)
	case found == version:
		return nil
	}
	all := steps()
	_, err = tx.ExecContext(ctx, fmt.Sprintf("%s PRAGMA application_id = %d; PRAGMA user_version = %d",
		strings.Join(all[found:], ""), applicationID, version))
	return err
}
