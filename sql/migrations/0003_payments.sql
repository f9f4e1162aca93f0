-- Payments and refunds, debt, reconciliation. A value added to an enum can't be used in the transaction that
-- adds it: where a check needs one, it compares texts.
SET LOCAL ROLE atelier_owner;

-- What a person owes: a refund took back what had been spent. Its balance is below zero or zero.
ALTER TYPE ledger.role ADD VALUE 'debt' BEFORE 'issue';
-- debt: owed more (a refund) or less (repaid out of what came in).
ALTER TYPE ledger.kind ADD VALUE 'debt';

ALTER TABLE ledger.account
	DROP CONSTRAINT account_check1, DROP CONSTRAINT account_check3,
	ADD CONSTRAINT account_role CHECK (
		(person_id IS NOT NULL) = (role::text IN ('available', 'held', 'debt'))),
	ADD CONSTRAINT account_floor CHECK (person_id IS NULL
		OR (slot = 0 AND CASE WHEN role::text = 'debt' THEN floor IS NULL AND balance <= 0
			ELSE floor = 0 AND floor IS NOT NULL END));

-- A hold, and what becomes of it, is a job's or a refund's.
ALTER TABLE ledger.transfer
	ADD COLUMN payment_id bigint,
	DROP CONSTRAINT transfer_check1, DROP CONSTRAINT transfer_check2,
	ADD CONSTRAINT transfer_resolves CHECK (CASE WHEN kind IN ('take', 'release')
		THEN resolves IS NOT NULL ELSE kind = 'refund' OR resolves IS NULL END),
	ADD CONSTRAINT transfer_reason CHECK (
		CASE WHEN kind = 'take' THEN job_id IS NOT NULL AND payment_id IS NULL
			WHEN kind IN ('hold', 'release') THEN num_nonnulls(job_id, payment_id) = 1
			WHEN kind IN ('topup', 'sale', 'refund') THEN job_id IS NULL AND payment_id IS NOT NULL
			WHEN kind IN ('grant', 'correction') THEN num_nonnulls(job_id, payment_id) = 0
			ELSE job_id IS NULL END);
CREATE INDEX transfer_payment ON ledger.transfer (payment_id) WHERE payment_id IS NOT NULL;

CREATE TYPE store.payment_state AS ENUM
	('created', 'pending', 'succeeded', 'canceled', 'failed', 'refunded', 'review');
CREATE TYPE store.refund_state AS ENUM ('pending', 'succeeded', 'canceled', 'failed');

-- A payment: written, with the key of its creation, before the provider is asked for it. Amounts in minor
-- units. What the provider says of it goes through store.payment_truth. next_ask_at: when it is asked about
-- by itself; asked_at, answered_at: when it was last, and when there was an answer. curious: the person
-- waits for the answer.
CREATE TABLE store.payment (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	person_id bigint NOT NULL REFERENCES store.person (id) ON DELETE RESTRICT,
	provider text NOT NULL CHECK (provider IN ('yookassa', 'betatransfer')),
	order_name text GENERATED ALWAYS AS ('a' || id::text) STORED UNIQUE,
	key uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
	amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000),
	currency text NOT NULL CHECK (currency IN ('RUB', 'USD')),
	grant_unit ledger.unit NOT NULL CHECK (grant_unit IN ('rub', 'credit')),
	grant_amount bigint NOT NULL CHECK (grant_amount BETWEEN 1 AND 1000000000000),
	package text,
	description text NOT NULL DEFAULT '',
	test boolean NOT NULL,
	state store.payment_state NOT NULL DEFAULT 'created',
	ext_id text CHECK (length(ext_id) BETWEEN 1 AND 64),
	url text,
	status_message_id bigint,
	reason text CHECK (length(reason) <= 200),
	raw text CHECK (length(raw) <= 200),
	creates smallint NOT NULL DEFAULT 1,
	asks int NOT NULL DEFAULT 0 CHECK (asks >= 0),
	next_ask_at timestamptz,
	asked_at timestamptz,
	answered_at timestamptz,
	curious boolean NOT NULL DEFAULT false,
	expires_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	verified_at timestamptz,
	paid bigint CHECK (paid > 0),
	refunded bigint NOT NULL DEFAULT 0,
	credit_tx bigint UNIQUE REFERENCES ledger.transfer (id) ON DELETE RESTRICT,
	late boolean NOT NULL DEFAULT false,
	UNIQUE (provider, ext_id),
	CHECK (grant_unit <> 'rub' OR (currency = 'RUB' AND grant_amount = amount)),
	CHECK ((state IN ('succeeded', 'refunded')) = (credit_tx IS NOT NULL)),
	CHECK ((credit_tx IS NOT NULL) = (paid IS NOT NULL)),
	CHECK ((credit_tx IS NOT NULL) = (verified_at IS NOT NULL)),
	CHECK (credit_tx IS NULL OR ext_id IS NOT NULL),
	CHECK (refunded BETWEEN 0 AND coalesce(paid, 0)),
	CHECK ((state = 'refunded') = (paid IS NOT NULL AND refunded = paid)),
	CHECK (next_ask_at IS NULL OR state IN ('created', 'pending'))
) WITH (fillfactor = 80);
CREATE INDEX payment_person ON store.payment (person_id, id);
CREATE INDEX payment_due ON store.payment (next_ask_at) WHERE next_ask_at IS NOT NULL;
CREATE INDEX payment_time ON store.payment (provider, created_at);

-- A refund, ours or one seen at the provider. amount: minor units of the payment's currency; back: what goes
-- out of the person's purse for it, of the unit that was granted; debt: how much of back was not there.
-- Ours holds `back` first. confirmed: the provider says it succeeded, but the payment is not credited yet.
CREATE TABLE store.refund (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	payment_id bigint NOT NULL REFERENCES store.payment (id) ON DELETE RESTRICT,
	provider text NOT NULL,
	ext_id text CHECK (length(ext_id) BETWEEN 1 AND 90),
	key uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
	amount bigint NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000),
	back bigint NOT NULL DEFAULT 0 CHECK (back >= 0),
	state store.refund_state NOT NULL DEFAULT 'pending',
	ours boolean NOT NULL,
	confirmed boolean NOT NULL DEFAULT false,
	actor bigint,
	why text CHECK (length(why) <= 1000),
	hold_tx bigint UNIQUE REFERENCES ledger.transfer (id) ON DELETE RESTRICT,
	debit_tx bigint UNIQUE REFERENCES ledger.transfer (id) ON DELETE RESTRICT,
	debt bigint NOT NULL DEFAULT 0 CHECK (debt BETWEEN 0 AND back),
	asks int NOT NULL DEFAULT 0 CHECK (asks >= 0),
	next_ask_at timestamptz,
	created_at timestamptz NOT NULL DEFAULT now(),
	settled_at timestamptz,
	UNIQUE (provider, ext_id),
	CHECK ((state = 'succeeded') = (debit_tx IS NOT NULL)),
	CHECK ((state = 'pending') = (settled_at IS NULL)),
	CHECK (ours OR ext_id IS NOT NULL),
	CHECK (hold_tx IS NULL OR ours),
	CHECK (next_ask_at IS NULL OR state = 'pending')
);
CREATE INDEX refund_payment ON store.refund (payment_id);
CREATE INDEX refund_due ON store.refund (next_ask_at) WHERE next_ask_at IS NOT NULL;

-- Payments at a provider that are none of ours; each is told once.
CREATE TABLE store.orphan (
	provider text NOT NULL,
	ext_id text NOT NULL,
	what text NOT NULL,
	at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (provider, ext_id)
);

-- A reconciliation: payments and refunds from `since` on are listed by the providers and compared with ours.
CREATE TABLE store.reconcile (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	since timestamptz NOT NULL,
	until timestamptz NOT NULL,
	nightly boolean NOT NULL,
	started_at timestamptz NOT NULL DEFAULT now(),
	finished_at timestamptz
);
CREATE UNIQUE INDEX reconcile_open ON store.reconcile ((true)) WHERE finished_at IS NULL;
CREATE TABLE store.difference (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	run bigint NOT NULL REFERENCES store.reconcile (id) ON DELETE RESTRICT,
	kind text NOT NULL,
	provider text,
	ext_id text,
	payment bigint,
	text text NOT NULL,
	repaired boolean NOT NULL DEFAULT false
);
CREATE INDEX difference_run ON store.difference (run);
CREATE INDEX difference_payment ON store.difference (payment) WHERE NOT repaired;
-- Our payments that a provider has listed, while the run lasts.
CREATE TABLE store.reconcile_seen (
	run bigint NOT NULL REFERENCES store.reconcile (id) ON DELETE RESTRICT,
	payment bigint NOT NULL,
	PRIMARY KEY (run, payment)
);

-- Who hears alerts, and what the programs' settings say that money depends on; set by the dispatcher.
CREATE TABLE store.admin (person_id bigint PRIMARY KEY CHECK (person_id > 0));
CREATE TABLE store.setting (name text PRIMARY KEY, value text NOT NULL);
-- Counts hints that were dropped: a sequence makes nobody wait.
CREATE SEQUENCE store.hint_dropped;

-- The quote that a purse did not suffice for: offered again when there is enough.
ALTER TABLE store.person ADD COLUMN waiting_quote bigint;

-- topic: at most one ready task asks the same. payment_id has no foreign key, as the row lives a day.
ALTER TABLE store.task
	ADD COLUMN payment_id bigint,
	ADD COLUMN topic text,
	DROP CONSTRAINT task_shape,
	ADD CONSTRAINT task_shape CHECK (
		kind IN ('say', 'edit', 'photo', 'document', 'webhook',
			'pay_create', 'pay_ask', 'pay_refund', 'pay_refund_ask', 'pay_list',
			'submit', 'poll', 'fetch', 'lookup', 'cancel', 'sweep')
		AND lane = CASE WHEN kind IN ('say', 'edit', 'photo', 'document', 'webhook') THEN 'chat'
			WHEN kind LIKE 'pay\_%' THEN 'pay' ELSE 'media' END::store.lane_name
		AND (kind IN ('say', 'edit', 'photo', 'document')) = (chat_id IS NOT NULL)
		AND (kind <> 'edit' OR num_nonnulls(message_id, job_id, payment_id) > 0)
		AND (kind NOT IN ('photo', 'submit', 'poll', 'fetch', 'lookup', 'cancel', 'sweep')
			OR job_id IS NOT NULL)
		AND (kind NOT IN ('pay_create', 'pay_refund') OR payment_id IS NOT NULL)
		AND (state = 'leased') = (lease_until IS NOT NULL)
		AND (state = 'leased') = (holder IS NOT NULL)
		AND (state IN ('done', 'dead')) = (done_at IS NOT NULL)
		AND jsonb_typeof(payload) = 'object' AND jsonb_typeof(memo) = 'object'
		AND attempts >= 0 AND max_attempts > 0);
CREATE UNIQUE INDEX task_topic ON store.task (topic) WHERE topic IS NOT NULL AND state = 'ready';
CREATE INDEX task_payment ON store.task (payment_id) WHERE payment_id IS NOT NULL;

-- What is deleted by its age, and what is counted of the pay lane: dispatcher.purge, responder.payment_hint.
CREATE INDEX quote_idle ON store.quote (created_at) WHERE state <> 'ordered';
CREATE INDEX parked_at ON store.parked (at);
CREATE INDEX job_created ON store.job USING brin (created_at) WITH (pages_per_range = 32); -- reconcile_jobs
CREATE INDEX task_pay ON store.task (kind) WHERE lane = 'pay' AND state IN ('ready', 'leased');
RESET ROLE;
