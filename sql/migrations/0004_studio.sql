-- The studio: what people send, jobs that cost nothing, albums, files that providers read, what was changed of the
-- catalogue, the terms, and who was forgotten. A value added to an enum can't be used in the transaction that adds
-- it: where a check needs one, it compares texts.
SET LOCAL ROLE atelier_owner;

-- take: from Telegram into the spool. clean: pictures made anew. render: done on our own machine.
ALTER TYPE store.job_step ADD VALUE 'take' BEFORE 'submit';
ALTER TYPE store.job_step ADD VALUE 'clean' BEFORE 'submit';
ALTER TYPE store.job_step ADD VALUE 'render' BEFORE 'submit';

-- terms: the version that was accepted; 0: none.
ALTER TABLE store.person
	ADD COLUMN terms int NOT NULL DEFAULT 0 CHECK (terms >= 0),
	ADD COLUMN terms_at timestamptz,
	ADD CONSTRAINT person_terms CHECK ((terms > 0) = (terms_at IS NOT NULL));

-- files: what the person gave, [{"file_id", "form"}], in the order of places: where they go in the request.
-- clip_s: seconds of the film among them. An amount of 0 costs nothing and moves nothing.
ALTER TABLE store.quote
	ADD COLUMN ratio text NOT NULL DEFAULT '',
	ADD COLUMN files jsonb NOT NULL DEFAULT '[]',
	ADD COLUMN clip_s int NOT NULL DEFAULT 0,
	ADD COLUMN places jsonb NOT NULL DEFAULT '[]',
	DROP CONSTRAINT quote_amount_check,
	ADD CONSTRAINT quote_amount CHECK (amount >= 0),
	ADD CONSTRAINT quote_files CHECK (jsonb_typeof(files) = 'array' AND jsonb_array_length(files) <= 10
		AND jsonb_typeof(places) = 'array');

-- inputs: the files in the spool. The checks are written anew, with names.
ALTER TABLE store.job
	ADD COLUMN ratio text NOT NULL DEFAULT '',
	ADD COLUMN files jsonb NOT NULL DEFAULT '[]',
	ADD COLUMN places jsonb NOT NULL DEFAULT '[]',
	ADD COLUMN inputs jsonb,
	ALTER COLUMN hold_id DROP NOT NULL;
DO $$
DECLARE
	v_name name;
BEGIN
	FOR v_name IN SELECT conname FROM pg_constraint
		WHERE conrelid = 'store.job'::regclass AND contype = 'c'
	LOOP
		EXECUTE format('ALTER TABLE store.job DROP CONSTRAINT %I', v_name);
	END LOOP;
END $$;
ALTER TABLE store.job
	ADD CONSTRAINT job_range CHECK (amount >= 0 AND progress IN (0, 10, 50, 100)
		AND submits BETWEEN 0 AND 2),
	ADD CONSTRAINT job_free CHECK ((amount = 0) = (hold_id IS NULL)),
	ADD CONSTRAINT job_settled CHECK (
		(settle_id IS NOT NULL) = (hold_id IS NOT NULL AND finished_at IS NOT NULL)),
	ADD CONSTRAINT job_ended CHECK (
		(status IN ('completed', 'failed', 'cancelled')) = (finished_at IS NOT NULL)
		AND (finished_at IS NOT NULL) = (step::text = 'done')),
	ADD CONSTRAINT job_shape CHECK ((status = 'completed') = (progress = 100)
		AND (status = 'failed') = (reason IS NOT NULL)
		AND (status <> 'completed' OR result IS NOT NULL)
		AND (status <> 'pending' OR (started_at IS NULL AND progress = 0
			AND step::text IN ('take', 'clean', 'submit')))
		AND (status NOT IN ('processing', 'completed') OR (started_at IS NOT NULL AND progress > 0))
		AND (step::text NOT IN ('poll', 'fetch') OR request IS NOT NULL)
		AND (step::text <> 'lookup' OR unknown_at IS NOT NULL));

ALTER TABLE store.task
	DROP CONSTRAINT task_shape,
	ADD CONSTRAINT task_shape CHECK (
		kind IN ('say', 'edit', 'photo', 'document', 'resend', 'take', 'webhook',
			'pay_create', 'pay_ask', 'pay_refund', 'pay_refund_ask', 'pay_list',
			'submit', 'poll', 'fetch', 'lookup', 'cancel', 'sweep', 'clean', 'render')
		AND lane = CASE WHEN kind IN ('say', 'edit', 'photo', 'document', 'resend', 'take', 'webhook')
			THEN 'chat' WHEN kind LIKE 'pay\_%' THEN 'pay' ELSE 'media' END::store.lane_name
		AND (kind IN ('say', 'edit', 'photo', 'document', 'resend')) = (chat_id IS NOT NULL)
		AND (kind <> 'edit' OR num_nonnulls(message_id, job_id, payment_id) > 0)
		AND (kind NOT IN ('photo', 'resend', 'take', 'submit', 'poll', 'fetch', 'lookup', 'cancel', 'sweep',
			'clean', 'render') OR job_id IS NOT NULL)
		AND (kind NOT IN ('pay_create', 'pay_refund') OR payment_id IS NOT NULL)
		AND (state = 'leased') = (lease_until IS NOT NULL)
		AND (state = 'leased') = (holder IS NOT NULL)
		AND (state IN ('done', 'dead')) = (done_at IS NOT NULL)
		AND jsonb_typeof(payload) = 'object' AND jsonb_typeof(memo) = 'object'
		AND attempts >= 0 AND max_attempts > 0);
CREATE INDEX task_poll ON store.task ((payload ->> 'provider'))
	WHERE kind = 'poll' AND state IN ('ready', 'leased');

-- A file of a job that a provider may read by its token, while the job is open.
CREATE TABLE store.media (
	token text PRIMARY KEY DEFAULT replace(gen_random_uuid()::text, '-', ''),
	job_id bigint NOT NULL REFERENCES store.job (id) ON DELETE RESTRICT,
	path text NOT NULL,
	type text NOT NULL,
	expires_at timestamptz NOT NULL DEFAULT now() + interval '1 hour'
);
CREATE INDEX media_job ON store.media (job_id);

-- Photos that came together as an album, in messages of their own, in any order.
CREATE TABLE store.album (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	person_id bigint NOT NULL REFERENCES store.person (id) ON DELETE RESTRICT,
	group_id text NOT NULL CHECK (length(group_id) <= 64),
	caption text NOT NULL DEFAULT '',
	created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (person_id, group_id)
);
CREATE INDEX album_created ON store.album (created_at);
CREATE TABLE store.album_file (
	album_id bigint NOT NULL REFERENCES store.album (id) ON DELETE CASCADE,
	message_id bigint NOT NULL,
	file jsonb NOT NULL,
	PRIMARY KEY (album_id, message_id)
);

-- What was changed of the catalogue since it was written: switched off, or other prices. actor 0: by itself.
CREATE TABLE store.offer_change (
	offer text PRIMARY KEY,
	off boolean NOT NULL DEFAULT false,
	rub bigint CHECK (rub > 0),
	credit bigint CHECK (credit > 0),
	actor bigint NOT NULL,
	why text NOT NULL DEFAULT '',
	at timestamptz NOT NULL DEFAULT now()
);

-- Who asked to be forgotten: enough to know them again, not who they were. pseudonym stands in the ledger.
CREATE TABLE store.forgotten (
	hash bytea PRIMARY KEY,
	pseudonym bigint NOT NULL UNIQUE,
	at timestamptz NOT NULL DEFAULT now()
);
CREATE SEQUENCE store.pseudonym AS bigint START 4611686018427387904; -- no id of Telegram's reaches that far
CREATE TABLE store.salt (bytes bytea NOT NULL);
INSERT INTO store.salt SELECT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');

-- The one change a row of the ledger may see: its person becomes a pseudonym, also within its key. Only
-- ledger.forget says so, for its own transaction.
CREATE OR REPLACE FUNCTION ledger.refuse_change()
RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'transfer' THEN
		IF current_setting('atelier.forget', true) = OLD.person_id || ' ' || NEW.person_id
			AND NEW.key IN (OLD.key, regexp_replace(OLD.key, ':' || OLD.person_id || '$', ':' || NEW.person_id))
			AND to_jsonb(OLD) - '{person_id,key}'::text[] = to_jsonb(NEW) - '{person_id,key}'::text[]
		THEN
			RETURN NEW;
		END IF;
	END IF;
	RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'P0403';
END $$;
RESET ROLE;
