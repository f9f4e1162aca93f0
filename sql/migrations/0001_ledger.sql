-- Roles, schemas, and the ledger: one immutable row for every movement of money. Run in one
-- transaction by `atelierctl migrate`, as a superuser or as the database's owner with CREATEROLE.

-- Roles belong to the cluster, so they may be there already. No passwords: pg_hba decides who may
-- log in.
DO $$
DECLARE
	v_role text;
BEGIN
	FOREACH v_role IN ARRAY ARRAY['atelier_owner', 'atelier_responder', 'atelier_dispatcher',
		'atelier_ctl']
	LOOP
		IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = v_role) THEN
			EXECUTE format('CREATE ROLE %I %s', v_role,
				CASE v_role WHEN 'atelier_owner' THEN 'NOLOGIN' ELSE 'LOGIN' END);
		END IF;
	END LOOP;
	IF NOT pg_has_role(current_user, 'atelier_owner', 'USAGE') THEN
		EXECUTE format('GRANT atelier_owner TO %I', current_user);
	END IF;
	EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
	EXECUTE format('GRANT CONNECT ON DATABASE %I TO atelier_responder, atelier_dispatcher, '
		'atelier_ctl', current_database());
	-- A client that hangs in a transaction would hold its people's rows and every vacuum.
	EXECUTE format('ALTER ROLE atelier_responder IN DATABASE %I SET statement_timeout = ''5s''',
		current_database());
	EXECUTE format('ALTER ROLE atelier_dispatcher IN DATABASE %I SET statement_timeout = ''15s''',
		current_database());
	FOREACH v_role IN ARRAY ARRAY['atelier_responder', 'atelier_dispatcher']
	LOOP
		EXECUTE format('ALTER ROLE %I IN DATABASE %I SET idle_in_transaction_session_timeout = '
			'''10s''', v_role, current_database());
	END LOOP;
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA ledger AUTHORIZATION atelier_owner;
CREATE SCHEMA store AUTHORIZATION atelier_owner;
CREATE SCHEMA report AUTHORIZATION atelier_owner;
CREATE SCHEMA responder AUTHORIZATION atelier_owner;
CREATE SCHEMA dispatcher AUTHORIZATION atelier_owner;
CREATE SCHEMA ctl AUTHORIZATION atelier_owner;

SET LOCAL ROLE atelier_owner;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
GRANT USAGE ON SCHEMA responder TO atelier_responder;
GRANT USAGE ON SCHEMA dispatcher TO atelier_dispatcher;
GRANT USAGE ON SCHEMA ctl, report TO atelier_ctl;

-- What `atelierctl migrate` has applied. A changed checksum of an applied file is refused.
CREATE TABLE store.migration (
	number int PRIMARY KEY CHECK (number > 0),
	name text NOT NULL,
	sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
	at timestamptz NOT NULL DEFAULT now()
);

-- free: operations; credit: whole credits; rub: kopecks; usd: cents.
CREATE TYPE ledger.unit AS ENUM ('free', 'credit', 'rub', 'usd');
-- Roles of accounts, in lock order: a person's first, the system's last.
CREATE TYPE ledger.role AS ENUM ('available', 'held', 'issue', 'spent', 'sales', 'clearing');
CREATE TYPE ledger.kind AS ENUM
	('grant', 'topup', 'hold', 'take', 'release', 'refund', 'correction', 'sale');

-- An account and its cached balance (what came in less what went out). A person's accounts are made
-- when first needed: no row is zero. A system account is split into 16 slots, so that no row is
-- hot.
CREATE TABLE ledger.account (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	unit ledger.unit NOT NULL,
	role ledger.role NOT NULL,
	person_id bigint,
	slot smallint NOT NULL DEFAULT 0 CHECK (slot BETWEEN 0 AND 15),
	floor bigint,
	balance bigint NOT NULL DEFAULT 0,
	version bigint NOT NULL DEFAULT 0 CHECK (version >= 0),
	UNIQUE (id, unit),
	CHECK (balance >= floor),
	CHECK ((person_id IS NOT NULL) = (role IN ('available', 'held'))),
	CHECK ((person_id IS NOT NULL) = (id >= 1000)),
	CHECK (person_id IS NULL OR (floor = 0 AND floor IS NOT NULL AND slot = 0))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE UNIQUE INDEX account_person ON ledger.account (person_id, unit, role)
	WHERE person_id IS NOT NULL;
CREATE UNIQUE INDEX account_system ON ledger.account (role, unit, slot) WHERE person_id IS NULL;

INSERT INTO ledger.account (unit, role, slot)
SELECT u::ledger.unit, r::ledger.role, s
FROM (VALUES ('issue', 'free'), ('issue', 'credit'), ('issue', 'rub'), ('spent', 'free'),
	('spent', 'credit'), ('sales', 'rub'), ('sales', 'usd'), ('clearing', 'rub'),
	('clearing', 'usd')) AS a(r, u), generate_series(0, 15) AS s;
ALTER TABLE ledger.account ALTER COLUMN id RESTART WITH 1000;

-- A movement: `amount` leaves the account `debit` and enters `credit`. Both balances and versions
-- after it stand in the row, so that the rows of an account are a chain: a changed or lost one
-- shows.
CREATE TABLE ledger.transfer (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	key text NOT NULL UNIQUE CHECK (length(key) BETWEEN 3 AND 120),
	debit bigint NOT NULL,
	credit bigint NOT NULL,
	unit ledger.unit NOT NULL,
	kind ledger.kind NOT NULL,
	amount bigint NOT NULL CHECK (amount > 0 AND amount <= 1000000000000),
	resolves bigint UNIQUE REFERENCES ledger.transfer (id),
	d_after bigint NOT NULL,
	d_version bigint NOT NULL,
	c_after bigint NOT NULL,
	c_version bigint NOT NULL,
	person_id bigint,
	job_id bigint,
	note text CHECK (length(note) <= 1000),
	actor bigint,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CHECK (debit <> credit),
	CHECK ((kind IN ('take', 'release')) = (resolves IS NOT NULL)),
	CHECK ((kind IN ('hold', 'take', 'release')) = (job_id IS NOT NULL)),
	FOREIGN KEY (debit, unit) REFERENCES ledger.account (id, unit) ON DELETE RESTRICT,
	FOREIGN KEY (credit, unit) REFERENCES ledger.account (id, unit) ON DELETE RESTRICT
);
-- One transfer per version of a person's account. Partial: system accounts would only add hot
-- entries.
CREATE UNIQUE INDEX transfer_debit ON ledger.transfer (debit, d_version) WHERE debit >= 1000;
CREATE UNIQUE INDEX transfer_credit ON ledger.transfer (credit, c_version) WHERE credit >= 1000;
CREATE INDEX transfer_person ON ledger.transfer (person_id, id) WHERE person_id IS NOT NULL;

-- Refuses every change of what has been written. Run by the triggers below, whoever changes.
CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'P0403';
END $$;
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON ledger.transfer
	FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger.transfer
	FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_delete BEFORE DELETE ON ledger.account
	FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger.account
	FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
-- Also in a session that says it is a replica.
ALTER TABLE ledger.transfer ENABLE ALWAYS TRIGGER no_change;
ALTER TABLE ledger.transfer ENABLE ALWAYS TRIGGER no_truncate;
ALTER TABLE ledger.account ENABLE ALWAYS TRIGGER no_delete;
ALTER TABLE ledger.account ENABLE ALWAYS TRIGGER no_truncate;
RESET ROLE;
