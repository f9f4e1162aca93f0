-- The ledger's sums, so that a look at them does not read all of it.
SET LOCAL ROLE atelier_owner;

CREATE TABLE store.tally (
	kind ledger.kind NOT NULL,
	unit ledger.unit NOT NULL,
	amount bigint NOT NULL,
	count bigint NOT NULL,
	PRIMARY KEY (kind, unit)
);

-- One row. The ledger's rows up to folded_id are in store.tally. mark_id is the next to get there: rows below it may
-- not be committed yet, until every transaction before mark_xid has ended.
CREATE TABLE store.tally_cursor (
	folded_id bigint NOT NULL DEFAULT 0,
	mark_id bigint NOT NULL DEFAULT 0,
	mark_xid xid8 NOT NULL DEFAULT '0',
	CHECK (mark_id >= folded_id)
);
CREATE UNIQUE INDEX tally_cursor_one ON store.tally_cursor ((true));
INSERT INTO store.tally_cursor DEFAULT VALUES;
RESET ROLE;
