-- What is sold just now: what an admin switched off or priced anew, and models that keep failing. Not granted.
SET LOCAL ROLE atelier_owner;

-- How models did in the last while: what was delivered, what failed through no fault of the person, what failed through
-- his, and the median of seconds. Called by the breaker, by the digest and by admins.
CREATE FUNCTION store.weather(p_for interval)
RETURNS TABLE (provider text, model text, title text, good bigint, bad bigint, own bigint, usual_s bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT j.provider, j.model, max(j.title), count(*) FILTER (WHERE j.status = 'completed'),
		count(*) FILTER (WHERE j.reason IN ('busy', 'ours', 'late')),
		count(*) FILTER (WHERE j.reason IN ('input', 'policy', 'unreachable')),
		round(percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM j.finished_at - j.started_at))
			FILTER (WHERE j.status = 'completed'))::bigint
	FROM store.job j
	WHERE j.finished_at > now() - p_for AND j.provider <> 'local' AND j.status <> 'cancelled'
	GROUP BY j.provider, j.model;
$$;

-- Stops selling a model ('*': all of the provider's), for longer each time in a row, and tells the admins the first
-- time. Called by store.breaker_look and store.provider_trouble.
CREATE FUNCTION store.breaker_trip(p_provider text, p_model text, p_why text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_now constant timestamptz := clock_timestamp();
	c_first constant interval := '5 minutes';
	c_most constant interval := '1 hour';
	b store.breaker;
BEGIN
	INSERT INTO store.breaker AS k (provider, model, why, until)
	VALUES (p_provider, p_model, left(coalesce(p_why, ''), 300), v_now + c_first)
	ON CONFLICT (provider, model) DO UPDATE SET why = excluded.why, closed_at = NULL,
		trips = CASE WHEN k.closed_at IS NULL THEN k.trips + 1 ELSE 1 END,
		opened_at = CASE WHEN k.closed_at IS NULL THEN k.opened_at ELSE v_now END,
		until = v_now + CASE WHEN k.closed_at IS NULL THEN least(c_first * 2 ^ least(k.trips, 8), c_most) ELSE c_first END
	WHERE k.closed_at IS NOT NULL OR k.until <= v_now
	RETURNING * INTO b;
	IF b.trips = 1 THEN
		PERFORM store.alert(CASE p_model WHEN '*' THEN 'provider_trouble' ELSE 'breaker_open' END, jsonb_build_object(
			'provider', p_provider, 'model', p_model, 'text', b.why, 'stopped', CASE p_model WHEN '*' THEN 1 END));
	END IF;
END $$;

-- Looks at every model: one that failed often enough of late is not sold for a while; one on trial is sold again when
-- something of it has come out well since. Called by dispatcher.watch.
CREATE FUNCTION store.breaker_look()
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_now constant timestamptz := clock_timestamp();
	c_window constant interval := '15 minutes';
	c_failures constant int := 5; -- and no fewer than what came out well
	r record;
BEGIN
	FOR r IN -- on trial
		SELECT b.provider, b.model, b.why, bool_or(j.status = 'completed') AS good,
			max(coalesce(j.detail, '')) FILTER (WHERE j.status = 'failed') AS bad
		FROM store.breaker b
		JOIN store.job j ON j.provider = b.provider AND b.model IN (j.model, '*')
		WHERE b.closed_at IS NULL AND b.until <= v_now AND j.created_at >= b.until AND j.finished_at > b.until
			AND (j.status = 'completed' OR j.reason IN ('busy', 'ours', 'late'))
		GROUP BY b.provider, b.model, b.why
	LOOP
		IF r.good THEN
			UPDATE store.breaker SET closed_at = v_now WHERE provider = r.provider AND model = r.model;
			PERFORM store.alert('breaker_closed', jsonb_build_object('provider', r.provider, 'model', r.model));
		ELSE
			PERFORM store.breaker_trip(r.provider, r.model, r.bad);
		END IF;
	END LOOP;
	FOR r IN
		SELECT j.provider, j.model, count(*) FILTER (WHERE j.status = 'failed') AS bad,
			max(j.class) FILTER (WHERE j.status = 'failed') AS class
		FROM store.job j
		LEFT JOIN store.breaker b ON b.provider = j.provider AND b.model = j.model
		WHERE j.finished_at > v_now - c_window AND j.provider <> 'local'
			AND (j.status = 'completed' OR j.reason IN ('busy', 'ours', 'late'))
			AND (b.provider IS NULL OR j.created_at > b.closed_at) -- one that is open has its trial
		GROUP BY j.provider, j.model
		HAVING count(*) FILTER (WHERE j.status = 'failed') >= c_failures
			AND count(*) FILTER (WHERE j.status = 'failed') >= count(*) FILTER (WHERE j.status = 'completed')
	LOOP
		PERFORM store.breaker_trip(r.provider, r.model, r.bad || ' × ' || r.class);
	END LOOP;
	DELETE FROM store.breaker WHERE closed_at < v_now - interval '1 day';
END $$;

-- A provider refuses our key or has no money of ours left: none of its models is sold for a while, and the admins hear
-- of it (of those who take payments and of Telegram, once an hour). Called by store.task_outcome.
CREATE FUNCTION store.provider_trouble(t store.task, p_text text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_provider constant text := coalesce(t.payload ->> 'provider', CASE t.lane WHEN 'chat' THEN 'telegram' END);
BEGIN
	IF t.kind LIKE '%probe' OR v_provider IS NULL THEN
		RETURN; -- who asks is told the answer
	ELSIF t.lane = 'media' THEN
		PERFORM store.breaker_trip(v_provider, '*', p_text);
	ELSE
		PERFORM store.alert('provider_trouble', jsonb_build_object('provider', v_provider, 'text', left(p_text, 300)),
			'trouble:' || v_provider || to_char(clock_timestamp(), ':YYYYMMDDHH24'));
	END IF;
END $$;

-- All that differs from the catalogue, as {"ID": {"off": true, "rub": n, "credit": n}}; what keeps failing is
-- "@PROVIDER" or "@PROVIDER/MODEL" and off. NULL: nothing. Called by update_open.
CREATE FUNCTION store.offer_changes()
RETURNS jsonb LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN (SELECT jsonb_object_agg(c.name, c.change) FROM (
		SELECT offer AS name, jsonb_strip_nulls(jsonb_build_object('off', CASE WHEN off THEN true END,
			'rub', rub, 'credit', credit)) AS change
		FROM store.offer_change
		UNION ALL
		SELECT '@' || provider || CASE model WHEN '*' THEN '' ELSE '/' || model END, '{"off": true}'
		FROM store.breaker WHERE closed_at IS NULL AND until > now()) AS c);
END $$;

-- Why an offer is not sold just now: off (switched off), weather (it keeps failing); NULL: it is. Called by quote_open
-- and job_order.
CREATE FUNCTION store.offer_stop(p_offer text, p_provider text, p_model text)
RETURNS text LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN CASE WHEN EXISTS (SELECT 1 FROM store.offer_change WHERE offer = p_offer AND off) THEN 'off'
		WHEN EXISTS (SELECT 1 FROM store.breaker WHERE provider = p_provider AND model IN (p_model, '*')
			AND closed_at IS NULL AND until > now()) THEN 'weather' END;
END $$;
RESET ROLE;
