-- What the operator's tool may do, and the views of schema report.
SET LOCAL ROLE atelier_owner;

-- See store.hello. Called once per connection.
CREATE FUNCTION ctl.hello(OUT schema int, OUT fsync text, OUT full_page_writes text,
	OUT synchronous_commit text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT * FROM store.hello();
$$;

-- Gives a person something (p_amount > 0) or takes it away (< 0), with the reason and who did it.
-- p_key makes it one: the same again answers again; with other contents it is an error (P0409).
-- Returns the outcome (done, again, short, nobody) and what is available now.
-- Called by `atelierctl adjust`.
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
	WHERE t.person_id = p_person ORDER BY t.id;
$$;

-- The invariants that do not hold; no row is a pass. Called by `atelierctl verify`.
CREATE FUNCTION ctl.verify()
RETURNS TABLE (invariant text, what text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT invariant, what FROM ledger.broken ORDER BY 1, 2;
$$;

-- Puts an operator's errand into a lane and returns its id. Called by `atelierctl webhook`.
CREATE FUNCTION ctl.task_put(p_lane text, p_kind text, p_payload jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF (p_lane, p_kind) IS DISTINCT FROM ('chat', 'webhook') THEN
		RAISE EXCEPTION 'not an errand: % %', p_lane, p_kind USING ERRCODE = 'P0403';
	END IF;
	RETURN store.task_add(p_kind, p_payload);
END $$;

-- How an errand gets on: state ready, leased, done or dead, why, and what came of it. No row: no
-- such errand. Called by `atelierctl webhook`.
CREATE FUNCTION ctl.task_get(p_id bigint)
RETURNS TABLE (state text, class text, error text, result jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT state::text, class, error, memo FROM store.task WHERE id = p_id AND kind = 'webhook';
$$;

-- See store.health. Called by `atelierctl status`.
CREATE FUNCTION ctl.status()
RETURNS TABLE (metric text, labels text, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT * FROM store.health();
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
SELECT p.id, p.id AS user_id, round(coalesce(a.balance, 0) / 100.0, 2) AS balance,
	coalesce((SELECT max(t.at) FROM ledger.transfer t WHERE t.person_id = p.id AND t.unit = 'rub'),
		p.created_at) AS updated_at
FROM store.person p
LEFT JOIN ledger.account a ON a.person_id = p.id AND a.unit = 'rub' AND a.role = 'available';

-- What changed a person's purses: the amounts of a unit sum to what is available.
CREATE VIEW report.ledger AS
SELECT t.id, t.person_id AS user_id, CASE WHEN t.kind IN ('release', 'refund') THEN 'refund'
		WHEN c.role = 'available' THEN 'credit' ELSE 'debit' END AS type,
	CASE WHEN c.role = 'available' THEN 1 ELSE -1 END
		* CASE WHEN t.unit IN ('rub', 'usd') THEN round(t.amount / 100.0, 2) ELSE t.amount END
		AS amount,
	t.unit::text AS unit,
	CASE WHEN t.kind = 'hold' THEN 'reservation' WHEN t.job_id IS NOT NULL THEN 'job'
		WHEN t.kind = 'correction' THEN 'admin' WHEN t.kind = 'topup' THEN 'payment'
		ELSE t.kind::text END AS ref_type,
	coalesce(t.job_id, t.actor) AS ref_id, t.note AS description, t.at AS created_at
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

GRANT SELECT ON ALL TABLES IN SCHEMA report TO atelier_ctl;
RESET ROLE;
