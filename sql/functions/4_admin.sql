-- What admins do, in the chat and with atelierctl: one function for each command, one entry, and a row of the audit for
-- every use. A command answers {"outcome", "notice", "args", "person"}: the notice is what the admin is told, null when
-- the caller has the words. Not granted.
SET LOCAL ROLE atelier_owner;

-- Whether somebody is an admin (the setting ADMIN_IDS, as the dispatcher told it).
CREATE FUNCTION store.is_admin(p_person bigint)
RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT EXISTS (SELECT 1 FROM store.admin WHERE person_id = p_person);
$$;

-- A time as admins read it.
CREATE FUNCTION store.when_text(p_at timestamptz)
RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT to_char(p_at AT TIME ZONE 'Europe/Moscow', 'DD.MM.YYYY HH24:MI');
$$;

-- What a command answers.
CREATE FUNCTION store.admin_answer(p_outcome text, p_notice text, p_args jsonb, p_person bigint DEFAULT NULL)
RETURNS jsonb LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('outcome', p_outcome, 'notice', p_notice, 'args', jsonb_strip_nulls(p_args),
		'person', p_person);
$$;

-- The answer of a command that could not be carried out (notice "admin_no", variant p_what) or was ("admin_done").
CREATE FUNCTION store.admin_no(p_what text, p_args jsonb DEFAULT '{}', p_person bigint DEFAULT NULL)
RETURNS jsonb LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.admin_answer(p_what, 'admin_no', p_args || jsonb_build_object('what', p_what), p_person);
$$;
CREATE FUNCTION store.admin_done(p_what text, p_args jsonb DEFAULT '{}', p_person bigint DEFAULT NULL)
RETURNS jsonb LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.admin_answer(p_what, 'admin_done', p_args || jsonb_build_object('what', p_what), p_person);
$$;

-- ---- Cards ----

-- A person.
CREATE FUNCTION store.card_user(p_person bigint)
RETURNS jsonb LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	p store.person;
BEGIN
	SELECT * INTO p FROM store.person WHERE id = p_person;
	IF NOT FOUND THEN
		RETURN store.admin_no('user', jsonb_build_object('person', p_person));
	END IF;
	RETURN store.admin_answer('shown', 'admin_user', jsonb_build_object('person', p.id,
		'name', nullif(p.first_name, ''), 'username', p.username, 'lang', p.lang,
		'since', store.when_text(p.created_at), 'seen', store.when_text(p.seen_at),
		'rub', store.money('rub', ledger.balance(p.id, 'rub')), 'credit', ledger.balance(p.id, 'credit'),
		'free', ledger.balance(p.id, 'free'), 'free_total', p.free_granted,
		'jobs', j.jobs, 'completed', j.completed, 'failed', j.failed, 'open', j.open,
		'paid_rub', store.money('rub', y.rub), 'paid_credit', y.credit,
		'last_payment', y.last, 'last_job', j.last, 'unreachable', store.when_text(p.unreachable_at),
		'banned', store.when_text(p.banned_at), 'reason', p.ban_reason,
		'free_to_use', CASE WHEN p.banned_at IS NULL THEN 1 END), p.id)
	FROM (SELECT count(*) AS jobs, count(*) FILTER (WHERE status = 'completed') AS completed,
			count(*) FILTER (WHERE status = 'failed') AS failed,
			count(*) FILTER (WHERE status IN ('pending', 'processing')) AS open, max(id) AS last
		FROM store.job WHERE person_id = p.id) AS j,
		(SELECT coalesce(sum(grant_amount) FILTER (WHERE grant_unit = 'rub'), 0)::bigint AS rub,
			coalesce(sum(grant_amount) FILTER (WHERE grant_unit = 'credit'), 0)::bigint AS credit,
			(SELECT max(id) FROM store.payment WHERE person_id = p.id) AS last
		FROM store.payment WHERE person_id = p.id AND credit_tx IS NOT NULL) AS y;
END $$;

-- A payment.
CREATE FUNCTION store.card_payment(p_payment bigint)
RETURNS jsonb LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	y store.payment;
	v_refunds bigint;
BEGIN
	SELECT * INTO y FROM store.payment WHERE id = p_payment;
	IF NOT FOUND THEN
		RETURN store.admin_no('payment', jsonb_build_object('payment', p_payment));
	END IF;
	SELECT coalesce(sum(amount), 0) INTO v_refunds FROM store.refund
	WHERE payment_id = y.id AND state IN ('pending', 'succeeded');
	RETURN store.admin_answer('shown', 'admin_payment', jsonb_build_object('payment', y.id, 'person', y.person_id,
		'provider', y.provider, 'state', y.state, 'amount', store.payment_price(y),
		'granted', CASE WHEN y.credit_tx IS NOT NULL THEN store.money(y.grant_unit, y.grant_amount) END,
		'refunded', CASE WHEN v_refunds > 0 THEN store.money(ledger.unit_of(y.currency), v_refunds) END,
		'ext', y.ext_id, 'at', store.when_text(y.created_at), 'paid_at', CASE WHEN y.credit_tx IS NOT NULL
			THEN store.when_text(y.verified_at) END, 'reason', y.reason, 'test', CASE WHEN y.test THEN 1 END,
		'open', CASE WHEN y.credit_tx IS NULL AND y.state <> 'created' THEN 1 END,
		'refundable', CASE WHEN y.credit_tx IS NOT NULL AND y.provider = 'yookassa' AND y.paid > v_refunds
			THEN 1 END), y.person_id);
END $$;

-- A job.
CREATE FUNCTION store.card_job(p_job bigint)
RETURNS jsonb LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	j store.job;
BEGIN
	SELECT * INTO j FROM store.job WHERE id = p_job;
	IF NOT FOUND THEN
		RETURN store.admin_no('job', jsonb_build_object('job', p_job));
	END IF;
	RETURN store.admin_answer('shown', 'admin_job', jsonb_build_object('job', j.id, 'person', j.person_id,
		'offer', j.offer, 'title', j.title, 'provider', j.provider, 'model', j.model, 'status', j.status,
		'step', CASE WHEN j.finished_at IS NULL THEN j.step END, 'reason', j.reason, 'detail', left(j.detail, 300),
		'price', CASE WHEN j.amount > 0 THEN store.money(j.unit, j.amount) END, 'at', store.when_text(j.created_at),
		'took_s', round(extract(epoch FROM j.finished_at - j.created_at))::bigint,
		'request', j.request ->> 'request_id', 'prompt', nullif(left(j.prompt, 300), ''),
		'pending', CASE WHEN j.status = 'pending' THEN 1 END), j.person_id);
END $$;

-- ---- Pages ----

-- The beginning of a day in Moscow, p_back days ago.
CREATE FUNCTION store.day_start(p_back int)
RETURNS timestamptz LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT (date_trunc('day', now() AT TIME ZONE 'Europe/Moscow') - interval '1 day' * p_back)
		AT TIME ZONE 'Europe/Moscow';
$$;

-- What happened from one time to another: people, jobs, money, failures. The arguments of alert "digest", and most of
-- those of "admin_stats".
CREATE FUNCTION store.figures(p_from timestamptz, p_to timestamptz)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('people', p.people, 'jobs', j.jobs, 'completed', j.completed, 'failed', j.failed,
		'by_us', j.by_us, 'rub', store.money('rub', m.rub), 'credit', store.money('credit', m.credit),
		'refunded', store.money('rub', m.refunded), 'spent', store.money('rub', m.spent),
		'payments', m.payments)
	FROM (SELECT count(*) AS people FROM store.person WHERE created_at >= p_from AND created_at < p_to
			AND id < 4611686018427387904) AS p,
		(SELECT count(*) AS jobs, count(*) FILTER (WHERE status = 'completed') AS completed,
			count(*) FILTER (WHERE status = 'failed') AS failed,
			count(*) FILTER (WHERE reason IN ('busy', 'ours', 'late')) AS by_us
		FROM store.job WHERE created_at >= p_from AND created_at < p_to) AS j,
		(SELECT coalesce(sum(amount) FILTER (WHERE kind = 'topup' AND unit = 'rub'), 0)::bigint AS rub,
			coalesce(sum(amount) FILTER (WHERE kind = 'topup' AND unit = 'credit'), 0)::bigint AS credit,
			coalesce(sum(amount) FILTER (WHERE kind = 'refund' AND unit = 'rub'), 0)::bigint AS refunded,
			coalesce(sum(amount) FILTER (WHERE kind = 'take' AND unit = 'rub'), 0)::bigint AS spent,
			count(*) FILTER (WHERE kind = 'topup') AS payments
		FROM ledger.transfer WHERE at >= p_from AND at < p_to) AS m;
$$;

-- The last p_days days as the chart has them, whole roubles; titles are keys of texts. Called by store.admin_stats.
CREATE FUNCTION store.chart(p_days int)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	WITH day AS (
		SELECT d, store.figures(store.day_start(p_days - d), store.day_start(p_days - d - 1)) AS f,
			to_char(store.day_start(p_days - d) AT TIME ZONE 'Europe/Moscow', 'DD.MM') AS name
		FROM generate_series(1, p_days) AS d
	), series AS (
		SELECT k.panel, k.title, k.name, k.n, jsonb_agg(CASE k.field WHEN 'rub' THEN (f #>> '{rub,amount}')::bigint / 100
			ELSE (f ->> k.field)::bigint END ORDER BY d) AS counts
		FROM day, (VALUES (1, 'chart.people', 'people', 'chart.people', 1), (2, 'chart.jobs', 'completed', 'chart.done', 1),
			(3, 'chart.revenue', 'rub', 'chart.revenue', 1), (4, 'chart.failures', 'failed', 'chart.failed', 1),
			(4, 'chart.failures', 'by_us', 'chart.by_us', 2)) AS k(panel, title, field, name, n)
		GROUP BY k.panel, k.title, k.name, k.n
	)
	SELECT jsonb_build_object('title', 'chart.title', 'days', (SELECT jsonb_agg(name ORDER BY d) FROM day),
		'panels', (SELECT jsonb_agg(jsonb_build_object('title', s.title, 'unit',
				CASE s.title WHEN 'chart.revenue' THEN '₽' ELSE '' END, 'series', s.list) ORDER BY s.panel)
			FROM (SELECT panel, title, jsonb_agg(jsonb_build_object('name', name, 'values', counts) ORDER BY n) AS list
				FROM series GROUP BY panel, title) AS s));
$$;

-- The figures in words at once, and as a picture when it is drawn.
CREATE FUNCTION store.admin_stats(p_actor bigint)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_today constant jsonb := store.figures(store.day_start(0), now());
	v_month constant jsonb := store.figures(store.day_start(29), now());
BEGIN
	PERFORM store.task_add('chart', jsonb_build_object('job', nextval('store.chart'), 'chart', store.chart(14),
		'lang', (SELECT lang FROM store.person WHERE id = p_actor)), p_person => p_actor);
	RETURN store.admin_answer('shown', 'admin_stats', (SELECT jsonb_object_agg('d_' || key, value)
			FROM jsonb_each(v_today)) || (SELECT jsonb_object_agg('m_' || key, value) FROM jsonb_each(v_month))
		|| jsonb_build_object('people', (SELECT count(*) FROM store.person WHERE id < 4611686018427387904),
			'active', (SELECT count(*) FROM store.person WHERE seen_at >= store.day_start(0)),
			'open', (SELECT count(*) FROM store.job WHERE status IN ('pending', 'processing')),
			'waiting', (SELECT count(*) FROM store.task WHERE state = 'ready' AND run_at <= now())));
END $$;

-- The picture is drawn: it goes to who asked, and is then deleted. Called by store.task_done.
CREATE FUNCTION store.chart_made(t store.task, p_files jsonb)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.task_add('photo', jsonb_build_object('notice', 'chart', 'args', '{}'::jsonb, 'files', p_files,
		'place', t.payload -> 'job'),
		p_person => t.person_id);
$$;
CREATE FUNCTION store.chart_sweep(t store.task)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.task_add('sweep', jsonb_build_object('job', t.payload -> 'place'));
$$;

-- How models did in the last day, and which of them are not sold.
CREATE FUNCTION store.admin_weather()
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.admin_answer('shown', CASE WHEN count(*) = 0 THEN 'admin_weather_none' ELSE 'admin_weather' END,
		jsonb_build_object('rows', jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
			'kind', CASE WHEN b.provider IS NULL THEN 'sold' WHEN b.until > now() THEN 'stopped' ELSE 'trial' END,
			'provider', coalesce(w.provider, b.provider), 'model', coalesce(w.model, b.model), 'title', w.title,
			'good', coalesce(w.good, 0), 'bad', coalesce(w.bad, 0), 'own', nullif(w.own, 0), 'usual_s', w.usual_s,
			'until', to_char(b.until AT TIME ZONE 'Europe/Moscow', 'HH24:MI'), 'why', left(b.why, 100)))
			ORDER BY coalesce(w.provider, b.provider), coalesce(w.model, b.model))))
	FROM store.weather(interval '1 day') AS w
	FULL JOIN (SELECT * FROM store.breaker WHERE closed_at IS NULL) AS b ON b.provider = w.provider AND b.model = w.model;
$$;

-- What a credit was sold for on average, in millionths of a dollar; 0: none was sold for dollars.
CREATE FUNCTION store.credit_price()
RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(round(sum(paid) * 10000.0 / nullif(sum(grant_amount), 0)), 0)::bigint
	FROM store.payment WHERE credit_tx IS NOT NULL AND grant_unit = 'credit' AND currency = 'USD';
$$;

-- Revenue against what the providers took, by model, of the last 30 days. Counted as cost: every job that the provider
-- has taken, delivered or not. p_rate: kopecks a dollar; 0: unknown, then there is no sum of both.
CREATE FUNCTION store.margin(p_rate bigint)
RETURNS TABLE (model text, title text, done bigint, rub bigint, credit bigint, free bigint, cost bigint, gain bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT s.*, CASE WHEN p_rate > 0 THEN round(s.rub + (s.credit * store.credit_price() - s.cost)
		* (p_rate / 1000000.0))::bigint END
	FROM (SELECT j.model, max(j.title), count(*) FILTER (WHERE j.status = 'completed'),
			coalesce(sum(j.amount) FILTER (WHERE j.status = 'completed' AND j.unit = 'rub'), 0)::bigint AS rub,
			coalesce(sum(j.amount) FILTER (WHERE j.status = 'completed' AND j.unit = 'credit'), 0)::bigint AS credit,
			coalesce(sum(j.amount) FILTER (WHERE j.status = 'completed' AND j.unit = 'free'), 0)::bigint AS free,
			coalesce(sum(j.cost) FILTER (WHERE j.status = 'completed' OR j.request IS NOT NULL), 0)::bigint AS cost
		FROM store.job j WHERE j.created_at >= store.day_start(29) AND j.provider <> 'local'
		GROUP BY j.model) AS s;
$$;

CREATE FUNCTION store.admin_margin(p_rate bigint)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.admin_answer('shown', CASE WHEN count(*) = 0 THEN 'admin_margin_none' ELSE 'admin_margin' END,
		jsonb_build_object('rows', jsonb_agg(jsonb_strip_nulls(jsonb_build_object('kind', 'model', 'title', m.title,
			'model', m.model, 'done', m.done, 'rub', store.money('rub', m.rub),
			'credit', CASE WHEN m.credit > 0 THEN store.money('credit', m.credit) END,
			'free', CASE WHEN m.free > 0 THEN store.money('free', m.free) END,
			'cost', CASE WHEN m.cost > 0 THEN store.money('usd', (m.cost + 5000) / 10000) END,
			'gain', CASE WHEN m.cost > 0 THEN store.money('rub', m.gain) END)) ORDER BY m.rub DESC, m.model),
			'rub', store.money('rub', sum(m.rub)::bigint), 'cost', store.money('usd', (sum(m.cost)::bigint + 5000) / 10000),
			'gain', CASE WHEN p_rate > 0 THEN store.money('rub', sum(m.gain)::bigint) END,
			'no_cost', CASE WHEN bool_or(m.cost = 0) THEN 1 END, 'no_rate', CASE WHEN p_rate = 0 THEN 1 END))
	FROM store.margin(p_rate) AS m;
$$;

-- The newest uses of admins' commands.
CREATE FUNCTION store.admin_audit()
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.admin_answer('shown', 'admin_audit', jsonb_build_object('rows', coalesce(jsonb_agg(
		jsonb_strip_nulls(jsonb_build_object('kind', CASE WHEN a.actor > 0 THEN 'chat' ELSE 'ctl' END,
			'at', store.when_text(a.at), 'actor', a.actor, 'command', a.command, 'person', a.person_id,
			'outcome', a.outcome)) ORDER BY a.id DESC), '[]')))
	FROM (SELECT * FROM store.audit ORDER BY id DESC LIMIT 15) AS a;
$$;

-- ---- Deeds ----

-- Gives or (amount below 0) takes away. Called by /add, /sub and `atelierctl credit`.
CREATE FUNCTION store.admin_adjust(p_actor bigint, p_key text, p_args jsonb)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_person constant bigint := (p_args ->> 'person')::bigint;
	v_amount constant bigint := (p_args ->> 'amount')::bigint;
	v_unit constant text := p_args ->> 'unit';
	a record;
BEGIN
	SELECT * INTO a FROM ctl.adjust(v_person, v_unit, v_amount, nullif(p_actor, -1),
		coalesce(p_args ->> 'why', ''), p_key);
	RETURN CASE a.outcome
		WHEN 'nobody' THEN store.admin_no('user', jsonb_build_object('person', v_person))
		WHEN 'short' THEN store.admin_no('short', jsonb_build_object('person', v_person,
			'left', store.money(v_unit::ledger.unit, a."left")), v_person)
		ELSE store.admin_done(CASE WHEN v_amount > 0 THEN 'added' ELSE 'taken' END, jsonb_build_object(
			'person', v_person, 'amount', store.money(v_unit::ledger.unit, abs(v_amount)), 'key', p_key,
			'again', CASE a.outcome WHEN 'again' THEN 1 END, 'left', store.money(v_unit::ledger.unit, a."left")), v_person)
	END;
END $$;

-- Shuts somebody out, or lets him in again; he hears it. An admin is not shut out.
CREATE FUNCTION store.admin_ban(p_args jsonb, p_banned boolean)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_person constant bigint := (p_args ->> 'person')::bigint;
	v_before timestamptz;
BEGIN
	SELECT banned_at INTO v_before FROM store.person WHERE id = v_person FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN store.admin_no('user', jsonb_build_object('person', v_person));
	ELSIF p_banned AND store.is_admin(v_person) THEN
		RETURN store.admin_no('ban_admin', jsonb_build_object('person', v_person), v_person);
	END IF;
	UPDATE store.person SET banned_at = CASE WHEN p_banned THEN coalesce(banned_at, now()) END,
		ban_reason = CASE WHEN p_banned THEN nullif(p_args ->> 'why', '') END
	WHERE id = v_person;
	IF (v_before IS NOT NULL) <> p_banned THEN
		PERFORM store.task_add('say', jsonb_build_object('notice', CASE WHEN p_banned THEN 'banned' ELSE 'unbanned' END,
			'args', jsonb_strip_nulls(jsonb_build_object('reason', nullif(p_args ->> 'why', '')))), p_person => v_person);
	END IF;
	RETURN store.admin_done(CASE WHEN p_banned THEN 'banned' ELSE 'unbanned' END,
		jsonb_build_object('person', v_person), v_person);
END $$;

-- Shows what a refund would be, to be confirmed; or (p_go) starts it, once for each question that was confirmed: an
-- admin's updates come one after the other. The payer hears of it when the provider has it.
CREATE FUNCTION store.admin_refund(p_actor bigint, p_args jsonb, p_go boolean)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_amount constant bigint := (p_args ->> 'amount')::bigint;
	y store.payment;
	v_left bigint;
	r record;
BEGIN
	SELECT * INTO y FROM store.payment WHERE id = (p_args ->> 'payment')::bigint;
	SELECT y.paid - coalesce(sum(amount), 0) INTO v_left FROM store.refund
	WHERE payment_id = y.id AND state IN ('pending', 'succeeded');
	IF y.id IS NULL THEN
		RETURN store.admin_no('payment', jsonb_build_object('payment', p_args -> 'payment'));
	ELSIF NOT p_go AND y.credit_tx IS NOT NULL AND y.provider = 'yookassa' AND v_left > 0
		AND coalesce(v_amount, v_left) <= v_left
	THEN
		RETURN store.admin_answer('asked', 'admin_refund', jsonb_build_object('payment', y.id, 'person', y.person_id,
			'amount', store.money('rub', coalesce(v_amount, v_left)), 'kopecks', coalesce(v_amount, v_left),
			'sum', jsonb_build_array(jsonb_build_object('kind', 'sum', 'word', coalesce(v_amount, v_left)::text,
				'amount', store.money('rub', coalesce(v_amount, v_left)))),
			'balance', store.money('rub', ledger.balance(y.person_id, 'rub'))), y.person_id);
	END IF;
	IF EXISTS (SELECT 1 FROM (SELECT * FROM store.audit ORDER BY id DESC LIMIT 1000) AS a
		WHERE a.actor = p_actor AND a.command = 'refund_go' AND a.outcome = 'refund' AND a.args -> 'asked' = p_args -> 'asked')
	THEN
		RETURN store.admin_no('refund_again', jsonb_build_object('payment', y.id), y.person_id);
	END IF;
	SELECT * INTO r FROM ctl.refund(y.id, v_amount, p_actor, coalesce(p_args ->> 'why', ''));
	IF r.outcome = 'started' THEN
		RETURN store.admin_done('refund', jsonb_build_object('payment', y.id, 'refund', r.refund,
			'amount', (SELECT store.money('rub', amount) FROM store.refund WHERE id = r.refund)), y.person_id);
	END IF;
	RETURN store.admin_no('refund_' || r.outcome, jsonb_build_object('payment', y.id,
		'left', store.money('rub', v_left)), y.person_id);
END $$;

-- Asks the provider about a payment once more.
CREATE FUNCTION store.admin_payment_ask(p_args jsonb)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	y store.payment;
BEGIN
	UPDATE store.payment SET asked_at = clock_timestamp() WHERE id = (p_args ->> 'payment')::bigint RETURNING * INTO y;
	IF NOT FOUND THEN
		RETURN store.admin_no('payment', jsonb_build_object('payment', p_args -> 'payment'));
	END IF;
	PERFORM store.payment_ask(y);
	RETURN store.admin_done('payment_ask', jsonb_build_object('payment', y.id), y.person_id);
END $$;

-- Withdraws a job that the provider knows nothing of.
CREATE FUNCTION store.admin_job_cancel(p_args jsonb)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_job constant bigint := (p_args ->> 'job')::bigint;
	v_person constant bigint := (SELECT person_id FROM store.job WHERE id = v_job);
	v_outcome constant text := store.job_cancel(v_job);
BEGIN
	RETURN CASE v_outcome WHEN 'cancelled' THEN store.admin_done('job_cancel', jsonb_build_object('job', v_job), v_person)
		WHEN 'gone' THEN store.admin_no('job', jsonb_build_object('job', v_job))
		ELSE store.admin_no('job_' || v_outcome, jsonb_build_object('job', v_job), v_person) END;
END $$;

-- Prices an offer anew, switches it off or on, or takes back all of that. That the offer is in the catalogue, and may
-- have such a price, the caller has seen to.
CREATE FUNCTION store.admin_price(p_actor bigint, p_args jsonb)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_offer constant text := p_args ->> 'offer';
	v_do constant text := p_args ->> 'do';
BEGIN
	IF v_do = 'reset' THEN
		DELETE FROM store.offer_change WHERE offer = v_offer;
	ELSE
		INSERT INTO store.offer_change (offer, actor) VALUES (v_offer, p_actor) ON CONFLICT (offer) DO NOTHING;
		UPDATE store.offer_change SET actor = p_actor, at = now(), why = '',
			off = CASE v_do WHEN 'off' THEN true WHEN 'on' THEN false ELSE off END,
			rub = CASE v_do WHEN 'rub' THEN (p_args ->> 'amount')::bigint ELSE rub END,
			credit = CASE v_do WHEN 'credit' THEN (p_args ->> 'amount')::bigint ELSE credit END
		WHERE offer = v_offer;
		DELETE FROM store.offer_change WHERE offer = v_offer AND NOT off AND rub IS NULL AND credit IS NULL;
	END IF;
	RETURN store.admin_done('price_' || CASE WHEN v_do IN ('rub', 'credit') THEN 'set' ELSE v_do END,
		jsonb_build_object('offer', v_offer, 'amount', CASE WHEN v_do IN ('rub', 'credit')
			THEN store.money(v_do::ledger.unit, (p_args ->> 'amount')::bigint) END));
END $$;

-- Opens or closes the bot to everybody but admins. What is under way goes on.
CREATE FUNCTION store.admin_maintenance(p_on boolean)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO store.setting (name, value) VALUES ('maintenance', CASE WHEN p_on THEN 'on' ELSE 'off' END)
	ON CONFLICT (name) DO UPDATE SET value = excluded.value;
	RETURN store.admin_done(CASE WHEN p_on THEN 'maintenance_on' ELSE 'maintenance_off' END);
END $$;

-- Lines of a file, newest first, as many as a document may have, after a head.
CREATE FUNCTION store.csv_cut(p_head text, p_lines text[])
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT p_head || E'\n' || coalesce(string_agg(l.line, '' ORDER BY l.n), '')
	FROM (SELECT line, n, sum(octet_length(line)) OVER (ORDER BY n) AS bytes
		FROM unnest(p_lines) WITH ORDINALITY AS u(line, n)) AS l WHERE l.bytes <= 48000;
$$;

-- Three files: people, payments, jobs; the newest of each.
CREATE FUNCTION store.admin_export(p_actor bigint)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	c_most constant int := 2000;
	f record;
BEGIN
	FOR f IN
		SELECT 'people.csv' AS name, store.csv_cut('id,username,first_name,created_utc,free,credit,rub,banned',
			array_agg(store.csv_line(u.id::text, u.username, u.first_name, to_char(u.created_at AT TIME ZONE 'UTC',
				'YYYY-MM-DD HH24:MI:SS'), ledger.balance(u.id, 'free')::text, ledger.balance(u.id, 'credit')::text,
				store.unit_text('rub', ledger.balance(u.id, 'rub')), (u.banned_at IS NOT NULL)::text)
				ORDER BY u.created_at DESC)) AS text
		FROM (SELECT * FROM store.person ORDER BY created_at DESC LIMIT c_most) AS u
		UNION ALL
		SELECT 'payments.csv', store.csv_cut('id,person,provider,provider_id,amount,currency,state,refunded,created_utc',
			array_agg(store.csv_line(y.id::text, y.person_id::text, y.provider, y.ext_id,
				store.unit_text('rub', y.amount), y.currency, y.state::text, store.unit_text('rub', y.refunded),
				to_char(y.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')) ORDER BY y.id DESC))
		FROM (SELECT * FROM store.payment ORDER BY id DESC LIMIT c_most) AS y
		UNION ALL
		SELECT 'jobs.csv', store.csv_cut('id,person,offer,model,status,reason,unit,amount,created_utc,finished_utc',
			array_agg(store.csv_line(j.id::text, j.person_id::text, j.offer, j.model, j.status::text, j.reason::text,
				j.unit::text, store.unit_text(j.unit::text, j.amount),
				to_char(j.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
				to_char(j.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')) ORDER BY j.id DESC))
		FROM (SELECT * FROM store.job ORDER BY id DESC LIMIT c_most) AS j
	LOOP
		PERFORM store.task_add('document', jsonb_build_object('notice', 'admin_export', 'args',
			jsonb_build_object('what', split_part(f.name, '.', 1)), 'file_name', f.name, 'text', f.text),
			p_person => p_actor);
	END LOOP;
	RETURN store.admin_answer('sent', NULL, '{}');
END $$;

-- Somebody's purses as a page.
CREATE FUNCTION store.admin_statement(p_person bigint)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.admin_answer('shown', 'admin_statement', jsonb_build_object('person', p_person, 'rows',
		coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('kind', s.kind,
			'at', to_char(s.at AT TIME ZONE 'Europe/Moscow', 'DD.MM HH24:MI'), 'sign', CASE WHEN s.amount < 0 THEN '−' ELSE '+' END,
			'amount', store.money(s.unit::ledger.unit, abs(s.amount)), 'after', store.money(s.unit::ledger.unit, s.after),
			'job', s.job, 'payment', s.payment, 'note', s.note)) ORDER BY s.id DESC), '[]')), p_person)
	FROM (SELECT * FROM store.statement(p_person, NULL) LIMIT 15) AS s;
$$;

-- Somebody's newest jobs or payments, a button for each.
CREATE FUNCTION store.admin_list(p_person bigint, p_what text)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.admin_answer('shown', 'admin_list', jsonb_build_object('person', p_person, 'rows',
		coalesce(jsonb_agg(l.row ORDER BY l.id DESC), '[]')), p_person)
	FROM (
		(SELECT id, jsonb_build_object('kind', 'job', 'word', 'job', 'on', id, 'at', store.when_text(created_at),
			'title', title, 'state', status) AS row
		FROM store.job WHERE person_id = p_person AND p_what = 'jobs' ORDER BY id DESC LIMIT 10)
		UNION ALL
		(SELECT id, jsonb_build_object('kind', 'payment', 'word', 'payment', 'on', id, 'at', store.when_text(created_at),
			'amount', store.payment_price(y), 'provider', provider, 'state', state)
		FROM store.payment y WHERE person_id = p_person AND p_what = 'payments' ORDER BY id DESC LIMIT 10)
	) AS l;
$$;

-- The menu, with what needs an eye.
CREATE FUNCTION store.admin_menu()
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.admin_answer('shown', 'admin', jsonb_build_object(
		'open', (SELECT count(*) FROM store.job WHERE status IN ('pending', 'processing')),
		'waiting', (SELECT count(*) FROM store.task WHERE state = 'ready' AND run_at <= now()),
		'review', (SELECT nullif(count(*), 0) FROM store.payment WHERE state = 'review'),
		'stopped', (SELECT nullif(count(*), 0) FROM store.breaker WHERE closed_at IS NULL),
		'broadcast', (SELECT id FROM store.broadcast WHERE state IN ('running', 'paused') ORDER BY state LIMIT 1),
		'closed', CASE WHEN m.on THEN 1 END, 'opened', CASE WHEN NOT m.on THEN 1 END))
	FROM (SELECT coalesce(store.setting('maintenance') = 'on', false) AS on) AS m;
$$;

-- ---- Broadcasts ----

-- A message of the admin's chat is to go to everybody: shown to him as it will look, with the choice of to whom.
CREATE FUNCTION store.admin_broadcast_draft(p_actor bigint, p_message bigint)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	b store.broadcast;
BEGIN
	UPDATE store.broadcast SET state = 'cancelled', finished_at = now() WHERE actor = p_actor AND state = 'draft';
	INSERT INTO store.broadcast (actor, message_id) VALUES (p_actor, p_message) RETURNING * INTO b;
	PERFORM store.task_add('copy', jsonb_build_object('from', p_actor, 'message', p_message), p_person => p_actor);
	RETURN store.admin_answer('draft', 'broadcast', store.broadcast_args(b));
END $$;

-- start, pause, resume, cancel, look, or a segment for a draft.
CREATE FUNCTION store.admin_broadcast(p_id bigint, p_do text)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	b store.broadcast;
	v_good boolean;
BEGIN
	SELECT * INTO b FROM store.broadcast WHERE id = p_id FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN store.admin_no('broadcast');
	END IF;
	v_good := CASE p_do WHEN 'look' THEN true WHEN 'start' THEN b.state = 'draft' WHEN 'pause' THEN b.state = 'running'
		WHEN 'resume' THEN b.state = 'paused' WHEN 'cancel' THEN b.state IN ('draft', 'running', 'paused')
		ELSE b.state = 'draft' END;
	IF v_good AND p_do IN ('start', 'resume') AND EXISTS (SELECT 1 FROM store.broadcast WHERE state = 'running') THEN
		RETURN store.admin_no('broadcast_busy');
	END IF;
	IF v_good AND p_do <> 'look' THEN
		UPDATE store.broadcast SET
			state = CASE p_do WHEN 'start' THEN 'running' WHEN 'pause' THEN 'paused' WHEN 'resume' THEN 'running'
				WHEN 'cancel' THEN 'cancelled' ELSE state::text END::store.broadcast_state,
			started_at = CASE p_do WHEN 'start' THEN clock_timestamp() ELSE started_at END,
			finished_at = CASE p_do WHEN 'cancel' THEN clock_timestamp() END,
			segment = CASE WHEN p_do IN ('start', 'pause', 'resume', 'cancel') THEN segment ELSE p_do END
		WHERE id = p_id RETURNING * INTO b;
	END IF;
	RETURN store.admin_answer(CASE WHEN v_good THEN p_do ELSE 'late' END, 'broadcast', store.broadcast_args(b));
END $$;

-- ---- The entry ----

-- Does what an admin wants; the caller has checked that he is one, and the arguments. p_key makes a change of a purse
-- one. Called by responder.admin and ctl.admin.
CREATE FUNCTION store.admin_do(p_actor bigint, p_key text, p_what text, p_args jsonb)
RETURNS jsonb LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_answer jsonb;
BEGIN
	v_answer := CASE p_what
		WHEN 'admin' THEN store.admin_menu()
		WHEN 'stats' THEN store.admin_stats(p_actor)
		WHEN 'weather' THEN store.admin_weather()
		WHEN 'margin' THEN store.admin_margin((p_args ->> 'rate')::bigint)
		WHEN 'audit' THEN store.admin_audit()
		WHEN 'user' THEN store.card_user((p_args ->> 'person')::bigint)
		WHEN 'statement' THEN store.admin_statement((p_args ->> 'person')::bigint)
		WHEN 'jobs' THEN store.admin_list((p_args ->> 'person')::bigint, p_what)
		WHEN 'payments' THEN store.admin_list((p_args ->> 'person')::bigint, p_what)
		WHEN 'payment' THEN store.card_payment((p_args ->> 'payment')::bigint)
		WHEN 'payment_ask' THEN store.admin_payment_ask(p_args)
		WHEN 'job' THEN store.card_job((p_args ->> 'job')::bigint)
		WHEN 'job_cancel' THEN store.admin_job_cancel(p_args)
		WHEN 'add' THEN store.admin_adjust(p_actor, p_key, p_args)
		WHEN 'sub' THEN store.admin_adjust(p_actor, p_key, p_args)
		WHEN 'ban' THEN store.admin_ban(p_args, true)
		WHEN 'unban' THEN store.admin_ban(p_args, false)
		WHEN 'refund' THEN store.admin_refund(p_actor, p_args, false)
		WHEN 'refund_go' THEN store.admin_refund(p_actor, p_args, true)
		WHEN 'price' THEN store.admin_price(p_actor, p_args)
		WHEN 'maintenance' THEN store.admin_maintenance((p_args ->> 'on')::boolean)
		WHEN 'export' THEN store.admin_export(p_actor)
		WHEN 'draft' THEN store.admin_broadcast_draft(p_actor, (p_args ->> 'message')::bigint)
		WHEN 'broadcast' THEN store.admin_broadcast((p_args ->> 'broadcast')::bigint, p_args ->> 'do')
		ELSE store.admin_answer(CASE WHEN p_args ? 'bad' THEN 'usage' ELSE 'shown' END, NULL, '{}')
	END;
	INSERT INTO store.audit (actor, command, args, outcome, person_id)
	VALUES (p_actor, p_what, p_args, v_answer ->> 'outcome', (v_answer ->> 'person')::bigint);
	RETURN v_answer;
END $$;

-- An admin's command or button. NULL: he is none (any more). Called by PLAN_ADMIN.
CREATE FUNCTION responder.admin(p_actor bigint, p_update bigint, p_what text, p_args jsonb)
RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN CASE WHEN store.is_admin(p_actor) THEN store.admin_do(p_actor, 'chat:' || p_update, p_what, p_args) END;
END $$;

GRANT EXECUTE ON FUNCTION responder.admin TO atelier_responder;
RESET ROLE;
