PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
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
INSERT INTO event VALUES(2,'1','alma','job_end',1700000000000,'application/json','',X'7b7d');
INSERT INTO event VALUES(4,'3','alma','job_end',1700000000000,'application/json','',X'7b7d');
INSERT INTO event VALUES(5,'4','alma','job_end',1700000000000,'application/json','',X'7b7d');
INSERT INTO event VALUES(6,'5','github','job_end',1700000000000,'application/json','',X'7b7d');
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
INSERT INTO delivery VALUES('dead','archive',1795310189896,2,1,'permanent','never','never');
INSERT INTO delivery VALUES('unrouted','',0,6,0,'','','');
INSERT INTO delivery VALUES('work','archive',0,5,0,'','','');
INSERT INTO delivery VALUES('work','archive',4948910189897,4,1,'error','not yet','not yet');
CREATE TABLE tally (
	route TEXT NOT NULL,
	what  TEXT NOT NULL,
	n     INTEGER NOT NULL,
	PRIMARY KEY (route, what)
) STRICT, WITHOUT ROWID;
INSERT INTO tally VALUES('','stored',1);
INSERT INTO tally VALUES('archive','discarded',1);
INSERT INTO tally VALUES('archive','done',1);
INSERT INTO tally VALUES('archive','stored',5);
CREATE TABLE process (running INTEGER NOT NULL) STRICT;
INSERT INTO process VALUES(0);
CREATE INDEX delivery_event ON delivery (seq);
CREATE VIEW look AS
	SELECT state, route, seq, attempts, reason, first_error, last_error,
		CASE at WHEN 0 THEN '' ELSE datetime(at / 1000, 'unixepoch') END AS at,
		id, source, action, datetime(time / 1000, 'unixepoch') AS time, content_type, header, data
	FROM delivery JOIN event USING (seq);
COMMIT;
PRAGMA application_id = 1215262571;
PRAGMA user_version = 1;
