-- Reconciliation: what the providers list is compared with what we have, and our jobs with the ledger.
-- What can be repaired is, by asking the provider about that payment; the rest is told. Not granted.
SET LOCAL ROLE atelier_owner;

-- Keeps a difference of a run. Called by what compares.
CREATE FUNCTION store.differ(p_run bigint, p_kind text, p_provider text, p_ext_id text,
	p_payment bigint, p_text text)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO store.difference (run, kind, provider, ext_id, payment, text)
	VALUES (p_run, p_kind, p_provider, p_ext_id, p_payment, p_text);
$$;

-- Starts a run over what was made since then, or returns the one that is under way. A provider is listed
-- when it is configured or has payments of that time. Called by dispatcher.reconcile_* and ctl.reconcile.
CREATE FUNCTION store.reconcile_open(p_since timestamptz, p_nightly boolean)
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_now constant timestamptz := clock_timestamp();
	v_run bigint;
BEGIN
	INSERT INTO store.reconcile (since, until, nightly) VALUES (p_since, v_now, p_nightly)
	ON CONFLICT ((true)) WHERE finished_at IS NULL DO NOTHING RETURNING id INTO v_run;
	IF v_run IS NULL THEN
		RETURN (SELECT id FROM store.reconcile WHERE finished_at IS NULL);
	END IF;
	PERFORM store.ask_put('pay_list', jsonb_build_object('provider', w.provider, 'what', w.what,
		'since', floor(extract(epoch FROM p_since))::bigint - 600,
		'until', ceil(extract(epoch FROM v_now))::bigint, 'cursor', NULL, 'run', v_run),
		format('list:%s:%s:%s', v_run, w.provider, w.what), NULL)
	FROM (VALUES ('yookassa', 'payments'), ('yookassa', 'refunds'), ('betatransfer', 'payments'))
		AS w(provider, what)
	WHERE (w.provider = 'yookassa' AND store.setting('yookassa_shop_id') <> '')
		OR EXISTS (SELECT 1 FROM store.payment y
			WHERE y.provider = w.provider AND y.created_at >= p_since);
	PERFORM store.reconcile_jobs(v_run, p_since);
	RETURN v_run;
END $$;

-- Compares the jobs of that time with the ledger. Called by store.reconcile_open.
CREATE FUNCTION store.reconcile_jobs(p_run bigint, p_since timestamptz)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO store.difference (run, kind, text)
	SELECT p_run, 'job', format('job %s: its hold is not what it costs', j.id)
	FROM store.job j
	LEFT JOIN ledger.transfer h ON h.id = j.hold_id
	WHERE j.created_at >= p_since AND (h.kind, h.person_id, h.unit, h.amount, h.job_id)
		IS DISTINCT FROM ('hold', j.person_id, j.unit, j.amount, j.id)
	UNION ALL
	SELECT p_run, 'job', format('job %s: %s, but settled as %s', j.id, j.status,
		coalesce(s.kind::text, 'nothing'))
	FROM store.job j
	LEFT JOIN ledger.transfer s ON s.id = j.settle_id
	WHERE j.created_at >= p_since AND j.settle_id IS NOT NULL AND (s.kind, s.resolves) IS DISTINCT FROM
		(CASE j.status WHEN 'completed' THEN 'take' ELSE 'release' END::ledger.kind, j.hold_id)
	UNION ALL
	SELECT p_run, 'job', format('job %s: open long past its deadline', j.id)
	FROM store.job j
	WHERE j.status IN ('pending', 'processing') AND j.step <> 'deliver'
		AND j.deadline_at < now() - interval '10 minutes';
$$;

-- Compares one listed payment with ours. Called by store.reconcile_page.
CREATE FUNCTION store.reconcile_payment(p_run bigint, p_provider text, p_item jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_ext constant text := p_item ->> 'ext_id';
	v_status constant text := p_item ->> 'status';
	v_came constant boolean := v_status IN ('succeeded', 'partial', 'refunded');
	v_there constant text := store.amount_text((p_item ->> 'amount')::bigint, p_item ->> 'currency');
	y store.payment;
BEGIN
	SELECT * INTO y FROM store.payment
	WHERE id = store.payment_find(p_provider, v_ext, p_item ->> 'order');
	IF y.id IS NULL OR y.ext_id <> v_ext THEN
		IF v_came THEN
			PERFORM store.differ(p_run, 'unknown', p_provider, v_ext, y.id, v_status || ', ' || v_there);
		END IF;
		RETURN;
	END IF;
	INSERT INTO store.reconcile_seen (run, payment) VALUES (p_run, y.id) ON CONFLICT DO NOTHING;
	IF ((p_item ->> 'amount')::bigint, p_item ->> 'currency') IS DISTINCT FROM (y.amount, y.currency) THEN
		PERFORM store.differ(p_run, 'amount', p_provider, v_ext, y.id,
			v_there || ' there, ' || store.amount_text(y.amount, y.currency) || ' here');
	ELSIF v_came AND y.credit_tx IS NULL THEN
		PERFORM store.differ(p_run, 'uncredited', p_provider, v_ext, y.id,
			v_status || ' there, ' || y.state || ' here');
	ELSIF NOT v_came AND y.credit_tx IS NOT NULL THEN
		PERFORM store.differ(p_run, 'status', p_provider, v_ext, y.id,
			v_status || ' there, ' || y.state || ' here');
	ELSIF coalesce((p_item ->> 'refunded')::bigint, 0) > y.refunded AND y.credit_tx IS NOT NULL THEN
		PERFORM store.differ(p_run, 'refund', p_provider, v_ext, y.id, format('refunded %s there, %s here',
			store.amount_text((p_item ->> 'refunded')::bigint, y.currency),
			store.amount_text(y.refunded, y.currency)));
	ELSIF v_status <> 'canceled' OR y.state NOT IN ('created', 'pending') THEN
		RETURN; -- the same on both sides
	END IF;
	PERFORM store.payment_ask(y);
END $$;

-- Compares one listed refund with ours. Called by store.reconcile_page.
CREATE FUNCTION store.reconcile_refund(p_run bigint, p_provider text, p_item jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_ext constant text := p_item ->> 'ext_id';
	r store.refund;
	v_payment bigint;
BEGIN
	SELECT * INTO r FROM store.refund WHERE provider = p_provider AND ext_id = v_ext;
	SELECT id INTO v_payment FROM store.payment
	WHERE provider = p_provider AND ext_id = p_item ->> 'payment';
	IF p_item ->> 'status' = 'succeeded' AND r.state IS DISTINCT FROM 'succeeded' THEN
		PERFORM store.differ(p_run, 'refund', p_provider, v_ext, v_payment, format('refund of %s, %s here',
			store.amount_text((p_item ->> 'amount')::bigint, p_item ->> 'currency'),
			coalesce(r.state::text, 'unknown')));
	ELSIF r.state IS DISTINCT FROM 'pending' OR p_item ->> 'status' = 'pending' THEN
		RETURN;
	END IF;
	IF v_payment IS NOT NULL THEN
		PERFORM store.refund_ask(p_provider, v_ext, v_payment);
	END IF;
END $$;

-- A page of a list of a run; after the last, what we have and the provider has not. Called by
-- store.list_page.
CREATE FUNCTION store.reconcile_page(p_run bigint, p_provider text, p_what text, p_items jsonb,
	p_last boolean)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_run store.reconcile;
	v_item jsonb;
BEGIN
	SELECT * INTO v_run FROM store.reconcile WHERE id = p_run;
	IF v_run.finished_at IS NOT NULL THEN
		RETURN;
	END IF;
	FOR v_item IN SELECT value FROM jsonb_array_elements(p_items) LOOP
		PERFORM store.truth_check(v_item);
		IF p_what = 'payments' THEN
			PERFORM store.reconcile_payment(p_run, p_provider, v_item);
		ELSE
			PERFORM store.reconcile_refund(p_run, p_provider, v_item);
		END IF;
	END LOOP;
	IF p_last AND p_what = 'payments' THEN -- the newest may not be in the list yet
		INSERT INTO store.difference (run, kind, provider, ext_id, payment, text)
		SELECT p_run, 'missing', y.provider, y.ext_id, y.id, y.state || ' here, not there: '
			|| store.amount_text(y.amount, y.currency)
		FROM store.payment y
		WHERE y.provider = p_provider AND y.credit_tx IS NOT NULL
			AND y.created_at >= v_run.since AND y.created_at < v_run.until - interval '10 minutes'
			AND NOT EXISTS (SELECT 1 FROM store.reconcile_seen s WHERE s.run = p_run AND s.payment = y.id)
		ORDER BY y.id;
	END IF;
END $$;

-- Ends the run under way when its lists are through and what it asked is answered (or an hour has passed),
-- and tells the admins how many differences remain. Called by dispatcher.pay_due.
CREATE FUNCTION store.reconcile_close()
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_run store.reconcile;
	v_count bigint;
BEGIN
	SELECT * INTO v_run FROM store.reconcile WHERE finished_at IS NULL FOR NO KEY UPDATE SKIP LOCKED;
	IF NOT FOUND OR (v_run.started_at > clock_timestamp() - interval '1 hour' AND (
		EXISTS (SELECT 1 FROM store.task WHERE lane = 'pay' AND state IN ('ready', 'leased')
			AND kind = 'pay_list' AND payload -> 'run' = to_jsonb(v_run.id))
		OR EXISTS (SELECT 1 FROM store.difference d JOIN store.task t ON t.payment_id = d.payment
			WHERE d.run = v_run.id AND NOT d.repaired AND d.kind IN ('uncredited', 'refund')
				AND t.lane = 'pay' AND t.state IN ('ready', 'leased'))))
	THEN
		RETURN;
	END IF;
	UPDATE store.reconcile SET finished_at = clock_timestamp() WHERE id = v_run.id;
	DELETE FROM store.reconcile_seen WHERE run = v_run.id;
	SELECT count(*) INTO v_count FROM store.difference WHERE run = v_run.id AND NOT repaired;
	IF v_count > 0 THEN
		PERFORM store.alert('reconcile', jsonb_build_object('run', v_run.id, 'count', v_count));
	END IF;
END $$;
RESET ROLE;
