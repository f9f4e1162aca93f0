-- The way of a job, from the order to the delivered result or the money back: take, clean, submit (lookup), poll,
-- fetch, deliver; or take, render, deliver for what is done on our own machine. Not granted.
SET LOCAL ROLE atelier_owner;

-- Median seconds of the offer's last 20 completed jobs, NULL when there are fewer than 3.
-- Called by store.job_progress.
CREATE FUNCTION store.offer_usual(p_offer text)
RETURNS int LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN count(*) >= 3 THEN
		ceil(percentile_cont(0.5) WITHIN GROUP
			(ORDER BY extract(epoch FROM finished_at - started_at))) END::int
	FROM (SELECT started_at, finished_at FROM store.job
		WHERE offer = p_offer AND status = 'completed'
		ORDER BY finished_at DESC LIMIT 20) AS last;
$$;

-- How many jobs the provider has not been asked for yet stand before and with this one; NULL when its turn has
-- come. Beyond a thousand nobody counts. Called by store.job_progress and responder.page.
CREATE FUNCTION store.job_place(p_job bigint)
RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT (SELECT count(*) FROM (SELECT 1 FROM store.job k
		WHERE k.status IN ('pending', 'processing') AND k.status = 'pending' AND k.id <= p_job LIMIT 1000) AS queue)
	FROM store.job j WHERE j.id = p_job AND j.status = 'pending';
$$;

-- Says something in the status message of a job: replaces the notice that still waits to leave, so
-- that progress coalesces; an ending is never replaced. Which message it edits, or whether it is a
-- new one, is decided when it is claimed. The caller holds the job's row. Called by job_*.
CREATE FUNCTION store.job_notice(p_job bigint, p_notice text, p_args jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_payload constant jsonb := jsonb_build_object('notice', p_notice, 'args',
		jsonb_build_object('job', p_job) || jsonb_strip_nulls(p_args));
BEGIN
	UPDATE store.task SET payload = v_payload
	WHERE job_id = p_job AND kind IN ('say', 'edit') AND state = 'ready'
		AND payload ->> 'notice' NOT IN ('job_done', 'job_failed', 'job_cancelled');
	IF NOT FOUND THEN
		PERFORM store.task_add(CASE WHEN j.status_message_id IS NULL THEN 'say' ELSE 'edit' END,
			v_payload, j.id, j.person_id)
		FROM store.job j WHERE j.id = p_job;
	END IF;
END $$;

-- Tells how far an open job is, with its place in the queue and the usual time of its offer. Called by job_open,
-- claim, poll.
CREATE FUNCTION store.job_progress(p_job bigint)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.job_notice(j.id, 'job_status', jsonb_build_object('progress', j.progress,
		'mode', j.mode, 'place', store.job_place(j.id), 'usual_s', store.offer_usual(j.offer)))
	FROM store.job j WHERE j.id = p_job;
$$;

-- The class of a failure as the reason a person is told. Called by store.job_fail.
CREATE FUNCTION store.job_reason_of(p_class text)
RETURNS store.job_reason LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN p_class IN ('input', 'policy', 'late', 'unreachable') THEN p_class
		WHEN p_class IN ('busy', 'rate', 'funds', 'gone', 'empty') THEN 'busy'
		ELSE 'ours' END::store.job_reason;
$$;

-- What a task of a provider must know beside its own: whom to ask, and about what.
-- Called wherever a media task is made.
CREATE FUNCTION store.job_ref(j store.job)
RETURNS jsonb LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('job', (j).id, 'provider', (j).provider, 'model', (j).model);
$$;

-- What the provider is asked for: the same whenever it is asked, also its name. Called for submits and lookups.
CREATE FUNCTION store.job_request(j store.job)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.job_ref(j) || jsonb_build_object(
		'order', 'at-' || (j).id || '-' || floor(extract(epoch FROM (j).created_at))::bigint,
		'input', (j).input, 'places', (j).places, 'files', coalesce((j).inputs, '[]'));
$$;

-- The chain's tasks of a job: what is under way of it, and dropped when it ends. Called by job_end.
CREATE FUNCTION store.job_drop(p_job bigint, p_class text)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	UPDATE store.task SET state = 'dead', fence = fence + 1, lease_until = NULL, holder = NULL,
		class = coalesce(class, p_class), done_at = clock_timestamp()
	WHERE job_id = p_job AND state IN ('ready', 'leased')
		AND kind IN ('take', 'clean', 'render', 'submit', 'lookup', 'poll', 'fetch', 'photo');
$$;

-- Deletes the files of a job: at once all but those to be kept, and these when the original need not be at hand any
-- more (ORIGINAL: the only place of that time). What a provider could read it can't any more. Called when a job ends.
CREATE FUNCTION store.job_sweep(p_job bigint, p_keep jsonb DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	c_original constant interval := '24 hours';
BEGIN
	DELETE FROM store.media WHERE job_id = p_job;
	PERFORM store.task_add('sweep', jsonb_strip_nulls(jsonb_build_object('job', p_job, 'keep', p_keep)), p_job,
		p_dedup => 'job:' || p_job || ':sweep');
	IF p_keep IS NOT NULL THEN
		PERFORM store.task_add('sweep', jsonb_build_object('job', p_job), p_job,
			p_dedup => 'job:' || p_job || ':sweep:last', p_wait => c_original);
	END IF;
END $$;

-- What came back to the person, for the notice; nothing for a job that cost nothing. Called by job_fail and
-- job_cancel.
CREATE FUNCTION store.back_args(t ledger.transfer)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN (t).id IS NULL THEN '{}'::jsonb ELSE jsonb_build_object(
		'back', store.money((t).unit, (t).amount),
		'left', store.money((t).unit, ledger.balance((t).person_id, (t).unit))) END;
$$;

-- Fails an open job: the hold is released, what was under way is dropped, the person is told what
-- came back, the files are swept. The caller holds the job's row. Called by the outcomes and by
-- reap.
CREATE FUNCTION store.job_fail(p_job bigint, p_class text, p_detail text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_reason constant store.job_reason := store.job_reason_of(p_class);
	v_mode text;
	t ledger.transfer;
BEGIN
	PERFORM store.job_drop(p_job, p_class);
	IF (SELECT hold_id IS NOT NULL FROM store.job WHERE id = p_job) THEN
		t := ledger.release(p_job, v_reason::text);
	END IF;
	UPDATE store.job SET status = 'failed', step = 'done', settle_id = t.id, reason = v_reason,
		class = p_class, detail = left(concat_ws(': ', p_class, p_detail), 1000), finished_at = clock_timestamp()
	WHERE id = p_job RETURNING mode INTO v_mode;
	PERFORM store.job_notice(p_job, 'job_failed', jsonb_build_object('reason', v_reason, 'mode', v_mode)
		|| store.back_args(t));
	PERFORM store.job_sweep(p_job);
END $$;

-- Withdraws a job of which the provider knows nothing yet: the hold is released, the person is told. Returns
-- cancelled; late (the provider has it, or may have); done (it has ended); gone. Called by responder.job_cancel.
CREATE FUNCTION store.job_cancel(p_job bigint)
RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	j store.job;
	t ledger.transfer;
BEGIN
	SELECT * INTO j FROM store.job WHERE id = p_job FOR NO KEY UPDATE;
	IF j.id IS NULL THEN
		RETURN 'gone';
	ELSIF j.finished_at IS NOT NULL THEN
		RETURN 'done';
	ELSIF j.status <> 'pending' THEN
		RETURN 'late';
	END IF;
	PERFORM store.job_drop(p_job, 'cancelled');
	IF j.hold_id IS NOT NULL THEN
		t := ledger.release(p_job, 'cancelled');
	END IF;
	UPDATE store.job SET status = 'cancelled', step = 'done', settle_id = t.id, finished_at = clock_timestamp()
	WHERE id = p_job;
	PERFORM store.job_notice(p_job, 'job_cancelled', store.back_args(t));
	PERFORM store.job_sweep(p_job);
	RETURN 'cancelled';
END $$;

-- The requests that are known to be other jobs', of those that look like this one's (same input):
-- not to be taken for it. Looks at neighbours in time only. Called for lookups.
CREATE FUNCTION store.job_taken(j store.job)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(jsonb_agg(k.request -> 'request_id'), '[]') FROM store.job k
	WHERE k.id BETWEEN (j).id - 10000 AND (j).id + 10000 AND k.id <> (j).id
		AND k.provider = (j).provider AND k.model = (j).model AND k.input = (j).input
		AND k.request ? 'request_id';
$$;

-- The provider has the order (told by it, or found): the next step is to ask how it gets on. Where the answer was
-- the result itself there is nothing to ask. Called by store.task_done for submit and lookup.
CREATE FUNCTION store.job_ordered(p_job bigint, p_request jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	j store.job;
BEGIN
	IF p_request ? 'files' THEN
		PERFORM store.job_made(p_job, p_request -> 'files');
		RETURN;
	END IF;
	UPDATE store.job SET request = p_request, step = 'poll' WHERE id = p_job RETURNING * INTO j;
	PERFORM store.task_add('poll',
		store.job_ref(j) || jsonb_build_object('request', p_request), j.id,
		p_wait => interval '2 seconds');
END $$;

-- The result lies in the spool: it goes to the person. Called by store.task_done for fetch and render.
CREATE FUNCTION store.job_made(p_job bigint, p_files jsonb)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	UPDATE store.job SET step = 'deliver' WHERE id = p_job;
	SELECT store.task_add('photo', jsonb_build_object('notice', 'result', 'args',
		jsonb_build_object('job', j.id, 'picture', CASE WHEN j.mode <> 'video' THEN 1 END), 'files', p_files),
		j.id, j.person_id, p_dedup => 'job:' || j.id || ':result')
	FROM store.job j WHERE j.id = p_job;
$$;

-- Puts one order to the provider into the lane. Called by store.job_next and store.lookup_over.
CREATE FUNCTION store.job_submit(p_job bigint)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.task_add('submit', store.job_request(j), j.id,
		p_dedup => 'job:' || j.id || ':submit:' || j.submits + 1)
	FROM store.job j WHERE j.id = p_job;
$$;

-- What the person sent lies in the spool, clean: each file gets a token under which the provider may read it, and the
-- order is made. Called by store.task_done for clean.
CREATE FUNCTION store.job_inputs(p_job bigint, p_files jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_inputs jsonb := '[]';
	v_token text;
	f jsonb;
BEGIN
	FOR f IN SELECT value FROM jsonb_array_elements(p_files) LOOP
		INSERT INTO store.media (job_id, path, type) VALUES (p_job, f ->> 'path', f ->> 'type')
		RETURNING token INTO STRICT v_token;
		v_inputs := v_inputs || (f || jsonb_build_object('token', v_token));
	END LOOP;
	UPDATE store.job SET inputs = v_inputs, step = 'submit' WHERE id = p_job;
	PERFORM store.job_submit(p_job);
END $$;

-- The task of the job's present step, take or clean or render, with the files it works on. Called by job_open and
-- store.task_done.
CREATE FUNCTION store.job_work(p_job bigint, p_kind text, p_files jsonb)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.task_add(p_kind, jsonb_build_object('job', j.id, 'files', p_files)
		|| CASE p_kind WHEN 'render' THEN jsonb_build_object('do', j.model, 'text', j.prompt) ELSE '{}' END,
		j.id, j.person_id)
	FROM store.job j WHERE j.id = p_job;
$$;

-- What the person sent has come from Telegram. Pictures are made anew before anybody else sees them; what is done
-- here is done in the same cage. Called by store.task_done for take.
CREATE FUNCTION store.job_taken_in(p_job bigint, p_files jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE store.job SET step = 'render', status = 'processing', progress = 10, started_at = clock_timestamp()
	WHERE id = p_job AND provider = 'local';
	IF FOUND THEN
		PERFORM store.job_progress(p_job);
		PERFORM store.job_work(p_job, 'render', p_files);
	ELSE
		UPDATE store.job SET step = 'clean' WHERE id = p_job;
		PERFORM store.job_work(p_job, 'clean', p_files);
	END IF;
END $$;

-- Makes the job of an open quote: the hold, the job, its first task, its status notice with the
-- place in the queue. Returns its id, or NULL when the purse does not suffice. The caller holds the
-- person's and the quote's rows. Called by responder.job_order.
CREATE FUNCTION store.job_open(q store.quote, p_message bigint)
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_job bigint;
	v_hold bigint;
	v_given constant boolean := jsonb_array_length(q.files) > 0;
BEGIN
	IF q.amount > 0 AND ledger.available(q.person_id, q.unit) < q.amount THEN
		RETURN NULL; -- the usual case of it, without drawing a number
	END IF;
	v_job := nextval(pg_get_serial_sequence('store.job', 'id'));
	IF q.amount > 0 THEN
		v_hold := ledger.hold(q.person_id, q.unit, q.amount, v_job);
		IF v_hold IS NULL THEN
			RETURN NULL;
		END IF;
	END IF;
	INSERT INTO store.job (id, person_id, quote_id, offer, mode, title, provider, model, prompt, ratio, files, places,
		input, unit, amount, cost, hold_id, status_message_id, deadline_at, step)
	OVERRIDING SYSTEM VALUE
	VALUES (v_job, q.person_id, q.id, q.offer, q.mode, q.title, q.provider, q.model, q.prompt, q.ratio, q.files,
		q.places, q.input, q.unit, q.amount, q.cost, v_hold, p_message, now() + interval '1 second' * q.deadline_s,
		CASE WHEN v_given THEN 'take' ELSE 'submit' END::store.job_step);
	UPDATE store.quote SET state = 'ordered', job_id = v_job WHERE id = q.id;
	IF v_given THEN
		PERFORM store.job_work(v_job, 'take', q.files);
	ELSE
		PERFORM store.job_submit(v_job);
	END IF;
	PERFORM store.job_progress(v_job);
	RETURN v_job;
END $$;

-- The result has been accepted by Telegram: the hold is taken, the job is complete, the person is
-- told the price and what is left. Called by store.task_done for photo.
CREATE FUNCTION store.job_complete(p_job bigint, p_result jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ledger.transfer;
BEGIN
	IF (SELECT hold_id IS NOT NULL FROM store.job WHERE id = p_job) THEN
		t := ledger.take(p_job);
	END IF;
	UPDATE store.job SET status = 'completed', step = 'done', progress = 100, settle_id = t.id,
		result = p_result, finished_at = clock_timestamp()
	WHERE id = p_job;
	PERFORM store.job_notice(p_job, 'job_done', CASE WHEN t.id IS NULL THEN '{}' ELSE jsonb_build_object(
		'price', store.money(t.unit, t.amount),
		'left', store.money(t.unit, ledger.balance(t.person_id, t.unit))) END);
	PERFORM store.job_sweep(p_job, jsonb_path_query_array(p_result, '$.files[*].path'));
END $$;

-- A model that the provider no longer has is not sold any more, and the admins hear of it. Called by
-- store.task_dead.
CREATE FUNCTION store.offer_gone(j store.job, p_why text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO store.offer_change AS c (offer, off, actor, why) VALUES (j.offer, true, 0, left(coalesce(p_why, ''), 200))
	ON CONFLICT (offer) DO UPDATE SET off = true, actor = 0, why = excluded.why, at = now() WHERE NOT c.off;
	IF FOUND THEN
		PERFORM store.alert('offer_gone', jsonb_build_object('offer', j.offer, 'model', j.model));
	END IF;
END $$;

-- The provider has surely not taken this order: it may be made again. Called by store.task_outcome.
CREATE FUNCTION store.submit_void(p_job bigint)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	UPDATE store.job SET submits = greatest(submits - 1, 0) WHERE id = p_job;
$$;

-- An order of unknown fate was looked for long enough: one more order at most, else the job fails.
-- Called by store.task_later for lookup.
CREATE FUNCTION store.lookup_over(t store.task)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE store.job SET step = 'submit' WHERE id = t.job_id AND submits < 2;
	IF FOUND THEN
		PERFORM store.task_close(t.id, 'done', 'none', 'not found in time', NULL);
		PERFORM store.job_submit(t.job_id);
	ELSE
		PERFORM store.task_dead(t, 'ours', 'two orders of unknown fate');
	END IF;
END $$;
RESET ROLE;
