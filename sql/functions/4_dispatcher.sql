-- What a dispatcher may do: lease tasks, keep the leases, settle what the helpers report, tidy up.
SET LOCAL ROLE atelier_owner;

-- The tasks of the chat lane that may leave now: of each chat only the oldest open one, and only
-- when the chat's budget allows it. Locks and returns their ids. Called by dispatcher.claim.
CREATE FUNCTION store.claim_chat(p_floor timestamptz, p_limit int)
RETURNS bigint[] LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_now constant timestamptz := clock_timestamp();
	v_ids bigint[];
BEGIN
	SELECT array_agg(id) INTO v_ids FROM (
		SELECT t.id FROM store.task t
		WHERE t.lane = 'chat' AND t.state = 'ready' AND t.run_at BETWEEN p_floor AND v_now
			AND NOT EXISTS (SELECT 1 FROM store.task o WHERE o.chat_id = t.chat_id AND o.id < t.id
				AND o.lane = 'chat' AND o.state IN ('ready', 'leased'))
			AND NOT EXISTS (SELECT 1 FROM store.chat c WHERE c.id = t.chat_id AND c.next_at > v_now)
		ORDER BY t.prio, t.run_at, t.id LIMIT p_limit FOR NO KEY UPDATE OF t SKIP LOCKED
	) AS due;
	-- One message a second, and five at once after a quiet while. The only place of these figures.
	INSERT INTO store.chat AS c (id, next_at)
	SELECT DISTINCT t.chat_id, v_now - interval '3 seconds'
	FROM store.task t WHERE t.id = ANY (v_ids) AND t.chat_id IS NOT NULL ORDER BY t.chat_id
	ON CONFLICT (id) DO UPDATE
		SET next_at = greatest(c.next_at, v_now - interval '4 seconds') + interval '1 second';
	RETURN v_ids;
END $$;

-- The tasks of any other lane that are due. Locks and returns their ids; a submit whose job is
-- locked just now is left for the next claim (we hold the task, others take the job first). The
-- intent of each submit is written into its job before the call is made. Called by
-- dispatcher.claim.
CREATE FUNCTION store.claim_work(p_lane store.lane_name, p_floor timestamptz, p_limit int)
RETURNS bigint[] LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_now constant timestamptz := clock_timestamp();
	v_ids bigint[];
	v_jobs bigint[];
	v_begun bigint[];
BEGIN
	SELECT array_agg(id), array_agg(job_id) FILTER (WHERE kind = 'submit') INTO v_ids, v_jobs
	FROM (
		SELECT t.id, t.job_id, t.kind FROM store.task t
		WHERE t.lane = p_lane AND t.state = 'ready' AND t.run_at BETWEEN p_floor AND v_now
		ORDER BY t.prio, t.run_at, t.id LIMIT p_limit FOR NO KEY UPDATE OF t SKIP LOCKED
	) AS due;
	IF v_jobs IS NULL THEN
		RETURN v_ids;
	END IF;
	SELECT coalesce(array_agg(id), '{}') INTO v_jobs FROM (
		SELECT id FROM store.job WHERE id = ANY (v_jobs) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
	) AS own;
	SELECT array_agg(id) INTO v_begun FROM store.job
	WHERE id = ANY (v_jobs) AND status = 'pending';
	UPDATE store.job SET submits = submits + 1, status = 'processing',
		progress = greatest(progress, 10), started_at = coalesce(started_at, v_now)
	WHERE id = ANY (v_jobs);
	PERFORM store.job_progress(id) FROM unnest(v_begun) AS b(id) ORDER BY id;
	RETURN (SELECT array_agg(id) FROM store.task
		WHERE id = ANY (v_ids) AND (kind <> 'submit' OR job_id = ANY (v_jobs)));
END $$;

-- Leases up to p_limit due tasks of a lane to p_holder for p_lease_s seconds: fence and attempts
-- grow by one. Returns them in the order they should be done; lang is the person's. What is said
-- about a job or payment edits its status message, or is a new one when there is none. Called by the
-- dispatcher whenever a helper has room.
CREATE FUNCTION dispatcher.claim(p_lane text, p_limit int, p_holder text, p_lease_s int)
RETURNS TABLE (id bigint, fence int, kind text, chat_id bigint, lang text, message_id bigint,
	job_id bigint, payload jsonb, memo jsonb, attempts int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	v_lane store.lane;
	v_ids bigint[];
BEGIN
	SELECT * INTO STRICT v_lane FROM store.lane WHERE name = p_lane::store.lane_name;
	IF p_limit < 1 OR v_lane.pause_until > clock_timestamp() THEN
		RETURN;
	END IF;
	IF v_lane.name = 'chat' THEN
		v_ids := store.claim_chat(v_lane.floor_at, p_limit);
	ELSE
		v_ids := store.claim_work(v_lane.name, v_lane.floor_at, p_limit);
	END IF;
	RETURN QUERY
	WITH leased AS (
		UPDATE store.task t SET state = 'leased', fence = t.fence + 1, attempts = t.attempts + 1,
			lease_until = clock_timestamp() + interval '1 second' * p_lease_s, holder = p_holder,
			kind = CASE WHEN t.kind NOT IN ('say', 'edit') OR coalesce(t.job_id, t.payment_id) IS NULL
				THEN t.kind WHEN coalesce(m.status_message_id, y.status_message_id) IS NULL THEN 'say'
				ELSE 'edit' END
		FROM unnest(v_ids) AS v(id)
		JOIN store.task s ON s.id = v.id
		LEFT JOIN store.job m ON m.id = s.job_id
		LEFT JOIN store.payment y ON y.id = s.payment_id AND s.lane = 'chat'
		WHERE t.id = v.id
		RETURNING t.*, coalesce(m.status_message_id, y.status_message_id) AS status_message_id
	)
	SELECT l.id, l.fence, l.kind, l.chat_id,
		CASE WHEN l.chat_id IS NOT NULL THEN coalesce(p.lang, 'ru') END,
		CASE l.kind WHEN 'edit' THEN coalesce(l.message_id, l.status_message_id) END,
		l.job_id, l.payload, l.memo, l.attempts
	FROM leased l LEFT JOIN store.person p ON p.id = l.person_id
	ORDER BY l.prio, l.run_at, l.id;
END $$;

-- Extends the leases that are still held and returns their ids; one that is missing in the answer
-- is lost: its helper should stop. p_lane: of the helper that holds them; those of others are not its. Called
-- every few seconds for all leases.
CREATE FUNCTION dispatcher.beat(p_ids bigint[], p_fences int[], p_lease_s int,
	p_lane text DEFAULT NULL)
RETURNS SETOF bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY WITH held AS (
		SELECT t.id FROM unnest(p_ids, p_fences) AS h(id, fence)
		JOIN store.task t ON t.id = h.id AND t.fence = h.fence AND t.state = 'leased'
			AND t.lane = coalesce(p_lane::store.lane_name, t.lane)
		ORDER BY t.id FOR NO KEY UPDATE OF t
	)
	UPDATE store.task t SET lease_until = clock_timestamp() + interval '1 second' * p_lease_s
	FROM held WHERE t.id = held.id RETURNING t.id;
END $$;

-- Settles what helpers report; see store.task_outcome and below it for what each outcome does.
-- Returns one row for each: ok, or stale when the lease was not the current one (then it had no
-- effect) or the task is of another lane than the helper that reported it. p_unknown_s: how long an order
-- of unknown fate is looked for; p_lanes: whose word each is, NULL: the dispatcher's own. Called with what
-- the helpers sent.
CREATE FUNCTION dispatcher.report(p_ids bigint[], p_fences int[], p_outcomes text[],
	p_classes text[], p_texts text[], p_retry_ms int[], p_results jsonb[], p_unknown_s int,
	p_lanes text[] DEFAULT NULL)
RETURNS TABLE (id bigint, answer text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	v_payments bigint[]; -- that each report is about, if any: also those that only the provider knows
BEGIN
	SELECT array_agg(coalesce(t.payment_id, CASE t.lane WHEN 'pay' THEN store.payment_find(
		t.payload ->> 'provider', coalesce(u.result ->> 'payment', u.result ->> 'ext_id'),
		u.result ->> 'order') END) ORDER BY u.n)
	INTO v_payments
	FROM unnest(p_ids, p_results) WITH ORDINALITY AS u(id, result, n)
	LEFT JOIN store.task t ON t.id = u.id;
	PERFORM store.task_lock(p_ids, (SELECT array_agg(u.id) FROM unnest(p_ids, p_classes)
		AS u(id, class) WHERE u.class = 'unreachable'), v_payments);
	FOR id, answer IN -- by person: accounts are locked in that order everywhere
		SELECT r.id, CASE WHEN r.own THEN store.task_report(r.id, r.fence, r.outcome, r.class,
			r.text, r.retry_ms, r.result, p_unknown_s) ELSE 'stale' END
		FROM (
			SELECT u.*, coalesce(j.person_id, y.person_id, t.person_id) AS person,
				u.lane IS NULL OR u.lane::store.lane_name IS NOT DISTINCT FROM t.lane AS own
			FROM unnest(p_ids, p_fences, p_outcomes, p_classes, p_texts, p_retry_ms, p_results,
				v_payments, p_lanes) WITH ORDINALITY
				AS u(id, fence, outcome, class, text, retry_ms, result, payment, lane, n)
			LEFT JOIN store.task t ON t.id = u.id
			LEFT JOIN store.job j ON j.id = t.job_id
			LEFT JOIN store.payment y ON y.id = u.payment
			ORDER BY person, u.n OFFSET 0
		) AS r
	LOOP
		RETURN NEXT;
	END LOOP;
END $$;

-- The holder of these leases is gone: each counts as outcome unknown of class lost. Called when a
-- helper's socket closes, with its lane.
CREATE FUNCTION dispatcher.abandon(p_ids bigint[], p_fences int[], p_unknown_s int,
	p_lane text DEFAULT NULL)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT dispatcher.report(array_agg(u.id), array_agg(u.fence), array_agg('unknown'::text),
		array_agg('lost'::text), array_agg('the helper is gone'::text), array_agg(NULL::int),
		array_agg(NULL::jsonb), p_unknown_s, array_agg(p_lane))
	FROM unnest(p_ids, p_fences) AS u(id, fence);
$$;

-- One job past its deadline: fails as late, and the provider is told to stop when it has the order.
-- Called by dispatcher.reap, which holds the job's row.
CREATE FUNCTION store.job_late(j store.job)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM store.job_fail(j.id, 'late', 'past its deadline in step ' || j.step);
	IF j.request ? 'request_id' THEN
		PERFORM store.task_add('cancel',
			store.job_ref(j) || jsonb_build_object('request', j.request), j.id,
			p_dedup => 'job:' || j.id || ':cancel');
	END IF;
END $$;

-- One task or job that reap has found; the caller holds its rows. One that cannot be settled (there should be
-- none) is put off: all others would wait for ever behind it. Called by dispatcher.reap.
CREATE FUNCTION store.reap_one(t store.task, j store.job, p_unknown_s int)
RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF t.id IS NULL THEN
		PERFORM store.job_late(j);
	ELSE
		PERFORM store.task_outcome(t, 'unknown', 'lost', 'the lease ran out', NULL, NULL,
			p_unknown_s);
	END IF;
	RETURN true;
EXCEPTION WHEN data_exception OR integrity_constraint_violation OR case_not_found OR no_data_found
	OR SQLSTATE 'P0409' OR SQLSTATE 'P0410'
THEN
	RAISE WARNING 'task % of job % cannot be settled: %', t.id, j.id, SQLERRM;
	UPDATE store.task SET lease_until = clock_timestamp() + interval '1 minute' WHERE id = t.id;
	UPDATE store.job SET deadline_at = clock_timestamp() + interval '1 minute'
	WHERE t.id IS NULL AND id = j.id;
	RETURN false;
END $$;

-- Tidies up after the dead: leases that ran out count as abandoned, jobs past their deadline fail
-- (not in step deliver: the result is there). Small batches, waits for no task and no job; by
-- person, see dispatcher.report. Also moves the lanes' left edges. Returns how many it settled.
-- Called every few seconds.
CREATE FUNCTION dispatcher.reap(p_unknown_s int)
RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_now constant timestamptz := clock_timestamp();
	v_count int := 0;
	c record;
	j store.job;
	t store.task;
BEGIN
	FOR c IN
		SELECT * FROM (
			(SELECT k.id AS task, k.job_id AS job, k.payment_id AS payment,
				coalesce(k.person_id, o.person_id, y.person_id) AS person
			FROM store.task k LEFT JOIN store.job o ON o.id = k.job_id
			LEFT JOIN store.payment y ON y.id = k.payment_id
			WHERE k.state = 'leased' AND k.lease_until < v_now LIMIT 50)
			UNION ALL
			(SELECT NULL, k.id, NULL, k.person_id FROM store.job k
			WHERE k.status IN ('pending', 'processing') AND k.step <> 'deliver'
				AND k.deadline_at < v_now LIMIT 50)
		) AS found ORDER BY person NULLS FIRST, job, task NULLS LAST
	LOOP
		j := NULL;
		t := NULL;
		IF c.job IS NOT NULL THEN
			SELECT * INTO j FROM store.job WHERE id = c.job FOR NO KEY UPDATE SKIP LOCKED;
			CONTINUE WHEN NOT FOUND;
		END IF;
		IF c.payment IS NOT NULL THEN
			PERFORM 1 FROM store.payment WHERE id = c.payment FOR NO KEY UPDATE SKIP LOCKED;
			CONTINUE WHEN NOT FOUND;
		END IF;
		IF c.task IS NULL THEN
			CONTINUE WHEN j.step IN ('deliver', 'done') OR j.deadline_at >= v_now;
		ELSE
			SELECT * INTO t FROM store.task WHERE id = c.task AND state = 'leased'
				AND lease_until < v_now FOR NO KEY UPDATE SKIP LOCKED;
			CONTINUE WHEN NOT FOUND;
		END IF;
		IF store.reap_one(t, j, p_unknown_s) THEN
			v_count := v_count + 1;
		END IF;
	END LOOP;
	-- Ten seconds of margin: run_at is a transaction's start, and the row appears at its end.
	UPDATE store.lane l SET floor_at = least(v_now, (SELECT min(k.run_at) FROM store.task k
		WHERE k.lane = l.name AND k.state = 'ready')) - interval '10 seconds';
	RETURN v_count;
END $$;

-- Deletes what is only kept for a short while: updates and albums after three days, ended tasks after one, and after a
-- month what was offered and not ordered, who got which broadcast, and updates that could not be handled. Returns how many rows went;
-- call again soon while that is 1000 or more. Called once a minute.
CREATE FUNCTION dispatcher.purge()
RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_updates int;
	v_tasks int;
	v_quotes int;
	v_parked int;
	v_told int;
BEGIN
	DELETE FROM store.update WHERE id IN (SELECT id FROM store.update
		WHERE at < now() - interval '3 days' LIMIT 1000 FOR UPDATE SKIP LOCKED);
	GET DIAGNOSTICS v_updates = ROW_COUNT;
	DELETE FROM store.task WHERE id IN (SELECT id FROM store.task
		WHERE state IN ('done', 'dead') AND done_at < now() - interval '1 day'
		ORDER BY done_at LIMIT 1000 FOR UPDATE SKIP LOCKED);
	GET DIAGNOSTICS v_tasks = ROW_COUNT;
	DELETE FROM store.quote WHERE id IN (SELECT id FROM store.quote
		WHERE state <> 'ordered' AND created_at < now() - interval '30 days'
		ORDER BY created_at LIMIT 1000 FOR UPDATE SKIP LOCKED);
	GET DIAGNOSTICS v_quotes = ROW_COUNT;
	DELETE FROM store.album WHERE id IN (SELECT id FROM store.album
		WHERE created_at < now() - interval '3 days' ORDER BY created_at LIMIT 1000 FOR UPDATE SKIP LOCKED);
	DELETE FROM store.broadcast_person WHERE (broadcast_id, person_id) IN (SELECT t.broadcast_id, t.person_id
		FROM store.broadcast_person t JOIN store.broadcast b ON b.id = t.broadcast_id
		WHERE b.finished_at < now() - interval '30 days' LIMIT 1000 FOR UPDATE OF t SKIP LOCKED);
	GET DIAGNOSTICS v_told = ROW_COUNT;
	DELETE FROM store.parked WHERE update_id IN (SELECT update_id FROM store.parked
		WHERE at < now() - interval '30 days' ORDER BY at LIMIT 1000 FOR UPDATE SKIP LOCKED);
	GET DIAGNOSTICS v_parked = ROW_COUNT;
	RETURN v_updates + v_tasks + v_quotes + v_parked + v_told;
END $$;

-- Puts the questions that are due: about open payments (at most p_limit of them) and refunds; a payment of
-- which nothing has come three days after it expired is canceled, but not while the provider gives no
-- answers. Also ends a reconciliation. Returns how many it put. Called with dispatcher.reap, so it covers a
-- start and a time without database too.
CREATE FUNCTION dispatcher.pay_due(p_limit int)
RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_now constant timestamptz := clock_timestamp();
	v_count int := 0;
	y store.payment;
	r store.refund;
BEGIN
	FOR y IN SELECT * FROM store.payment WHERE next_ask_at <= v_now
		ORDER BY next_ask_at, id LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED
	LOOP
		v_count := v_count + store.payment_due(y, v_now);
	END LOOP;
	FOR r IN SELECT * FROM store.refund WHERE next_ask_at <= v_now
		ORDER BY next_ask_at, id LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED
	LOOP
		v_count := v_count + store.refund_due(r, v_now);
	END LOOP;
	PERFORM store.reconcile_close();
	RETURN v_count;
END $$;

-- Who hears alerts (the setting ADMIN_IDS). Called when the dispatcher has a database.
CREATE FUNCTION dispatcher.admins_set(p_ids bigint[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	DELETE FROM store.admin WHERE person_id <> ALL (p_ids);
	INSERT INTO store.admin (person_id) SELECT DISTINCT unnest(p_ids) ON CONFLICT DO NOTHING;
END $$;

-- What the settings say that money depends on: yookassa_shop_id, yookassa_test, betatransfer_test. Called
-- when the dispatcher has a database.
CREATE FUNCTION dispatcher.settings_set(p_settings jsonb)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO store.setting (name, value) SELECT key, value FROM jsonb_each_text(p_settings)
	ON CONFLICT (name) DO UPDATE SET value = excluded.value;
$$;

-- Starts a reconciliation of what was made since then, or returns the one under way.
CREATE FUNCTION dispatcher.reconcile_start(p_since timestamptz)
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.reconcile_open(p_since, false);
$$;

-- Starts the nightly reconciliation, once a day from 03:00 UTC on; over four days, as a payment may be
-- asked about for three. Returns its number, or NULL when there is nothing to start. Called every minute.
CREATE FUNCTION dispatcher.reconcile_due()
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_from constant timestamptz := (date_trunc('day', clock_timestamp() AT TIME ZONE 'UTC')
		+ interval '3 hours') AT TIME ZONE 'UTC';
BEGIN
	IF clock_timestamp() < v_from OR EXISTS (SELECT 1 FROM store.reconcile
		WHERE finished_at IS NULL OR (nightly AND started_at >= v_from))
	THEN
		RETURN NULL;
	END IF;
	RETURN store.reconcile_open(clock_timestamp() - interval '4 days', true);
END $$;

-- See store.hello. Called once per connection.
CREATE FUNCTION dispatcher.hello(OUT schema int, OUT fsync text, OUT full_page_writes text,
	OUT synchronous_commit text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT * FROM store.hello();
$$;

-- Folds the ledger's new rows into store.tally, by id. An id is drawn before its row is committed, so what is there
-- now is marked, and folded by a later call, when every transaction that could hold an id below the mark has ended.
-- True when there is more to do at once. Called every 10 seconds.
CREATE FUNCTION dispatcher.tally()
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	c_batch constant int := 100000;
	c store.tally_cursor;
BEGIN
	SELECT * INTO c FROM store.tally_cursor FOR NO KEY UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN false; -- another dispatcher is at it
	END IF;
	IF c.mark_xid <= pg_snapshot_xmin(pg_current_snapshot()) AND c.mark_id > c.folded_id THEN
		INSERT INTO store.tally AS y (kind, unit, amount, count)
		SELECT kind, unit, sum(amount), count(*) FROM ledger.transfer
		WHERE id > c.folded_id AND id <= least(c.mark_id, c.folded_id + c_batch)
		GROUP BY kind, unit
		ON CONFLICT (kind, unit) DO UPDATE SET amount = y.amount + excluded.amount, count = y.count + excluded.count;
		UPDATE store.tally_cursor SET folded_id = least(c.mark_id, c.folded_id + c_batch)
		RETURNING * INTO c;
	END IF;
	-- The second: transactions are numbered anew in a database that was restored from a backup.
	IF c.mark_id = c.folded_id OR c.mark_xid > pg_snapshot_xmax(pg_current_snapshot()) THEN
		UPDATE store.tally_cursor SET mark_id = s.id, mark_xid = s.xid
		FROM (SELECT coalesce(max(id), 0) AS id, pg_snapshot_xmax(pg_current_snapshot()) AS xid FROM ledger.transfer) AS s;
	END IF;
	RETURN c.mark_id > c.folded_id AND c.mark_xid <= pg_snapshot_xmin(pg_current_snapshot());
END $$;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA dispatcher TO atelier_dispatcher;
RESET ROLE;
