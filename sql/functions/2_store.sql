-- What responder, dispatcher and ctl share: tasks, notices, and what becomes of a task. Not granted.
SET LOCAL ROLE atelier_owner;

-- Amounts in the args of a notice are objects. Called wherever money is told.
CREATE FUNCTION store.money(p_unit ledger.unit, p_amount bigint)
RETURNS jsonb LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('unit', p_unit, 'amount', p_amount);
$$;

-- What changed a person's purses, newest first, before transfer p_before (NULL: all). Called by
-- responder.statement and responder.statement_csv.
CREATE FUNCTION store.statement(p_person bigint, p_before bigint)
RETURNS TABLE (id bigint, at timestamptz, kind text, unit text, amount bigint, after bigint,
	job bigint, payment bigint, note text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT t.id, t.at, t.kind::text, t.unit::text,
		CASE d.role WHEN 'available' THEN -t.amount ELSE t.amount END,
		CASE d.role WHEN 'available' THEN t.d_after ELSE t.c_after END,
		t.job_id, t.payment_id, t.note
	FROM ledger.transfer t
	JOIN ledger.account d ON d.id = t.debit
	JOIN ledger.account c ON c.id = t.credit
	WHERE t.person_id = p_person AND t.id < coalesce(p_before, 9223372036854775807)
		AND 'available' IN (d.role, c.role)
	ORDER BY t.id DESC;
$$;

-- An amount as a number in a file: money with two decimals.
CREATE FUNCTION store.unit_text(p_unit text, p_amount bigint)
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN p_unit IN ('rub', 'usd') THEN round(p_amount / 100.0, 2)::text
		ELSE p_amount::text END;
$$;

-- A line of a CSV file (RFC 4180). What a spreadsheet would take for a formula is made text.
CREATE FUNCTION store.csv_line(VARIADIC p_fields text[])
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT string_agg(CASE WHEN f.text ~ '^[=+@\t\r]' OR (f.text ~ '^-' AND f.text !~ '^-[0-9.]+$')
		THEN '"''' || replace(f.text, '"', '""') || '"'
		WHEN f.text ~ '[",\n\r]' THEN '"' || replace(f.text, '"', '""') || '"'
		ELSE coalesce(f.text, '') END, ',' ORDER BY f.n) || E'\n'
	FROM unnest(p_fields) WITH ORDINALITY AS f(text, n);
$$;

-- What a program asks before it works: the schema it meets, and whether commits last.
-- Called by responder.hello, dispatcher.hello, ctl.hello.
CREATE FUNCTION store.hello(OUT schema int, OUT fsync text, OUT full_page_writes text,
	OUT synchronous_commit text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce((SELECT max(number) FROM store.migration), 0), current_setting('fsync'),
		current_setting('full_page_writes'), current_setting('synchronous_commit');
$$;

-- Puts a task into its lane and returns its id, or NULL when its dedup key is there already. One with a
-- topic is put by store.ask_put.
-- Called by everything that wants something done outside.
CREATE FUNCTION store.task_add(p_kind text, p_payload jsonb, p_job bigint DEFAULT NULL,
	p_person bigint DEFAULT NULL, p_message bigint DEFAULT NULL, p_dedup text DEFAULT NULL,
	p_wait interval DEFAULT '0', p_payment bigint DEFAULT NULL, p_topic text DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_id bigint;
BEGIN
	INSERT INTO store.task (lane, kind, person_id, chat_id, job_id, message_id, payload, prio,
		max_attempts, run_at, dedup, payment_id, topic)
	SELECT k.lane::store.lane_name, p_kind, p_person,
		CASE WHEN k.lane = 'chat' AND p_kind NOT IN ('webhook', 'take', 'probe') THEN p_person END, p_job, p_message,
		p_payload, k.prio, k.max_attempts, now() + p_wait, p_dedup, p_payment, p_topic
	FROM (VALUES
		('say', 'chat', 1, 30), ('edit', 'chat', 1, 30), ('photo', 'chat', 0, 30),
		('document', 'chat', 1, 10), ('resend', 'chat', 1, 10), ('webhook', 'chat', 0, 5),
		('probe', 'chat', 0, 1), ('pay_probe', 'pay', 0, 1), ('media_probe', 'media', 0, 1),
		('take', 'chat', 2, 20), ('copy', 'chat', 4, 10),
		-- how often is decided by store.pay_outcome
		('pay_create', 'pay', 0, 1000000), ('pay_refund', 'pay', 1, 1000000),
		('pay_ask', 'pay', 2, 1000000), ('pay_refund_ask', 'pay', 2, 1000000),
		('pay_list', 'pay', 3, 8),
		-- what has been begun goes before what is new; a poll is bounded by the job's deadline
		('fetch', 'media', 0, 20), ('poll', 'media', 1, 1000000), ('lookup', 'media', 1, 20),
		('clean', 'media', 1, 6), ('render', 'media', 1, 6),
		('submit', 'media', 2, 6), ('chart', 'media', 2, 3), ('cancel', 'media', 3, 20),
		('sweep', 'media', 4, 20)
	) AS k(kind, lane, prio, max_attempts)
	WHERE k.kind = p_kind
	ON CONFLICT (dedup) DO NOTHING
	RETURNING id INTO v_id;
	RETURN v_id;
END $$;

-- Ends a task as done or dead and keeps why, or what came of it. Called by the outcomes below.
CREATE FUNCTION store.task_close(p_id bigint, p_state store.task_state, p_class text, p_error text,
	p_result jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE store.task SET state = p_state, lease_until = NULL, holder = NULL, class = p_class,
		error = left(p_error, 1000), memo = memo || coalesce(p_result, '{}'),
		done_at = clock_timestamp()
	WHERE id = p_id;
END $$;

-- Makes a leased task ready again after a wait, with more to remember; p_attempts is added to the
-- attempts (-1: this one does not count). Called by the outcomes below.
CREATE FUNCTION store.task_again(p_id bigint, p_wait interval, p_attempts int, p_class text,
	p_error text, p_memo jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE store.task SET state = 'ready', lease_until = NULL, holder = NULL, class = p_class,
		error = left(p_error, 1000), attempts = greatest(attempts + p_attempts, 0),
		memo = memo || coalesce(p_memo, '{}'), run_at = clock_timestamp() + p_wait
	WHERE id = p_id;
END $$;

-- Keeps a chat quiet for a while: Telegram said so. Called by store.task_later.
CREATE FUNCTION store.chat_pause(p_chat bigint, p_wait interval)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO store.chat AS c (id, next_at) VALUES (p_chat, clock_timestamp() + p_wait)
	ON CONFLICT (id) DO UPDATE SET next_at = greatest(c.next_at, excluded.next_at);
$$;

-- A person whom Telegram does not let us write to: marks him, and kills what waits to be said to
-- him. One that is locked just now is left: it finds out by itself. So are results: a job must hear
-- what became of its own. Called by store.task_refused.
CREATE FUNCTION store.person_unreachable(p_person bigint)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	UPDATE store.person SET unreachable_at = coalesce(unreachable_at, now()) WHERE id = p_person;
	UPDATE store.task SET state = 'dead', fence = fence + 1, class = 'unreachable', done_at = now()
	WHERE id IN (SELECT id FROM store.task
		WHERE chat_id = p_person AND lane = 'chat' AND state = 'ready' AND kind IN ('say', 'edit')
		ORDER BY id FOR NO KEY UPDATE SKIP LOCKED);
$$;

-- Median seconds of the offer's last 20 completed jobs, NULL when there are fewer than 3.
-- Says something in the status message of a job: replaces the notice that still waits to leave, so
-- that progress coalesces; an ending is never replaced. Which message it edits, or whether it is a
-- What a task of a provider must know beside its own: whom to ask, and about what.
-- Fails an open job: the hold is released, what was under way is dropped, the person is told what
-- came back, the files are swept. The caller holds the job's row. Called by the outcomes and by
-- The requests that are known to be other jobs', of those that look like this one's (same input):
-- The provider has the order (told by it, or found): the next step is to ask how it gets on.
-- Makes the job of an open quote: the hold, the job, its first task, its status notice with the
-- place in the queue. Returns its id, or NULL when the purse does not suffice. The caller holds the
-- The result has been accepted by Telegram: the hold is taken, the job is complete, the person is
-- Whether the result of a done task has what its kind needs; p_ref: its job or payment. Called by
-- store.task_done.
CREATE FUNCTION store.result_fits(p_kind text, p_ref bigint, p_result jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(CASE
		WHEN p_kind = 'lookup' OR (p_kind = 'submit' AND NOT p_result ? 'files') THEN
			jsonb_typeof(p_result -> 'request_id') = 'string'
		WHEN p_kind IN ('take', 'clean', 'render', 'chart', 'submit', 'poll', 'fetch') THEN
			jsonb_typeof(p_result -> 'files') = 'array' AND jsonb_array_length(p_result -> 'files') > 0
		WHEN p_kind IN ('photo', 'resend', 'copy') OR (p_kind = 'say' AND p_ref IS NOT NULL) THEN
			(p_result ->> 'message_id')::bigint > 0
		ELSE true END, false);
$$;

-- Outcome done: the task has its effect. A result that lacks what is needed is a data_exception,
-- see store.task_report. Called by store.task_outcome.
CREATE FUNCTION store.task_done(t store.task, p_result jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT store.result_fits(t.kind, coalesce(t.job_id, t.payment_id), p_result) THEN
		RAISE EXCEPTION 'result of % does not fit: %', t.kind, left(p_result::text, 200)
			USING ERRCODE = 'data_exception';
	END IF;
	PERFORM store.task_close(t.id, 'done', NULL, NULL, p_result);
	CASE
	WHEN t.kind IN ('submit', 'lookup') THEN -- another job's request is refused by job_request
		PERFORM store.job_ordered(t.job_id, p_result);
	WHEN t.kind = 'poll' THEN
		UPDATE store.job SET step = 'fetch' WHERE id = t.job_id;
		PERFORM store.task_add('fetch',
			jsonb_build_object('job', t.job_id, 'provider', t.payload -> 'provider', 'files', p_result -> 'files'),
			t.job_id);
	WHEN t.kind IN ('fetch', 'render') THEN
		PERFORM store.job_made(t.job_id, p_result -> 'files');
	WHEN t.kind = 'take' THEN
		PERFORM store.job_taken_in(t.job_id, p_result -> 'files');
	WHEN t.kind = 'clean' THEN
		PERFORM store.job_inputs(t.job_id, p_result -> 'files');
	WHEN t.kind = 'resend' AND t.payload ? 'file' THEN -- the original: Telegram keeps it from now on
		UPDATE store.job SET result = result || jsonb_build_object('original', p_result -> 'file_id')
		WHERE id = t.job_id;
	WHEN t.kind = 'chart' THEN
		PERFORM store.chart_made(t, p_result -> 'files');
	WHEN t.kind = 'copy' THEN
		PERFORM store.broadcast_told(t, 'sent');
	WHEN t.kind = 'photo' AND t.job_id IS NULL THEN
		PERFORM store.chart_sweep(t);
	WHEN t.kind = 'photo' THEN
		PERFORM store.job_complete(t.job_id,
			jsonb_build_object('files', t.payload -> 'files') || p_result);
	WHEN t.kind = 'say' AND t.job_id IS NOT NULL THEN
		UPDATE store.job SET status_message_id = (p_result ->> 'message_id')::bigint
		WHERE id = t.job_id;
	WHEN t.kind = 'say' AND t.payment_id IS NOT NULL THEN
		UPDATE store.payment SET status_message_id = (p_result ->> 'message_id')::bigint
		WHERE id = t.payment_id;
	ELSE
		NULL; -- edit, document, webhook, cancel, sweep, and what is said beside jobs
	END CASE;
END $$;

-- A task that will not be tried again: its job fails with it, when it was a link of the job's
-- chain. Called by the outcomes below.
CREATE FUNCTION store.task_dead(t store.task, p_class text, p_text text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM store.task_close(t.id, 'dead', p_class, p_text, NULL);
	IF t.kind = 'submit' AND p_class = 'gone' THEN
		PERFORM store.offer_gone(j, p_text) FROM store.job j WHERE j.id = t.job_id;
	END IF;
	IF t.kind IN ('take', 'clean', 'render', 'submit', 'lookup', 'poll', 'fetch') THEN
		PERFORM store.job_fail(t.job_id, p_class, p_text);
	ELSIF t.kind = 'chart' THEN
		PERFORM store.task_add('sweep', jsonb_build_object('job', t.payload -> 'job'));
	ELSIF t.kind = 'copy' THEN
		PERFORM store.broadcast_told(t, CASE p_class WHEN 'unreachable' THEN p_class ELSE 'failed' END);
	ELSIF t.kind = 'photo' AND t.job_id IS NULL THEN
		PERFORM store.chart_sweep(t);
	ELSIF t.kind = 'photo' THEN
		PERFORM store.job_fail(t.job_id,
			CASE p_class WHEN 'unreachable' THEN p_class ELSE 'ours' END,
			concat_ws(': ', p_class, p_text));
	END IF;
END $$;

-- An order of unknown fate was looked for long enough: one more order at most, else the job fails.
-- How long a poll waits so that all of one provider stay under ten a second. Called by store.task_later.
CREATE FUNCTION store.poll_wait(t store.task)
RETURNS interval LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN greatest(interval '1 second', interval '0.1 second' * (SELECT count(*) FROM (SELECT 1 FROM store.task k
		WHERE k.kind = 'poll' AND k.state IN ('ready', 'leased')
			AND k.payload ->> 'provider' = t.payload ->> 'provider' LIMIT 300) AS open));
END $$;

-- Outcome later: not yet, and not counted as an attempt; the result is remembered in the memo.
-- Without a wish (no wait) a second passes. Called by store.task_outcome.
CREATE FUNCTION store.task_later(t store.task, p_class text, p_text text, p_wait interval,
	p_result jsonb, p_unknown interval)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF t.kind = 'lookup' AND clock_timestamp() >=
		(SELECT unknown_at FROM store.job WHERE id = t.job_id) + p_unknown
	THEN
		PERFORM store.lookup_over(t);
		RETURN;
	END IF;
	PERFORM store.task_again(t.id, CASE WHEN t.kind = 'poll' THEN greatest(p_wait, store.poll_wait(t))
		WHEN p_wait > '0' THEN p_wait ELSE '1 second' END, -1, p_class, p_text, p_result);
	IF t.lane = 'chat' AND p_class = 'rate' THEN
		IF t.chat_id IS NOT NULL THEN
			PERFORM store.chat_pause(t.chat_id, p_wait);
		END IF;
		IF p_result @> '{"all": true}' THEN
			UPDATE store.lane SET pause_until = greatest(pause_until, clock_timestamp() + p_wait)
			WHERE name = t.lane;
		END IF;
	ELSIF t.kind = 'poll' AND p_result ->> 'state' = 'running' THEN
		UPDATE store.job SET progress = 50 WHERE id = t.job_id AND progress < 50;
		IF FOUND THEN
			PERFORM store.job_progress(t.job_id);
		END IF;
	ELSIF t.kind = 'lookup' THEN
		UPDATE store.task SET payload = payload || jsonb_build_object('taken',
			(SELECT store.job_taken(j) FROM store.job j WHERE j.id = t.job_id))
		WHERE id = t.id;
	END IF;
END $$;

-- Outcome failed: once more after a random part of an exponential wait and not before p_wait, until
-- the attempts are used up. While nobody can be told anything (Telegram is down, the token is refused), what is to
-- be told waits for six hours. Called by store.task_outcome and store.task_unknown.
CREATE FUNCTION store.task_failed(t store.task, p_class text, p_text text, p_wait interval)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF t.attempts >= t.max_attempts AND NOT (t.lane = 'chat' AND coalesce(p_class IN ('busy', 'funds'), false)
		AND clock_timestamp() < t.created_at + interval '6 hours')
	THEN
		PERFORM store.task_dead(t, p_class, p_text);
	ELSE
		PERFORM store.task_again(t.id, greatest(p_wait, random() * least(interval '60 seconds',
			interval '1 second' * 2 ^ least(t.attempts - 1, 6))), 0, p_class, p_text, NULL);
	END IF;
END $$;

-- Outcome refused: not to be repeated as it is. Called by store.task_outcome.
CREATE FUNCTION store.task_refused(t store.task, p_class text, p_text text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF t.kind = 'edit' AND p_class = 'gone' THEN -- the message is no more: a new one, same words
		UPDATE store.job SET status_message_id = NULL WHERE id = t.job_id;
		UPDATE store.payment SET status_message_id = NULL WHERE id = t.payment_id;
		UPDATE store.task SET kind = 'say', message_id = NULL WHERE id = t.id;
		PERFORM store.task_again(t.id, '0', 0, p_class, p_text, NULL);
	ELSIF t.kind IN ('say', 'edit') AND p_class = 'markup' AND NOT t.memo ? 'plain' THEN
		PERFORM store.task_again(t.id, '0', 0, p_class, p_text, '{"plain": true}');
	ELSE
		IF t.lane = 'chat' AND p_class = 'unreachable' AND t.person_id IS NOT NULL THEN
			PERFORM store.person_unreachable(t.person_id);
		END IF;
		PERFORM store.task_dead(t, p_class, p_text);
	END IF;
END $$;

-- Outcome unknown: it may have happened. A paid order is looked for, never blindly repeated; a
-- message is sent once more at most; what may be repeated unseen is. Called by store.task_outcome
-- and by reap.
CREATE FUNCTION store.task_unknown(t store.task, p_class text, p_text text, p_unknown interval)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	j store.job;
BEGIN
	IF t.kind = 'submit' THEN
		PERFORM store.task_close(t.id, 'dead', p_class, p_text, NULL);
		UPDATE store.job SET unknown_at = clock_timestamp(), step = 'lookup',
			deadline_at = deadline_at + p_unknown
		WHERE id = t.job_id RETURNING * INTO j;
		PERFORM store.job_notice(j.id, 'job_finding', '{}');
		PERFORM store.task_add('lookup', store.job_request(j) || jsonb_build_object('taken', store.job_taken(j),
			'since', floor(extract(epoch FROM coalesce(j.started_at, j.created_at)))::bigint),
			j.id, p_wait => interval '3 seconds');
	ELSIF t.kind = 'copy' THEN -- what goes to everybody goes to nobody twice
		PERFORM store.task_dead(t, p_class, p_text);
	ELSIF t.kind IN ('say', 'photo', 'document', 'resend') THEN
		IF t.memo ? 'unknown' THEN
			PERFORM store.task_dead(t, p_class, p_text);
		ELSE
			PERFORM store.task_again(t.id, '0', 0, p_class, p_text, '{"unknown": 1}');
		END IF;
	ELSE
		PERFORM store.task_failed(t, p_class, p_text, '0');
	END IF;
END $$;

-- What one report does to the leased task it is about. The caller holds the rows of the person
-- (when the class is unreachable), the job and the task, and has compared the fence. Called by
-- store.task_report and by dispatcher.reap.
CREATE FUNCTION store.task_outcome(t store.task, p_outcome text, p_class text, p_text text,
	p_retry_ms int, p_result jsonb, p_unknown_s int)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_wait constant interval := interval '1 millisecond' * greatest(coalesce(p_retry_ms, 0), 0);
	v_unknown constant interval := interval '1 second' * p_unknown_s;
BEGIN
	IF p_class = 'funds' THEN
		PERFORM store.provider_trouble(t, p_text);
	END IF;
	IF t.lane = 'pay' THEN
		PERFORM store.pay_outcome(t, p_outcome, p_class, p_text, v_wait, p_result);
		RETURN;
	END IF;
	IF t.kind = 'submit' AND p_outcome IN ('later', 'failed', 'refused') THEN
		PERFORM store.submit_void(t.job_id);
	END IF;
	CASE p_outcome
	WHEN 'done' THEN PERFORM store.task_done(t, p_result);
	WHEN 'later' THEN PERFORM store.task_later(t, p_class, p_text, v_wait, p_result, v_unknown);
	WHEN 'failed' THEN PERFORM store.task_failed(t, p_class, p_text, v_wait);
	WHEN 'refused' THEN PERFORM store.task_refused(t, p_class, p_text);
	WHEN 'unknown' THEN PERFORM store.task_unknown(t, p_class, p_text, v_unknown);
	END CASE;
END $$;

-- One report: 'ok' when it counted, 'stale' when its lease is not the current one. A report that
-- the database cannot take (a helper is not trusted to be right; a request found may be another
-- job's) counts as unknown, later or failed and leaves the others of its batch alone. The locks are
-- the caller's, see store.task_outcome. Called by dispatcher.report and dispatcher.abandon.
CREATE FUNCTION store.task_report(p_id bigint, p_fence int, p_outcome text, p_class text,
	p_text text, p_retry_ms int, p_result jsonb, p_unknown_s int)
RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t store.task;
BEGIN
	SELECT * INTO t FROM store.task WHERE id = p_id AND fence = p_fence AND state = 'leased';
	IF NOT FOUND THEN
		RETURN 'stale';
	END IF;
	BEGIN
		PERFORM store.task_outcome(t, p_outcome, nullif(p_class, ''), p_text, p_retry_ms,
			p_result, p_unknown_s);
	EXCEPTION WHEN data_exception OR check_violation OR unique_violation OR case_not_found
		OR SQLSTATE 'P0409' OR SQLSTATE 'P0410'
	THEN
		PERFORM store.task_outcome(t, CASE
				WHEN t.kind IN ('submit', 'say', 'photo', 'document', 'resend', 'copy', 'pay_create', 'pay_refund')
				THEN 'unknown'
				WHEN t.kind = 'lookup' THEN 'later' ELSE 'failed' END, 'format', SQLERRM,
			p_retry_ms, NULL, p_unknown_s);
	END;
	RETURN 'ok';
END $$;

-- Locks what reports are about, in the lock order of the system: people who turned out unreachable,
-- jobs, payments, tasks. Called by dispatcher.report.
CREATE FUNCTION store.task_lock(p_ids bigint[], p_unreachable bigint[], p_payments bigint[])
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM 1 FROM store.person
	WHERE id IN (SELECT person_id FROM store.task WHERE id = ANY (p_unreachable))
	ORDER BY id FOR NO KEY UPDATE;
	PERFORM 1 FROM store.job
	WHERE id IN (SELECT job_id FROM store.task WHERE id = ANY (p_ids))
	ORDER BY id FOR NO KEY UPDATE;
	PERFORM 1 FROM store.payment WHERE id = ANY (p_payments) ORDER BY id FOR NO KEY UPDATE;
	PERFORM 1 FROM store.task WHERE id = ANY (p_ids) ORDER BY id FOR NO KEY UPDATE;
END $$;
RESET ROLE;
