-- What a dispatcher looks after beside tasks: the breaker, alerts, the daily digest.
SET LOCAL ROLE atelier_owner;

-- Looks at models that fail, at queues that are too long, and at lanes that have no helper (p_down: for how long is the
-- caller's matter), and notes how many helpers each lane has; an alert of the last two comes once an hour. Called every few seconds.
CREATE FUNCTION dispatcher.watch(p_down text[], p_lanes text[], p_helpers int[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	c_age constant interval := '2 minutes';
	v_hour constant text := to_char(clock_timestamp(), ':YYYYMMDDHH24');
	r record;
BEGIN
	UPDATE store.lane l SET helpers = h.helpers, seen_at = clock_timestamp()
	FROM unnest(p_lanes, p_helpers) AS h(lane, helpers) WHERE l.name = h.lane::store.lane_name;
	PERFORM store.breaker_look();
	PERFORM store.alert('helper_down', jsonb_build_object('lane', d.lane), 'down:' || d.lane || v_hour)
	FROM unnest(p_down) AS d(lane);
	FOR r IN
		SELECT l.name::text AS lane, t.count, t.age FROM store.lane l
		CROSS JOIN LATERAL (SELECT count(*) AS count,
				extract(epoch FROM clock_timestamp() - min(run_at))::bigint / 60 AS age
			FROM store.task k WHERE k.lane = l.name AND k.state = 'ready' AND k.prio < 4
				AND k.run_at < clock_timestamp() - c_age) AS t
		WHERE t.count > 0 AND l.pause_until < clock_timestamp()
	LOOP
		PERFORM store.alert('queue', jsonb_build_object('lane', r.lane, 'count', r.count, 'minutes', r.age),
			'queue:' || r.lane || v_hour);
	END LOOP;
END $$;

-- Tells the admins once a day, from 06:00 UTC on, how yesterday was. Not on the day of the installation. Called every
-- minute.
CREATE FUNCTION dispatcher.digest_due()
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_today constant text := (clock_timestamp() AT TIME ZONE 'UTC')::date::text;
	v_last constant text := store.setting('digest');
BEGIN
	IF v_last = v_today OR (v_last IS NOT NULL
		AND extract(hour FROM clock_timestamp() AT TIME ZONE 'UTC') < 6)
	THEN
		RETURN;
	END IF;
	INSERT INTO store.setting (name, value) VALUES ('digest', v_today)
	ON CONFLICT (name) DO UPDATE SET value = excluded.value;
	IF v_last IS NOT NULL THEN
		PERFORM store.alert('digest', store.figures(store.day_start(1), store.day_start(0)) || jsonb_build_object(
			'day', to_char(store.day_start(1) AT TIME ZONE 'Europe/Moscow', 'DD.MM'),
			'open', (SELECT count(*) FROM store.job WHERE status IN ('pending', 'processing')),
			'review', (SELECT nullif(count(*), 0) FROM store.payment WHERE state = 'review')), 'digest:' || v_today);
	END IF;
END $$;

GRANT EXECUTE ON FUNCTION dispatcher.watch, dispatcher.digest_due TO atelier_dispatcher;
RESET ROLE;
