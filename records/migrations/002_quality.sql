-- How the audio of a call sounded. The round trip is in microseconds; mean opinion scores are 1 to 4.5, 0: not known.
ALTER TABLE calls ADD COLUMN rtp_round_trip INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN rtp_mos REAL NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN rtp_worst_mos REAL NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN rtp_far_mos REAL NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN rtp_crypto TEXT NOT NULL DEFAULT '';
