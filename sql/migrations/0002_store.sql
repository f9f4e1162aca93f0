-- People, what they asked for, jobs, and the tasks done outside.
SET LOCAL ROLE atelier_owner;

CREATE TYPE store.lane_name AS ENUM ('chat', 'pay', 'media');
CREATE TYPE store.task_state AS ENUM ('ready', 'leased', 'done', 'dead');
CREATE TYPE store.quote_state AS ENUM ('open', 'ordered', 'cancelled');
CREATE TYPE store.job_status AS ENUM ('pending', 'processing', 'completed', 'failed', 'cancelled');
CREATE TYPE store.job_step AS ENUM ('submit', 'lookup', 'poll', 'fetch', 'deliver', 'done');
CREATE TYPE store.job_reason AS ENUM ('input', 'policy', 'busy', 'ours', 'late', 'unreachable');

-- A person; the Telegram id is also the id of the private chat. rate_at is the theoretical arrival
-- time of the rate limit (GCRA); refused counts refusals since the last request let in, up to 2.
CREATE TABLE store.person (
	id bigint PRIMARY KEY CHECK (id > 0),
	first_name text NOT NULL DEFAULT '',
	username text,
	lang text NOT NULL DEFAULT 'ru' CHECK (lang IN ('ru', 'en')),
	lang_chosen boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL DEFAULT now(),
	seen_at timestamptz NOT NULL DEFAULT now(),
	free_granted int NOT NULL DEFAULT 0 CHECK (free_granted >= 0),
	banned_at timestamptz,
	ban_reason text,
	unreachable_at timestamptz,
	rate_at timestamptz NOT NULL DEFAULT '-infinity',
	refused smallint NOT NULL DEFAULT 0 CHECK (refused BETWEEN 0 AND 2),
	dialog jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(dialog) = 'object'),
	CHECK (ban_reason IS NULL OR banned_at IS NOT NULL)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

-- The updates taken, kept for three days, so that a repeated one has no second effect.
-- No foreign key: the row is written before the person is known.
CREATE TABLE store.update (
	id bigint PRIMARY KEY,
	person_id bigint NOT NULL,
	at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX update_at ON store.update USING brin (at) WITH (pages_per_range = 32);

-- Updates that could not be handled, with their bodies if at hand, for an engineer.
CREATE TABLE store.parked (
	update_id bigint PRIMARY KEY,
	at timestamptz NOT NULL DEFAULT now(),
	sqlstate text,
	reason text NOT NULL,
	body bytea
);

-- What a person was shown before «Запустить»: the price shown is the price charged.
CREATE TABLE store.quote (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	person_id bigint NOT NULL REFERENCES store.person (id) ON DELETE RESTRICT,
	offer text NOT NULL,
	mode text NOT NULL,
	title text NOT NULL,
	provider text NOT NULL,
	model text NOT NULL,
	prompt text NOT NULL DEFAULT '',
	input jsonb NOT NULL,
	unit ledger.unit NOT NULL,
	amount bigint NOT NULL CHECK (amount > 0),
	deadline_s int NOT NULL CHECK (deadline_s > 0),
	state store.quote_state NOT NULL DEFAULT 'open',
	job_id bigint UNIQUE,
	created_at timestamptz NOT NULL DEFAULT now(),
	CHECK ((state = 'ordered') = (job_id IS NOT NULL))
);

-- A job: a chain of tasks from the order to the delivered result or the money back.
-- submits counts the orders that may exist at the provider: the intent is written before the call.
CREATE TABLE store.job (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	person_id bigint NOT NULL REFERENCES store.person (id) ON DELETE RESTRICT,
	quote_id bigint NOT NULL UNIQUE REFERENCES store.quote (id) ON DELETE RESTRICT,
	offer text NOT NULL,
	mode text NOT NULL,
	title text NOT NULL,
	provider text NOT NULL,
	model text NOT NULL,
	prompt text NOT NULL,
	input jsonb NOT NULL,
	unit ledger.unit NOT NULL,
	amount bigint NOT NULL CHECK (amount > 0),
	status store.job_status NOT NULL DEFAULT 'pending',
	step store.job_step NOT NULL DEFAULT 'submit',
	progress smallint NOT NULL DEFAULT 0 CHECK (progress IN (0, 10, 50, 100)),
	hold_id bigint NOT NULL UNIQUE REFERENCES ledger.transfer (id) ON DELETE RESTRICT,
	settle_id bigint UNIQUE REFERENCES ledger.transfer (id) ON DELETE RESTRICT,
	request jsonb,
	submits smallint NOT NULL DEFAULT 0 CHECK (submits BETWEEN 0 AND 2),
	unknown_at timestamptz,
	result jsonb,
	status_message_id bigint,
	reason store.job_reason,
	detail text,
	created_at timestamptz NOT NULL DEFAULT now(),
	started_at timestamptz,
	finished_at timestamptz,
	deadline_at timestamptz NOT NULL,
	CHECK ((status IN ('completed', 'failed', 'cancelled')) = (settle_id IS NOT NULL)),
	CHECK ((settle_id IS NOT NULL) = (finished_at IS NOT NULL)),
	CHECK ((settle_id IS NOT NULL) = (step = 'done')),
	CHECK ((status = 'completed') = (progress = 100)),
	CHECK ((status = 'failed') = (reason IS NOT NULL)),
	CHECK (status <> 'completed' OR result IS NOT NULL),
	CHECK (status <> 'pending' OR (started_at IS NULL AND progress = 0 AND step = 'submit')),
	CHECK (status NOT IN ('processing', 'completed') OR (started_at IS NOT NULL AND progress > 0)),
	CHECK (step NOT IN ('poll', 'fetch', 'deliver') OR request IS NOT NULL),
	CHECK (step <> 'lookup' OR unknown_at IS NOT NULL)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE store.quote ADD FOREIGN KEY (job_id) REFERENCES store.job (id) ON DELETE RESTRICT;
CREATE INDEX job_open ON store.job (person_id, id) WHERE status IN ('pending', 'processing');
CREATE INDEX job_person ON store.job (person_id, id);
CREATE INDEX job_deadline ON store.job (deadline_at) WHERE status IN ('pending', 'processing');
-- One order at the provider is one job's: a lookup may find what looks alike.
CREATE UNIQUE INDEX job_request ON store.job (provider, (request ->> 'request_id'))
	WHERE request IS NOT NULL;
CREATE INDEX job_usual ON store.job (offer, finished_at) WHERE status = 'completed';

-- A task done outside. Leased under a fence that grows with every claim; a report counts only with
-- the fence of the lease. In the chat lane only the oldest open task of a chat is leased.
CREATE TABLE store.task (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	lane store.lane_name NOT NULL,
	kind text NOT NULL,
	person_id bigint, -- no foreign key: it was half the cost of a message, and the row lives a day
	chat_id bigint,
	job_id bigint REFERENCES store.job (id) ON DELETE RESTRICT,
	message_id bigint,
	payload jsonb NOT NULL,
	memo jsonb NOT NULL DEFAULT '{}',
	state store.task_state NOT NULL DEFAULT 'ready',
	prio smallint NOT NULL DEFAULT 1,
	fence int NOT NULL DEFAULT 0,
	attempts int NOT NULL DEFAULT 0,
	max_attempts int NOT NULL DEFAULT 20,
	run_at timestamptz NOT NULL DEFAULT now(),
	lease_until timestamptz,
	holder text,
	dedup text UNIQUE,
	class text,
	error text,
	created_at timestamptz NOT NULL DEFAULT now(),
	done_at timestamptz,
	-- One constraint, not ten: each is prepared anew for every statement that inserts a message.
	CONSTRAINT task_shape CHECK (
		kind IN ('say', 'edit', 'photo', 'webhook',
			'submit', 'poll', 'fetch', 'lookup', 'cancel', 'sweep')
		AND (lane = 'chat') = (kind IN ('say', 'edit', 'photo', 'webhook'))
		AND (kind IN ('say', 'edit', 'photo')) = (chat_id IS NOT NULL)
		AND (kind <> 'edit' OR message_id IS NOT NULL OR job_id IS NOT NULL)
		AND (kind NOT IN ('photo', 'submit', 'poll', 'fetch', 'lookup', 'cancel', 'sweep')
			OR job_id IS NOT NULL)
		AND (state = 'leased') = (lease_until IS NOT NULL)
		AND (state = 'leased') = (holder IS NOT NULL)
		AND (state IN ('done', 'dead')) = (done_at IS NOT NULL)
		AND jsonb_typeof(payload) = 'object' AND jsonb_typeof(memo) = 'object'
		AND attempts >= 0 AND max_attempts > 0)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX task_ready ON store.task (lane, prio, run_at, id) WHERE state = 'ready';
CREATE INDEX task_chat ON store.task (chat_id, id)
	WHERE lane = 'chat' AND state IN ('ready', 'leased');
CREATE INDEX task_lease ON store.task (lease_until) WHERE state = 'leased';
CREATE INDEX task_job ON store.task (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX task_submit ON store.task (id) WHERE kind = 'submit' AND state IN ('ready', 'leased');
CREATE INDEX task_done ON store.task (done_at) WHERE state IN ('done', 'dead');

-- The budget of a chat: the next message may leave at next_at (GCRA with the burst already taken
-- off).
CREATE TABLE store.chat (
	id bigint PRIMARY KEY,
	next_at timestamptz NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

-- A lane may be paused. floor_at is its remembered left edge: nothing ready has an older run_at, so
-- a claim need not walk over the dead index entries before it. Moved by dispatcher.reap.
CREATE TABLE store.lane (
	name store.lane_name PRIMARY KEY,
	pause_until timestamptz NOT NULL DEFAULT '-infinity',
	floor_at timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO store.lane (name) VALUES ('chat'), ('pay'), ('media');
RESET ROLE;
