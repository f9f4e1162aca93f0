-- What the operator's tool may do, and the views of schema report.
SET LOCAL ROLE atelier_owner;

-- See store.hello. Called once per connection.
CREATE FUNCTION ctl.hello(OUT schema int, OUT fsync text, OUT full_page_writes text,
	OUT synchronous_commit text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT * FROM store.hello();
$$;

-- Gives a person something (p_amount > 0) or takes it away (< 0), with the reason and who did it.
-- p_key makes it one: the same again answers again; with other contents it is an error (P0409). The person hears of it.
-- Returns the outcome (done, again, short, nobody) and what is available now. Called by store.admin_adjust.
CREATE FUNCTION ctl.adjust(p_person bigint, p_unit text, p_amount bigint, p_actor bigint,
	p_why text, p_key text, OUT outcome text, OUT "left" bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_unit constant ledger.unit := p_unit::ledger.unit;
	v_again boolean;
	t ledger.transfer;
BEGIN
	PERFORM 1 FROM store.person WHERE id = p_person FOR NO KEY UPDATE; -- first in the lock order
	IF NOT FOUND THEN
		outcome := 'nobody';
		RETURN;
	END IF;
	PERFORM ledger.account_lock(p_person, v_unit, 'available');
	SELECT EXISTS (SELECT 1 FROM ledger.transfer WHERE key = 'adjust:' || p_key) INTO v_again;
	IF NOT v_again AND ledger.available(p_person, v_unit) + p_amount < 0 THEN
		outcome := 'short';
	ELSE
		t := ledger.adjust(p_person, v_unit, p_amount, p_actor, p_why, p_key);
		outcome := CASE WHEN v_again THEN 'again' ELSE 'done' END;
	END IF;
	"left" := ledger.available(p_person, v_unit);
	IF outcome = 'done' THEN
		PERFORM store.task_add('say', jsonb_build_object('notice', CASE WHEN p_amount > 0 THEN 'balance_added'
			ELSE 'balance_taken' END, 'args', jsonb_strip_nulls(jsonb_build_object('amount',
			store.money(v_unit, abs(p_amount)), 'left', store.money(v_unit, ledger.balance(p_person, v_unit)),
			'why', nullif(p_why, '')))), p_person => p_person);
	END IF;
END $$;

-- Every movement of a person's purses, oldest first: the amount as it changed what is available,
-- and what was available after it (NULL for a take, which changes only what is held). Called by
-- `atelierctl statement`.
CREATE FUNCTION ctl.statement(p_person bigint)
RETURNS TABLE (id bigint, at timestamptz, unit text, kind text, amount bigint, after bigint,
	job bigint, actor bigint, note text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT t.id, t.at, t.unit::text, t.kind::text,
		CASE WHEN d.role = 'available' THEN -t.amount WHEN c.role = 'available' THEN t.amount
			ELSE 0 END,
		CASE WHEN d.role = 'available' THEN t.d_after WHEN c.role = 'available' THEN t.c_after END,
		t.job_id, t.actor, t.note
	FROM ledger.transfer t
	JOIN ledger.account d ON d.id = t.debit
	JOIN ledger.account c ON c.id = t.credit
	WHERE t.person_id = p_person AND coalesce(d.person_id, c.person_id) IS NOT NULL
	ORDER BY t.id;
$$;

-- Gives the payer of a payment his money back (p_amount in minor units; NULL: all that is left), with the
-- reason and who did it. Returns the outcome and the refund's number, see store.refund_open. Called by an
-- admin's command.
CREATE FUNCTION ctl.refund(p_payment bigint, p_amount bigint, p_actor bigint, p_why text,
	OUT outcome text, OUT refund bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM 1 FROM store.person
	WHERE id = (SELECT person_id FROM store.payment WHERE id = p_payment) FOR NO KEY UPDATE;
	SELECT o.outcome, o.refund INTO outcome, refund
	FROM store.refund_open(p_payment, p_amount, p_actor, p_why) AS o;
END $$;

-- Books a refund that happened elsewhere and that no provider tells us of: by hand, or a chargeback. p_ref
-- names it, and makes it one. Returns done, again, gone (no such payment), state (not credited), much (more
-- than is left). Called by an admin's command.
CREATE FUNCTION ctl.refund_book(p_payment bigint, p_amount bigint, p_ref text, p_actor bigint,
	p_why text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	y store.payment;
	v_ext constant text := 'book:' || p_payment || ':' || p_ref;
BEGIN
	PERFORM 1 FROM store.person
	WHERE id = (SELECT person_id FROM store.payment WHERE id = p_payment) FOR NO KEY UPDATE;
	SELECT * INTO y FROM store.payment WHERE id = p_payment FOR NO KEY UPDATE;
	IF y.id IS NULL THEN
		RETURN 'gone';
	ELSIF y.credit_tx IS NULL THEN
		RETURN 'state';
	ELSIF EXISTS (SELECT 1 FROM store.refund WHERE provider = y.provider AND ext_id = v_ext) THEN
		RETURN 'again';
	ELSIF p_amount > y.paid - (SELECT coalesce(sum(r.amount), 0) FROM store.refund r
		WHERE r.payment_id = y.id AND r.state IN ('pending', 'succeeded'))
	THEN
		RETURN 'much';
	END IF;
	PERFORM store.refund_seen(y, v_ext, p_amount);
	UPDATE store.refund SET actor = p_actor, why = p_why WHERE provider = y.provider AND ext_id = v_ext;
	RETURN 'done';
END $$;

-- Starts a reconciliation of what was made since then, or returns the number of the one under way; also
-- looks for broken invariants. Called by `atelierctl reconcile`.
CREATE FUNCTION ctl.reconcile(p_since timestamptz)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_run bigint;
BEGIN
	v_run := store.reconcile_open(p_since, false);
	INSERT INTO store.difference (run, kind, text)
	SELECT v_run, 'broken', b.invariant || ': ' || b.what FROM ledger.broken b
	WHERE NOT EXISTS (SELECT 1 FROM store.difference d WHERE d.run = v_run AND d.kind = 'broken')
	ORDER BY 1 LIMIT 100;
	RETURN v_run;
END $$;

-- Whether a reconciliation is through, and what differed: at least one row, with a kind of NULL when there
-- is no difference. Called by `atelierctl reconcile`.
CREATE FUNCTION ctl.reconcile_result(p_run bigint)
RETURNS TABLE (finished boolean, kind text, provider text, ext_id text, payment bigint, what text,
	repaired boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT c.finished_at IS NOT NULL, d.kind, d.provider, d.ext_id, d.payment, d.text, d.repaired
	FROM store.reconcile c LEFT JOIN store.difference d ON d.run = c.id
	WHERE c.id = p_run ORDER BY d.id;
$$;

-- The invariants that do not hold; no row is a pass. Called by `atelierctl verify`.
CREATE FUNCTION ctl.verify()
RETURNS TABLE (invariant text, what text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT invariant, what FROM ledger.broken ORDER BY 1, 2;
$$;

-- What an admin could do in the chat, done by the operator; see store.admin_do. Called by `atelierctl` user, payment,
-- job, credit, ban, unban, offers.
CREATE FUNCTION ctl.admin(p_key text, p_what text, p_args jsonb)
RETURNS jsonb LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.admin_do(-1, p_key, p_what, p_args);
$$;

-- What differs from the catalogue just now, see store.offer_changes. Called by `atelierctl offers`.
CREATE FUNCTION ctl.offer_changes()
RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.offer_changes();
$$;

-- Puts an operator's errand into a lane and returns its id. Called by `atelierctl webhook` and doctor.
CREATE FUNCTION ctl.task_put(p_lane text, p_kind text, p_payload jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF (p_lane, p_kind) NOT IN (('chat', 'webhook'), ('chat', 'probe'), ('pay', 'pay_probe'), ('media', 'media_probe')) THEN
		RAISE EXCEPTION 'not an errand: % %', p_lane, p_kind USING ERRCODE = 'P0403';
	END IF;
	RETURN store.task_add(p_kind, p_payload);
END $$;

-- How an errand gets on: state ready, leased, done or dead, why, and what came of it. No row: no
-- such errand. Called by `atelierctl webhook`.
CREATE FUNCTION ctl.task_get(p_id bigint)
RETURNS TABLE (state text, class text, error text, result jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT state::text, class, error, memo FROM store.task
	WHERE id = p_id AND (kind = 'webhook' OR kind LIKE '%probe');
$$;

-- What `atelierctl migrate` has applied. Called by `atelierctl doctor`.
CREATE FUNCTION ctl.migrations()
RETURNS TABLE (number int, name text, sha256 text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT number, name, sha256 FROM store.migration ORDER BY number;
$$;

-- The lanes: helpers, what waits and is under way, for how long; seconds since the dispatcher last looked (null: never).
-- Called by `atelierctl status`.
CREATE FUNCTION ctl.lanes()
RETURNS TABLE (lane text, helpers int, ready bigint, leased bigint, oldest_s bigint, paused_s bigint, looked_s bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT l.name::text, l.helpers,
		(SELECT count(*) FROM store.task t WHERE t.lane = l.name AND t.state = 'ready' AND t.run_at <= now()),
		(SELECT count(*) FROM store.task t WHERE t.lane = l.name AND t.state = 'leased'),
		(SELECT extract(epoch FROM now() - min(t.run_at))::bigint FROM store.task t
			WHERE t.lane = l.name AND t.state = 'ready' AND t.run_at <= now()),
		CASE WHEN l.pause_until > now() THEN extract(epoch FROM l.pause_until - now())::bigint END,
		extract(epoch FROM now() - l.seen_at)::bigint
	FROM store.lane l ORDER BY l.name;
$$;

-- What is open: jobs that wait and that are under way, payments, those put aside for an admin; when the last
-- reconciliation was through (null: never), and what it found that is not settled. Called by `atelierctl status`.
CREATE FUNCTION ctl.open_work(OUT jobs_pending bigint, OUT jobs_processing bigint, OUT payments bigint, OUT review bigint,
	OUT reconciled text, OUT differences bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT (SELECT count(*) FROM store.job WHERE status = 'pending'),
		(SELECT count(*) FROM store.job WHERE status = 'processing'),
		(SELECT count(*) FROM store.payment WHERE state IN ('created', 'pending') AND next_ask_at IS NOT NULL),
		(SELECT count(*) FROM store.payment WHERE state = 'review'),
		to_char(c.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
		(SELECT count(*) FROM store.difference d WHERE d.run = c.id AND NOT d.repaired)
	FROM (VALUES (1)) AS one LEFT JOIN LATERAL (SELECT id, finished_at FROM store.reconcile
		WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 1) AS c ON true;
$$;

-- The last tasks of a day that were given up, with why. Called by `atelierctl status`.
CREATE FUNCTION ctl.failures()
RETURNS TABLE (at text, task bigint, kind text, job bigint, class text, error text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT to_char(done_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), id, kind, job_id, class, error
	FROM store.task WHERE state = 'dead' AND error IS NOT NULL AND done_at > now() - interval '1 day'
	ORDER BY done_at DESC LIMIT 10;
$$;

-- See store.health. Called by `atelierctl status`.
CREATE FUNCTION ctl.status()
RETURNS TABLE (metric text, labels text, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT metric, labels, value FROM store.health() WHERE labels IS NOT NULL;
$$;

-- The names of a view's columns, in order.
CREATE FUNCTION store.columns(p_view text)
RETURNS text[] LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
	JOIN pg_class c ON c.oid = a.attrelid
	WHERE c.relnamespace = 'report'::regnamespace AND c.relname = p_view AND a.attnum > 0;
$$;

-- The first line of a view's CSV file, and the line of one of its rows. Called by `atelierctl export`.
CREATE FUNCTION ctl.export_head(p_view text)
RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.csv_line(VARIADIC store.columns(p_view));
$$;
CREATE FUNCTION ctl.export_line(p_view text, p_row jsonb)
RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.csv_line(VARIADIC ARRAY(SELECT p_row ->> u.name
		FROM unnest(store.columns(p_view)) WITH ORDINALITY AS u(name, n) ORDER BY u.n));
$$;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ctl TO atelier_ctl;

-- The operator's views have the names and columns of the older bots' tables. A person's id is the
-- Telegram id. Amounts of money are roubles with kopecks; the others are whole.

CREATE VIEW report.users AS
SELECT p.id, p.id AS telegram_id, p.username, p.first_name, p.created_at, p.seen_at AS updated_at,
	coalesce(a.balance, 0) AS free_operations_left, p.banned_at IS NOT NULL AS is_banned
FROM store.person p
LEFT JOIN ledger.account a ON a.person_id = p.id AND a.unit = 'free' AND a.role = 'available';

CREATE VIEW report.balances AS
SELECT p.id, p.id AS user_id, round((coalesce(a.balance, 0) + coalesce(d.balance, 0)) / 100.0, 2) AS balance,
	coalesce((SELECT max(t.at) FROM ledger.transfer t WHERE t.person_id = p.id AND t.unit = 'rub'),
		p.created_at) AS updated_at
FROM store.person p
LEFT JOIN ledger.account a ON a.person_id = p.id AND a.unit = 'rub' AND a.role = 'available'
LEFT JOIN ledger.account d ON d.person_id = p.id AND d.unit = 'rub' AND d.role = 'debt';

-- What changed a person's purses: the amounts of a unit sum to what is available.
CREATE VIEW report.ledger AS
SELECT t.id, t.person_id AS user_id, CASE WHEN t.kind IN ('release', 'refund') THEN 'refund'
		WHEN c.role = 'available' THEN 'credit' ELSE 'debit' END AS type,
	CASE WHEN c.role = 'available' THEN 1 ELSE -1 END
		* CASE WHEN t.unit IN ('rub', 'usd') THEN round(t.amount / 100.0, 2) ELSE t.amount END
		AS amount,
	t.unit::text AS unit,
	CASE WHEN t.kind = 'hold' THEN 'reservation' WHEN t.job_id IS NOT NULL THEN 'job'
		WHEN t.kind = 'correction' THEN 'admin' WHEN t.payment_id IS NOT NULL THEN 'payment'
		ELSE t.kind::text END AS ref_type,
	coalesce(t.job_id, t.payment_id, t.actor) AS ref_id, t.note AS description, t.at AS created_at
FROM ledger.transfer t
JOIN ledger.account d ON d.id = t.debit
JOIN ledger.account c ON c.id = t.credit
WHERE 'available' IN (d.role, c.role);

CREATE VIEW report.jobs AS
SELECT j.id, j.person_id AS user_id, CASE WHEN j.mode = 'video' THEN 'video_generation'
		WHEN j.mode = 'generate' THEN 'image_generation' ELSE 'image_edit' END AS type,
	j.status::text AS status, j.progress, j.input AS params,
	j.result ->> 'file_id' AS result_url, coalesce(j.detail, j.reason::text) AS error_message,
	m.amount AS cost_estimate, CASE j.status WHEN 'completed' THEN m.amount
		WHEN 'failed' THEN 0 WHEN 'cancelled' THEN 0 END AS cost_actual,
	j.unit::text AS unit, j.created_at, j.started_at, j.finished_at AS completed_at
FROM store.job j
CROSS JOIN LATERAL (SELECT CASE WHEN j.unit IN ('rub', 'usd') THEN round(j.amount / 100.0, 2)
	ELSE j.amount END AS amount) AS m;

CREATE VIEW report.operations AS
SELECT j.id, j.person_id AS user_id, j.mode AS type,
	CASE WHEN j.unit = 'rub' THEN round(j.amount / 100.0, 2) ELSE 0 END AS price,
	CASE WHEN j.status = 'failed' AND j.unit = 'free' THEN 'failed'
		WHEN j.status IN ('failed', 'cancelled') THEN 'refunded'
		WHEN j.unit = 'free' THEN 'free' ELSE 'charged' END AS status,
	j.id::text AS task_id, j.created_at
FROM store.job j;

-- Of a payment's state, what the older bots knew: one that is put aside for an admin is pending.
CREATE VIEW report.payments AS
SELECT y.id, y.person_id AS user_id, y.provider, y.ext_id AS provider_payment_id,
	CASE y.provider WHEN 'yookassa' THEN y.ext_id END AS yookassa_payment_id,
	round(y.amount / 100.0, 2) AS amount, y.currency,
	CASE WHEN y.state IN ('created', 'review') THEN 'pending' ELSE y.state::text END AS status,
	y.state::text AS state, round(y.refunded / 100.0, 2) AS refunded,
	y.grant_unit::text AS granted_unit, CASE y.grant_unit WHEN 'rub' THEN round(y.grant_amount / 100.0, 2)
		ELSE y.grant_amount END AS granted,
	y.package, y.test, y.late, y.reason,
	jsonb_build_object('order', y.order_name, 'status', y.raw, 'url', y.url) AS raw_data,
	y.created_at, greatest(y.created_at, y.answered_at, y.verified_at) AS updated_at,
	y.verified_at AS paid_at
FROM store.payment y;

CREATE VIEW report.user_credits AS
SELECT p.id, p.id AS user_id, coalesce(a.balance, 0) + coalesce(d.balance, 0) AS credits,
	coalesce(a.balance, 0) + coalesce(d.balance, 0) AS balance, p.created_at,
	coalesce((SELECT max(t.at) FROM ledger.transfer t
		WHERE t.person_id = p.id AND t.unit = 'credit'), p.created_at) AS updated_at
FROM store.person p
LEFT JOIN ledger.account a ON a.person_id = p.id AND a.unit = 'credit' AND a.role = 'available'
LEFT JOIN ledger.account d ON d.person_id = p.id AND d.unit = 'credit' AND d.role = 'debt';

CREATE VIEW report.credit_transactions AS
SELECT l.id, l.user_id, l.type, l.amount, l.ref_type, t.payment_id, t.job_id, l.description,
	l.created_at
FROM report.ledger l JOIN ledger.transfer t ON t.id = l.id
WHERE l.unit = 'credit';

GRANT SELECT ON ALL TABLES IN SCHEMA report TO atelier_ctl;
RESET ROLE;
