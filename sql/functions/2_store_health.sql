-- Figures for those who watch. Not granted.
SET LOCAL ROLE atelier_owner;

-- A label of a figure, as Prometheus writes it. Called by store.health.
CREATE FUNCTION store.label(p_name text, p_value text)
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT p_name || '="' || replace(replace(replace(p_value, '\', '\\'), '"', '\"'), E'\n', '\n') || '"';
$$;

-- What moved in the ledger, ever: what is folded, and the rows since. plpgsql, so that the plan is made for the id: for
-- one that is not known yet, a third of the ledger is expected, and all of it read. Called by store.health.
CREATE FUNCTION store.money_moved()
RETURNS TABLE (kind text, unit text, amount bigint, count bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_folded constant bigint := (SELECT folded_id FROM store.tally_cursor);
BEGIN
	RETURN QUERY SELECT m.kind::text, m.unit::text, sum(m.amount)::bigint, sum(m.count)::bigint
	FROM (
		SELECT y.kind, y.unit, y.amount, y.count FROM store.tally y
		UNION ALL
		SELECT t.kind, t.unit, t.amount, 1 FROM ledger.transfer t WHERE t.id > v_folded
	) AS m
	GROUP BY m.kind, m.unit;
END $$;

-- Figures that are cheap to count, each with its Prometheus type and help; those of one metric stand together.
-- labels: with their braces, or ''; NULL: there is none of it now. Called by responder.health and ctl.status.
CREATE FUNCTION store.health()
RETURNS TABLE (metric text, type text, help text, labels text, value bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT d.metric, d.type, d.help, f.labels, f.value
	FROM (VALUES
		(1, 'tasks', 'gauge', 'Tasks that wait or that helpers hold.'),
		(2, 'task_age_seconds', 'gauge', 'How long the oldest task that is due has waited.'),
		(3, 'jobs', 'gauge', 'Jobs that are open.'),
		(4, 'model_jobs', 'gauge', 'Jobs of a model that are open.'),
		(5, 'model_jobs_last_hour', 'gauge', 'Jobs of a model that ended within the last hour.'),
		(6, 'payments', 'gauge', 'Payments that are open.'),
		(7, 'hints_dropped_total', 'counter', 'Notifications of payments that were not taken in a flood.'),
		(8, 'people', 'gauge', 'People who ever wrote, estimated.'),
		(9, 'money_minor_total', 'counter',
			'What moved in the ledger: kopecks, cents, or whole credits and free operations.'),
		(10, 'money_moves_total', 'counter', 'Movements in the ledger.')
	) AS d(n, metric, type, help)
	LEFT JOIN (
		-- each state by itself, as its index is: a day of ended tasks is not walked over
		SELECT 'tasks', format('{lane="%s",state="%s"}', l.name, s.state), CASE s.state
			WHEN 'ready' THEN (SELECT count(*) FROM store.task t WHERE t.lane = l.name AND t.state = 'ready')
			ELSE (SELECT count(*) FROM store.task t WHERE t.lane = l.name AND t.state = 'leased') END
		FROM store.lane l CROSS JOIN (VALUES ('ready'), ('leased')) AS s(state)
		UNION ALL
		SELECT 'task_age_seconds', format('{lane="%s"}', l.name),
			coalesce(greatest(extract(epoch FROM now() - min(t.run_at)), 0), 0)::bigint
		FROM store.lane l LEFT JOIN store.task t ON t.lane = l.name AND t.state = 'ready'
		GROUP BY l.name
		UNION ALL
		SELECT 'jobs', format('{status="%s"}', s.status), count(j.id)
		FROM (VALUES ('pending'::store.job_status), ('processing')) AS s(status)
		LEFT JOIN store.job j ON j.status = s.status AND j.status IN ('pending', 'processing')
		GROUP BY s.status
		UNION ALL
		SELECT 'model_jobs', format('{status="%s",%s}', j.status, store.label('model', j.model)), count(*)
		FROM store.job j WHERE j.status IN ('pending', 'processing')
		GROUP BY j.status, j.model
		UNION ALL
		SELECT 'model_jobs_last_hour', format('{status="%s",%s}', j.status, store.label('model', j.model)), count(*)
		FROM store.job j WHERE j.finished_at > now() - interval '1 hour'
		GROUP BY j.status, j.model
		UNION ALL
		SELECT 'payments', format('{state="%s"}', s.state), count(y.id)
		FROM (VALUES ('created'::store.payment_state), ('pending')) AS s(state)
		LEFT JOIN store.payment y ON y.state = s.state AND y.next_ask_at IS NOT NULL
		GROUP BY s.state
		UNION ALL
		SELECT 'hints_dropped_total', '', coalesce(pg_sequence_last_value('store.hint_dropped'), 0)
		UNION ALL
		SELECT 'people', '', greatest(reltuples, 0)::bigint
		FROM pg_class WHERE oid = 'store.person'::regclass
		UNION ALL
		SELECT x.metric, format('{kind="%s",unit="%s"}', m.kind, m.unit), x.value
		FROM store.money_moved() m
		CROSS JOIN LATERAL (VALUES ('money_minor_total', m.amount), ('money_moves_total', m.count)) AS x(metric, value)
	) AS f(metric, labels, value) USING (metric)
	ORDER BY d.n, f.labels;
$$;
RESET ROLE;
