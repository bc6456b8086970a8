-- Times are microseconds since 1970 UTC, 0: never; durations are microseconds.
CREATE TABLE calls (
	id        TEXT PRIMARY KEY,
	caller    TEXT NOT NULL,
	name      TEXT NOT NULL,
	called    TEXT NOT NULL,
	bot       TEXT NOT NULL,
	started   INTEGER NOT NULL,
	answered  INTEGER NOT NULL,
	ended     INTEGER NOT NULL,
	cause     TEXT NOT NULL,
	error     TEXT NOT NULL,
	mood      REAL NOT NULL,
	recording TEXT NOT NULL,
	message   TEXT NOT NULL,
	rtp_sent      INTEGER NOT NULL,
	rtp_sent_late INTEGER NOT NULL,
	rtp_received  INTEGER NOT NULL,
	rtp_lost      INTEGER NOT NULL,
	rtp_late      INTEGER NOT NULL,
	rtp_duplicate INTEGER NOT NULL,
	rtp_dropped   INTEGER NOT NULL,
	rtp_bad       INTEGER NOT NULL,
	rtp_jitter    INTEGER NOT NULL
) STRICT;

CREATE INDEX calls_started ON calls (started);

CREATE TABLE turns (
	call_id TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
	n       INTEGER NOT NULL,
	at      INTEGER NOT NULL,
	who     TEXT NOT NULL,
	text    TEXT NOT NULL,
	intent  TEXT NOT NULL,
	score   REAL NOT NULL,
	outcome TEXT NOT NULL,
	step    TEXT NOT NULL,
	anger   REAL NOT NULL,
	gap            INTEGER NOT NULL,
	gap_decided    INTEGER NOT NULL,
	gap_recognised INTEGER NOT NULL,
	gap_meant      INTEGER NOT NULL,
	gap_spoken     INTEGER NOT NULL,
	PRIMARY KEY (call_id, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE handovers (
	call_id TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE,
	n       INTEGER NOT NULL,
	at      INTEGER NOT NULL,
	queue   TEXT NOT NULL,
	reason  TEXT NOT NULL,
	detail  TEXT NOT NULL,
	seat    TEXT NOT NULL,
	outcome TEXT NOT NULL,
	brief   TEXT NOT NULL,
	waited  INTEGER NOT NULL,
	to_seat INTEGER NOT NULL,
	tried   TEXT NOT NULL, -- a JSON array of strings
	PRIMARY KEY (call_id, n)
) STRICT, WITHOUT ROWID;
