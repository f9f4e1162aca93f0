-- The operator's side: who did what, messages to everybody, models that keep failing, and what a job costs us.
SET LOCAL ROLE atelier_owner;

-- class: of the failure, as the helper named it. cost: what the provider takes for it, in millionths of a dollar.
ALTER TABLE store.quote ADD COLUMN cost bigint NOT NULL DEFAULT 0 CHECK (cost >= 0);
ALTER TABLE store.job
	ADD COLUMN class text,
	ADD COLUMN cost bigint NOT NULL DEFAULT 0 CHECK (cost >= 0);
CREATE INDEX job_ended ON store.job (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX person_created ON store.person (created_at);
CREATE INDEX transfer_at ON ledger.transfer USING brin (at) WITH (pages_per_range = 32);

-- probe, pay_probe, media_probe: whether a provider takes our key. copy: a message of an admin's to somebody else. chart: figures as a
-- picture; it, the photo that sends it and the sweep after that have no job.
ALTER TABLE store.task
	DROP CONSTRAINT task_shape,
	ADD CONSTRAINT task_shape CHECK (
		kind IN ('say', 'edit', 'photo', 'document', 'resend', 'copy', 'take', 'webhook', 'probe',
			'pay_probe', 'pay_create', 'pay_ask', 'pay_refund', 'pay_refund_ask', 'pay_list',
			'submit', 'poll', 'fetch', 'lookup', 'cancel', 'sweep', 'clean', 'render', 'chart',
			'media_probe')
		AND lane = CASE WHEN kind IN ('say', 'edit', 'photo', 'document', 'resend', 'copy', 'take', 'webhook', 'probe')
			THEN 'chat' WHEN kind LIKE 'pay\_%' THEN 'pay' ELSE 'media' END::store.lane_name
		AND (kind IN ('say', 'edit', 'photo', 'document', 'resend', 'copy')) = (chat_id IS NOT NULL)
		AND (kind <> 'edit' OR num_nonnulls(message_id, job_id, payment_id) > 0)
		AND (kind NOT IN ('resend', 'take', 'submit', 'poll', 'fetch', 'lookup', 'cancel', 'clean', 'render')
			OR job_id IS NOT NULL)
		AND (kind NOT IN ('pay_create', 'pay_refund') OR payment_id IS NOT NULL)
		AND (state = 'leased') = (lease_until IS NOT NULL)
		AND (state = 'leased') = (holder IS NOT NULL)
		AND (state IN ('done', 'dead')) = (done_at IS NOT NULL)
		AND jsonb_typeof(payload) = 'object' AND jsonb_typeof(memo) = 'object'
		AND attempts >= 0 AND max_attempts > 0);

-- Every use of an admin's command, for ever. actor 0: by itself; -1: atelierctl.
CREATE TABLE store.audit (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	actor bigint NOT NULL,
	command text NOT NULL CHECK (length(command) BETWEEN 1 AND 40),
	args jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(args) = 'object'),
	outcome text NOT NULL,
	person_id bigint
);
CREATE INDEX audit_person ON store.audit (person_id, id) WHERE person_id IS NOT NULL;

-- A message of an admin's that goes to many: as it stands in his chat. Everybody up to last_person has been queued.
CREATE TYPE store.broadcast_state AS ENUM ('draft', 'running', 'paused', 'done', 'cancelled');
CREATE TABLE store.broadcast (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	actor bigint NOT NULL,
	message_id bigint NOT NULL CHECK (message_id > 0),
	segment text NOT NULL DEFAULT 'all'
		CHECK (segment IN ('all', 'ru', 'en', 'paid', 'unpaid', 'active', 'idle')),
	state store.broadcast_state NOT NULL DEFAULT 'draft',
	last_person bigint NOT NULL DEFAULT 0,
	created_at timestamptz NOT NULL DEFAULT now(),
	started_at timestamptz,
	finished_at timestamptz,
	CHECK ((state IN ('done', 'cancelled')) = (finished_at IS NOT NULL))
);
CREATE UNIQUE INDEX broadcast_running ON store.broadcast ((true)) WHERE state = 'running';
-- Who was queued, once; outcome: sent, unreachable or failed, null while it is on its way.
CREATE TABLE store.broadcast_person (
	broadcast_id bigint NOT NULL REFERENCES store.broadcast (id) ON DELETE CASCADE,
	person_id bigint NOT NULL,
	outcome text CHECK (outcome IN ('sent', 'unreachable', 'failed')),
	PRIMARY KEY (broadcast_id, person_id)
);
CREATE INDEX broadcast_open ON store.broadcast_person (broadcast_id) WHERE outcome IS NULL;

-- What is not sold because it keeps failing; model '*': all of the provider's (no funds, or a key refused). Past
-- until it is sold again on trial: the next result closes it (what was before that no longer counts) or opens it for
-- longer.
CREATE TABLE store.breaker (
	provider text NOT NULL,
	model text NOT NULL,
	why text NOT NULL,
	trips int NOT NULL DEFAULT 1 CHECK (trips > 0),
	opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	until timestamptz NOT NULL,
	closed_at timestamptz,
	PRIMARY KEY (provider, model)
);

-- How many helpers a lane had when the dispatcher last looked.
ALTER TABLE store.lane ADD COLUMN helpers int NOT NULL DEFAULT 0, ADD COLUMN seen_at timestamptz;

-- Numbers the places of charts in the spool, where no job's reach.
CREATE SEQUENCE store.chart AS bigint START 4611686018427387904;
RESET ROLE;
