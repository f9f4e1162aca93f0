-- The way of a payment: created at its provider, asked about until its fate is known, credited once, and
-- taken back when it is refunded. What a provider says (src/data/payment.h) is called the truth here; a
-- notification is only a reason to ask. None of these functions is granted to anybody.
-- Whoever changes a payment or its refunds holds the payment's row.
SET LOCAL ROLE atelier_owner;

-- ---- Words ----

-- A setting of the programs that money depends on, NULL when the dispatcher has not told it.
-- Called by store.truth_flaw and responder.payment_open.
CREATE FUNCTION store.setting(p_name text)
RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT value FROM store.setting WHERE name = p_name;
$$;

-- Tells every admin something (notice "alert", variant p_what); a dedup key that is there already adds
-- nothing. Called wherever money does not match.
CREATE FUNCTION store.alert(p_what text, p_args jsonb, p_dedup text DEFAULT NULL)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.task_add('say', jsonb_build_object('notice', 'alert', 'args',
		jsonb_build_object('what', p_what) || jsonb_strip_nulls(p_args)), p_person => a.person_id,
		p_dedup => p_dedup || ':' || a.person_id)
	FROM store.admin a ORDER BY a.person_id;
$$;

-- An amount in words for alerts and differences: 12.00 RUB.
CREATE FUNCTION store.amount_text(p_amount bigint, p_currency text)
RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(round(p_amount / 100.0, 2)::text, '?') || ' ' || coalesce(p_currency, '?');
$$;

-- What is to be paid, as the args of a notice have it.
CREATE FUNCTION store.payment_price(y store.payment)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.money(ledger.unit_of((y).currency), (y).amount);
$$;

-- Says something in the status message of a payment: replaces what still waits to leave there. Called for
-- pay_wait, pay_link, pay_canceled, pay_failed, pay_review.
CREATE FUNCTION store.payment_notice(y store.payment, p_notice text, p_args jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_payload constant jsonb := jsonb_build_object('notice', p_notice, 'args',
		jsonb_build_object('payment', y.id) || jsonb_strip_nulls(p_args));
BEGIN
	UPDATE store.task SET payload = v_payload
	WHERE payment_id = y.id AND kind IN ('say', 'edit') AND state = 'ready';
	IF NOT FOUND THEN
		PERFORM store.task_add(CASE WHEN y.status_message_id IS NULL THEN 'say' ELSE 'edit' END,
			v_payload, p_person => y.person_id, p_payment => y.id);
	END IF;
END $$;

-- Says something about a payment in a new message of its own.
CREATE FUNCTION store.payment_say(y store.payment, p_notice text, p_args jsonb,
	p_dedup text DEFAULT NULL)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.task_add('say', jsonb_build_object('notice', p_notice, 'args',
		jsonb_build_object('payment', (y).id) || jsonb_strip_nulls(p_args)),
		p_person => (y).person_id, p_dedup => p_dedup);
$$;

-- Says the link (notice pay_link) as a new status message. Called when the old one is far up the chat.
CREATE FUNCTION store.payment_link(y store.payment)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE store.payment SET status_message_id = NULL WHERE id = y.id RETURNING * INTO y;
	PERFORM store.payment_notice(y, 'pay_link',
		jsonb_build_object('amount', store.payment_price(y), 'url', y.url));
END $$;

-- The args of pay_done: what came in, what is there now, and the quote that waited for it, when it is
-- affordable now.
CREATE FUNCTION store.payment_done_args(y store.payment)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('amount', store.money((y).grant_unit, (y).grant_amount),
		'balance', store.money((y).grant_unit, ledger.balance((y).person_id, (y).grant_unit)),
		'quote', (SELECT q.id FROM store.person p JOIN store.quote q ON q.id = p.waiting_quote
			WHERE p.id = (y).person_id AND q.state = 'open' AND q.unit = (y).grant_unit
				AND q.amount <= ledger.available(p.id, q.unit)
				AND NOT EXISTS (SELECT 1 FROM ledger.debts(p.id))));
$$;

-- The args of pay_refunded: what went back to the payer, what is left, what is owed.
CREATE FUNCTION store.refund_args(y store.payment, p_amount bigint)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('amount', store.money(ledger.unit_of((y).currency), p_amount),
		'left', store.money((y).grant_unit, ledger.balance((y).person_id, (y).grant_unit)),
		'debt', (SELECT store.money(d.unit, d.owed) FROM ledger.debts((y).person_id) d
			WHERE d.unit = (y).grant_unit));
$$;

-- ---- Asking ----

-- The wait before the next question, after p_asks of them: 10 s, 20 s, 40 s … an hour.
CREATE FUNCTION store.ask_wait(p_asks int)
RETURNS interval LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT least(interval '10 seconds' * 2 ^ least(p_asks, 9), interval '1 hour');
$$;

-- When an open payment is asked about next: growing waits until it expires, then at expiry, then daily; NULL
-- when three days after it are over. Called by dispatcher.pay_due.
CREATE FUNCTION store.ask_next(p_now timestamptz, p_expires timestamptz, p_asks int)
RETURNS timestamptz LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE WHEN p_now < p_expires THEN least(p_now + store.ask_wait(p_asks), p_expires)
		ELSE (SELECT min(d) FROM (VALUES (p_expires + interval '1 day'),
			(p_expires + interval '2 days'), (p_expires + interval '3 days')) AS v(d)
			WHERE d > p_now) END;
$$;

-- Puts a question into the pay lane, at most one ready of a topic: an earlier time wins.
-- Called by everything below that asks.
CREATE FUNCTION store.ask_put(p_kind text, p_payload jsonb, p_topic text, p_payment bigint,
	p_wait interval DEFAULT '0')
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO store.task AS t (lane, kind, payload, prio, max_attempts, run_at, payment_id, topic)
	VALUES ('pay', p_kind, p_payload, CASE p_kind WHEN 'pay_list' THEN 3 ELSE 2 END, 1000000,
		clock_timestamp() + p_wait, p_payment, p_topic)
	ON CONFLICT (topic) WHERE topic IS NOT NULL AND state = 'ready'
		DO UPDATE SET run_at = least(t.run_at, excluded.run_at);
$$;

-- Asks the provider about one of our payments. ЮKassa knows no order names: without its id we look through
-- the payments of that time, unless the creation is still under way (it is asked again under its key).
-- Called by pay_due, payment_check, payment_hint and reconciliation.
CREATE FUNCTION store.payment_ask(y store.payment, p_wait interval DEFAULT '0')
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF y.ext_id IS NOT NULL OR y.provider <> 'yookassa' THEN
		PERFORM store.ask_put('pay_ask', jsonb_build_object('payment', y.id, 'provider', y.provider,
			'order', y.order_name, 'ext_id', y.ext_id), 'ask:' || y.id, y.id, p_wait);
	ELSIF NOT EXISTS (SELECT 1 FROM store.task WHERE payment_id = y.id AND kind = 'pay_create'
		AND state IN ('ready', 'leased'))
	THEN
		PERFORM store.ask_put('pay_list', jsonb_build_object('provider', y.provider,
			'what', 'payments', 'cursor', NULL, 'payment', y.id,
			'since', floor(extract(epoch FROM y.created_at))::bigint - 120,
			'until', floor(extract(epoch FROM y.created_at))::bigint + 86400),
			'find:' || y.id, y.id, p_wait);
	END IF;
END $$;

-- Asks about something that we know only by the provider's id (or by what is said to be our order name).
-- Called by payment_hint and for refunds of payments we do not know yet.
CREATE FUNCTION store.unknown_ask(p_provider text, p_ext_id text, p_order text)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.ask_put('pay_ask', jsonb_build_object('payment', NULL, 'provider', p_provider,
		'order', p_order, 'ext_id', p_ext_id),
		'ask:' || p_provider || ':' || coalesce(p_ext_id, p_order), NULL);
$$;

-- Asks about a refund by the provider's id. Called by payment_hint, pay_due and reconciliation.
CREATE FUNCTION store.refund_ask(p_provider text, p_ext_id text, p_payment bigint)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.ask_put('pay_refund_ask', jsonb_build_object('provider', p_provider,
		'refund_ext_id', p_ext_id), 'refund:' || p_provider || ':' || p_ext_id, p_payment);
$$;

-- Lists a payment's refunds at its provider. Called when there are more than we know.
CREATE FUNCTION store.refunds_list(y store.payment)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.ask_put('pay_list', jsonb_build_object('provider', (y).provider, 'what', 'refunds',
		'cursor', NULL, 'payment', (y).id, 'ext_id', (y).ext_id,
		'since', floor(extract(epoch FROM (y).created_at))::bigint - 120,
		'until', floor(extract(epoch FROM clock_timestamp()))::bigint + 120),
		'refunds:' || (y).id, (y).id);
$$;

-- Puts the creation of a payment into the pay lane; a second one has the same key and contents.
-- Called by responder.payment_open and store.payment_absent.
CREATE FUNCTION store.payment_create(y store.payment)
RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT store.task_add('pay_create', jsonb_build_object('payment', (y).id,
		'provider', (y).provider, 'order', (y).order_name, 'key', (y).key, 'amount', (y).amount,
		'currency', (y).currency, 'description', (y).description, 'person', (y).person_id),
		p_payment => (y).id, p_dedup => 'pay:' || (y).id || ':create:' || (y).creates);
$$;

-- ---- The truth ----

-- Our payment that the provider means: by its id, else by our order name. NULL: none.
CREATE FUNCTION store.payment_find(p_provider text, p_ext_id text, p_order text)
RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(
		(SELECT id FROM store.payment WHERE provider = p_provider AND ext_id = p_ext_id),
		(SELECT id FROM store.payment WHERE provider = p_provider AND order_name = p_order));
$$;

-- Why a paid truth must not credit this payment: a short name and the facts in words; NULL when all is as
-- ordered. Called by store.payment_paid.
CREATE FUNCTION store.truth_flaw(y store.payment, p_truth jsonb, OUT flaw text, OUT fact text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_amount constant bigint := (p_truth ->> 'amount')::bigint;
	v_paid constant bigint := coalesce((p_truth ->> 'paid')::bigint, v_amount);
	v_currency constant text := p_truth ->> 'currency';
	v_shop constant text := store.setting('yookassa_shop_id');
	v_test constant boolean := coalesce(store.setting(y.provider || '_test')::boolean, false);
BEGIN
	IF (p_truth ->> 'order') IS DISTINCT FROM y.order_name THEN
		flaw := 'order';
		fact := format('order %s, not %s', coalesce(p_truth ->> 'order', 'missing'), y.order_name);
	ELSIF v_currency IS DISTINCT FROM y.currency OR v_amount IS DISTINCT FROM y.amount THEN
		flaw := CASE WHEN v_currency = y.currency THEN 'amount' ELSE 'currency' END;
		fact := store.amount_text(v_amount, v_currency) || ', not '
			|| store.amount_text(y.amount, y.currency);
	ELSIF v_paid < y.amount OR p_truth ->> 'status' = 'partial' THEN
		flaw := 'partial';
		fact := 'paid ' || store.amount_text(v_paid, v_currency) || ' of '
			|| store.amount_text(y.amount, y.currency);
	ELSIF y.provider = 'yookassa' AND (p_truth ->> 'shop') IS DISTINCT FROM v_shop THEN
		flaw := 'shop';
		fact := format('shop %s, not %s', coalesce(p_truth ->> 'shop', 'missing'), v_shop);
	ELSIF y.test <> v_test OR (y.provider = 'betatransfer' AND y.test)
		OR (y.provider = 'yookassa' AND (p_truth ->> 'test')::boolean IS DISTINCT FROM y.test)
	THEN
		flaw := 'test';
		fact := 'test money';
	END IF;
END $$;

-- A payment that must not be credited as it is: to an admin, once per flaw. It may still be credited when
-- the provider says later that all is as ordered. Called by store.payment_paid.
CREATE FUNCTION store.payment_review(y store.payment, p_flaw text, p_fact text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF y.state = 'review' AND y.reason = p_flaw THEN
		RETURN;
	END IF;
	UPDATE store.payment SET state = 'review', reason = p_flaw, next_ask_at = NULL WHERE id = y.id;
	PERFORM store.alert(CASE p_flaw WHEN 'test' THEN 'pay_test' ELSE 'pay_mismatch' END,
		jsonb_build_object('payment', y.id, 'provider', y.provider, 'text', p_fact));
	IF y.state <> 'review' THEN
		PERFORM store.payment_say(y, 'pay_review',
			jsonb_build_object('amount', store.payment_price(y)));
	END IF;
END $$;

-- More was paid than ordered: what was ordered is credited, and an admin hears of the rest.
-- Called by store.payment_paid.
CREATE FUNCTION store.payment_over(y store.payment, p_paid bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF p_paid > y.amount THEN
		UPDATE store.payment SET reason = 'over: paid ' || store.amount_text(p_paid, y.currency)
		WHERE id = y.id;
		PERFORM store.alert('pay_over', jsonb_build_object('payment', y.id, 'provider', y.provider,
			'text', store.amount_text(p_paid, y.currency)));
	END IF;
END $$;

-- The provider has money that is as ordered: credits it, once, tells the person, and applies the refunds
-- that were seen before. Called by store.payment_paid.
CREATE FUNCTION store.payment_credit(y store.payment)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	t ledger.transfer;
	r store.refund;
BEGIN
	t := ledger.topup(y);
	UPDATE store.payment SET state = 'succeeded', paid = amount, credit_tx = t.id, reason = NULL,
		verified_at = clock_timestamp(), next_ask_at = NULL, late = y.state IN ('canceled', 'failed')
	WHERE id = y.id RETURNING * INTO y;
	UPDATE store.difference SET repaired = true
	WHERE payment = y.id AND kind = 'uncredited' AND NOT repaired;
	FOR r IN SELECT * FROM store.refund WHERE payment_id = y.id AND state = 'pending' AND confirmed
		ORDER BY id
	LOOP
		PERFORM store.refund_settle(r.id);
	END LOOP;
	PERFORM store.payment_say(y, 'pay_done', store.payment_done_args(y), 'pay:' || y.id || ':done');
END $$;

-- The provider says that money has come in (all of it or some), and perhaps that some went back. Refunds
-- that we do not know are listed first, so that what is gone again is never there to be spent; where there
-- is no list, what is said stands for itself. Called by store.payment_truth.
CREATE FUNCTION store.payment_paid(y store.payment, p_truth jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_back constant bigint := coalesce((p_truth ->> 'refunded')::bigint,
		CASE p_truth ->> 'status' WHEN 'refunded' THEN (p_truth ->> 'amount')::bigint ELSE 0 END);
	v_known bigint;
	v record;
BEGIN
	SELECT coalesce(sum(amount), 0) INTO v_known FROM store.refund
	WHERE payment_id = y.id AND (state = 'succeeded' OR confirmed);
	IF y.credit_tx IS NULL THEN
		SELECT * INTO v FROM store.truth_flaw(y, p_truth);
		IF v.flaw IS NOT NULL THEN
			PERFORM store.payment_review(y, v.flaw, v.fact);
			RETURN;
		END IF;
	END IF;
	IF v_back > v_known AND y.provider = 'yookassa' THEN
		PERFORM store.refunds_list(y);
		IF y.credit_tx IS NULL THEN
			RETURN;
		END IF;
	ELSIF v_back > v_known THEN
		PERFORM store.refund_seen(y, y.ext_id || ':' || v_back, v_back - v_known);
	END IF;
	IF y.credit_tx IS NULL THEN
		PERFORM store.payment_credit(y);
		PERFORM store.payment_over(y, (p_truth ->> 'paid')::bigint);
	END IF;
END $$;

-- The provider says that the payment will not come in. Called by store.payment_truth and pay_due.
CREATE FUNCTION store.payment_cancel(y store.payment, p_reason text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF y.state IN ('created', 'pending') THEN
		UPDATE store.payment SET state = 'canceled', reason = left(p_reason, 200), next_ask_at = NULL
		WHERE id = y.id;
		PERFORM store.payment_notice(y, 'pay_canceled', jsonb_build_object('reason', p_reason));
	END IF;
END $$;

-- It could not be created. Called by the outcomes of pay_create.
CREATE FUNCTION store.payment_fail(y store.payment, p_reason text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF y.state = 'created' THEN
		UPDATE store.payment SET state = 'failed', reason = left(p_reason, 200), next_ask_at = NULL
		WHERE id = y.id;
		PERFORM store.payment_notice(y, 'pay_failed', '{}');
	END IF;
END $$;

-- A paid payment at the provider that is none of ours, or a second one under one order: told once.
-- Called by store.truth_apply and store.payment_truth.
CREATE FUNCTION store.orphan_seen(p_provider text, p_truth jsonb, p_payment bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_what constant text := concat_ws(', ',
		store.amount_text((p_truth ->> 'amount')::bigint, p_truth ->> 'currency'),
		'order ' || left(p_truth ->> 'order', 64), 'payment ' || p_payment);
BEGIN
	IF p_truth ->> 'status' NOT IN ('succeeded', 'partial', 'refunded') THEN
		RETURN;
	END IF;
	INSERT INTO store.orphan (provider, ext_id, what) VALUES (p_provider, p_truth ->> 'ext_id', v_what)
	ON CONFLICT DO NOTHING;
	IF FOUND THEN
		PERFORM store.alert('pay_orphan', jsonb_build_object('provider', p_provider,
			'ext_id', p_truth ->> 'ext_id', 'text', v_what));
	END IF;
END $$;

-- What the provider says of one of our payments. Fills what was empty, moves the state forward only, and
-- credits, cancels or puts aside. Called by the outcomes of pay_create, pay_ask and pay_list; locks the
-- payment's row.
CREATE FUNCTION store.payment_truth(p_payment bigint, p_truth jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	y store.payment;
	v_was store.payment;
BEGIN
	SELECT * INTO STRICT v_was FROM store.payment WHERE id = p_payment FOR NO KEY UPDATE;
	IF v_was.ext_id <> p_truth ->> 'ext_id' THEN
		PERFORM store.orphan_seen(v_was.provider, p_truth, v_was.id);
		RETURN;
	END IF;
	UPDATE store.payment SET ext_id = coalesce(ext_id, p_truth ->> 'ext_id'),
		url = coalesce(url, p_truth ->> 'url'), raw = left(p_truth ->> 'raw', 200),
		answered_at = clock_timestamp(), curious = false,
		state = CASE state WHEN 'created' THEN 'pending' ELSE state END,
		next_ask_at = CASE state WHEN 'created' THEN clock_timestamp() + store.ask_wait(0)
			ELSE next_ask_at END
	WHERE id = p_payment RETURNING * INTO y;
	CASE p_truth ->> 'status'
	WHEN 'succeeded', 'refunded', 'partial' THEN
		PERFORM store.payment_paid(y, p_truth);
	WHEN 'canceled' THEN
		PERFORM store.payment_cancel(y, coalesce(p_truth ->> 'reason', ''));
	WHEN 'pending', 'waiting' THEN
		IF y.state = 'pending' AND y.url IS NOT NULL AND v_was.url IS NULL THEN
			PERFORM store.payment_notice(y, 'pay_link',
				jsonb_build_object('amount', store.payment_price(y), 'url', y.url));
		ELSIF v_was.state = 'created' AND y.url IS NULL THEN -- nobody can pay it, but it is there
			PERFORM store.payment_notice(y, 'pay_failed', '{}');
		ELSIF y.state = 'pending' AND v_was.curious THEN
			PERFORM store.payment_say(y, 'pay_pending',
				jsonb_build_object('amount', store.payment_price(y)));
		END IF;
	END CASE;
END $$;

-- The provider does not know the payment. One whose creation is of unknown fate is created once more where
-- an order name is taken once only; else it has failed. Called by the outcomes of pay_ask and pay_list.
CREATE FUNCTION store.payment_absent(p_payment bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	y store.payment;
BEGIN
	UPDATE store.payment SET answered_at = clock_timestamp(), curious = false
	WHERE id = p_payment RETURNING * INTO y;
	IF y.state <> 'created' OR EXISTS (SELECT 1 FROM store.task WHERE payment_id = y.id
		AND kind = 'pay_create' AND state IN ('ready', 'leased'))
	THEN
		RETURN;
	ELSIF y.provider = 'betatransfer' AND y.creates < 3 AND y.raw IS DISTINCT FROM 'refused' THEN
		UPDATE store.payment SET creates = creates + 1, next_ask_at = NULL
		WHERE id = y.id RETURNING * INTO y;
		PERFORM store.payment_create(y);
	ELSE
		PERFORM store.payment_fail(y, 'never created');
	END IF;
END $$;

-- What the provider says of a payment, whosever it is. p_payment: the one we asked about, or NULL.
-- Called by the outcome of pay_ask.
CREATE FUNCTION store.truth_apply(p_provider text, p_payment bigint, p_truth jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_payment bigint;
BEGIN
	IF NOT (p_truth ->> 'found')::boolean THEN
		IF p_payment IS NOT NULL THEN
			PERFORM store.payment_absent(p_payment);
		END IF;
		RETURN;
	END IF;
	PERFORM store.truth_check(p_truth);
	v_payment := store.payment_find(p_provider, p_truth ->> 'ext_id', p_truth ->> 'order');
	IF v_payment IS DISTINCT FROM coalesce(p_payment, v_payment) THEN
		PERFORM store.truth_astray(p_truth);
	ELSIF v_payment IS NULL THEN
		PERFORM store.orphan_seen(p_provider, p_truth, NULL);
	ELSE
		PERFORM store.payment_truth(v_payment, p_truth);
	END IF;
END $$;

-- Refuses (data_exception) what is no truth. Called with everything that helpers report as one.
CREATE FUNCTION store.truth_check(p_truth jsonb)
RETURNS void LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF (jsonb_typeof(p_truth -> 'ext_id') = 'string' AND jsonb_typeof(p_truth -> 'status') = 'string'
		AND jsonb_typeof(p_truth -> 'amount') = 'number' AND length(p_truth ->> 'ext_id') <= 64)
		IS NOT TRUE
	THEN
		RAISE EXCEPTION 'no truth: %', left(p_truth::text, 200) USING ERRCODE = 'data_exception';
	END IF;
END $$;

-- Refuses (data_exception) what is about something else than was asked: a helper is believed about the task
-- that it holds and nothing else. Called with the answers to questions and to refunds.
CREATE FUNCTION store.truth_astray(p_truth jsonb)
RETURNS void LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'not what was asked: %', left(p_truth::text, 200) USING ERRCODE = 'data_exception';
END $$;

-- ---- Refunds ----

-- What p_amount more of a payment's money takes out of the purse: in proportion, and the last refund takes
-- what is left, so that all together take what was granted.
CREATE FUNCTION store.refund_back(y store.payment, p_amount bigint)
RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT greatest(0, div((y).grant_amount::numeric * (coalesce(sum(r.amount), 0) + p_amount),
		(y).paid) - coalesce(sum(r.back), 0))::bigint
	FROM store.refund r
	WHERE r.payment_id = (y).id AND (r.state = 'succeeded' OR (r.ours AND r.state = 'pending'));
$$;

-- The provider confirms a refund of a credited payment: debits it once, tells the person, and an admin when
-- part of it was spent. Called by store.refund_truth and store.payment_credit.
CREATE FUNCTION store.refund_settle(p_refund bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	r store.refund;
	y store.payment;
	v_hold bigint;
	v record;
BEGIN
	SELECT * INTO STRICT r FROM store.refund WHERE id = p_refund;
	SELECT * INTO STRICT y FROM store.payment WHERE id = r.payment_id;
	IF y.refunded + r.amount > y.paid THEN
		PERFORM store.alert('pay_mismatch', jsonb_build_object('payment', y.id, 'provider', y.provider,
			'text', 'refunds of more than was paid: ' || store.amount_text(r.amount, y.currency)),
			'refund:' || r.id || ':over');
		PERFORM store.refund_undo(r.id, 'failed');
		RETURN;
	END IF;
	IF r.state = 'pending' AND r.hold_tx IS NOT NULL THEN
		v_hold := r.hold_tx;
	ELSE
		r.back := store.refund_back(y, r.amount);
	END IF;
	SELECT * INTO v FROM ledger.refund(y, r.ext_id, r.amount, r.back, v_hold);
	UPDATE store.refund SET state = 'succeeded', back = r.back, debit_tx = v.debit_tx, debt = v.debt,
		next_ask_at = NULL, settled_at = clock_timestamp()
	WHERE id = r.id;
	UPDATE store.payment SET refunded = refunded + r.amount,
		state = CASE WHEN refunded + r.amount = paid THEN 'refunded' ELSE state END
	WHERE id = y.id RETURNING * INTO y;
	UPDATE store.difference SET repaired = true
	WHERE payment = y.id AND kind = 'refund' AND NOT repaired;
	PERFORM store.payment_say(y, 'pay_refunded', store.refund_args(y, r.amount),
		'refund:' || r.id || ':done');
	IF v.debt > 0 THEN
		PERFORM store.alert('debt', jsonb_build_object('payment', y.id, 'person', y.person_id,
			'debt', store.money(y.grant_unit, v.debt)));
	END IF;
END $$;

-- A refund that came to nothing: what was held goes back. Called by the outcomes of refunds.
CREATE FUNCTION store.refund_undo(p_refund bigint, p_state store.refund_state)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	r store.refund;
BEGIN
	UPDATE store.refund SET state = p_state, next_ask_at = NULL, settled_at = clock_timestamp()
	WHERE id = p_refund AND state = 'pending' RETURNING * INTO r;
	IF r.hold_tx IS NOT NULL THEN
		PERFORM ledger.release_refund(r.id);
	END IF;
END $$;

-- A refund that the provider has made and that we did not order, under its id (or one made of the sum when
-- it has none): kept, and debited now or with the credit. Called by store.refund_truth and payment_paid.
CREATE FUNCTION store.refund_seen(y store.payment, p_ext_id text, p_amount bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_id bigint;
BEGIN
	INSERT INTO store.refund (payment_id, provider, ext_id, amount, ours, confirmed)
	VALUES (y.id, y.provider, p_ext_id, p_amount, false, true)
	ON CONFLICT (provider, ext_id) DO NOTHING RETURNING id INTO v_id;
	IF v_id IS NOT NULL AND y.credit_tx IS NOT NULL THEN
		PERFORM store.refund_settle(v_id);
	END IF;
END $$;

-- What the provider says of one refund of a payment that we hold. p_refund: ours that we ordered, or NULL;
-- one of ours that has no id yet takes the first of its amount. Called by store.refund_truth.
CREATE FUNCTION store.refund_apply(y store.payment, p_truth jsonb, p_refund bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_ext constant text := p_truth ->> 'ext_id';
	v_status constant text := p_truth ->> 'status';
	v_amount constant bigint := (p_truth ->> 'amount')::bigint;
	r store.refund;
BEGIN
	SELECT * INTO r FROM store.refund WHERE provider = y.provider AND ext_id = v_ext;
	IF r.id IS NULL THEN
		UPDATE store.refund SET ext_id = v_ext
		WHERE id = (SELECT id FROM store.refund
			WHERE payment_id = y.id AND ours AND ext_id IS NULL AND amount = v_amount
				AND (id = p_refund OR state = 'pending')
			ORDER BY (id = p_refund) DESC NULLS LAST, id LIMIT 1)
		RETURNING * INTO r;
	END IF;
	IF (p_truth ->> 'currency') IS DISTINCT FROM y.currency OR coalesce(r.amount, v_amount) <> v_amount
		OR coalesce(r.payment_id, y.id) <> y.id
	THEN
		PERFORM store.alert('pay_mismatch', jsonb_build_object('payment', y.id, 'provider', y.provider,
			'text', format('refund %s: %s', v_ext, store.amount_text(v_amount, p_truth ->> 'currency'))),
			'refund:' || y.provider || ':' || v_ext || ':mismatch');
	ELSIF v_status = 'succeeded' AND r.id IS NULL THEN
		PERFORM store.refund_seen(y, v_ext, v_amount);
	ELSIF v_status = 'succeeded' AND r.state <> 'succeeded' AND y.credit_tx IS NOT NULL THEN
		PERFORM store.refund_settle(r.id);
	ELSIF v_status = 'succeeded' AND r.state = 'pending' THEN
		UPDATE store.refund SET confirmed = true, next_ask_at = NULL WHERE id = r.id;
	ELSIF v_status = 'canceled' THEN
		PERFORM store.refund_undo(r.id, 'canceled');
	ELSIF v_status = 'pending' AND r.id IS NULL THEN
		INSERT INTO store.refund (payment_id, provider, ext_id, amount, ours, next_ask_at)
		VALUES (y.id, y.provider, v_ext, v_amount, false, clock_timestamp() + store.ask_wait(0));
	ELSIF v_status = 'pending' AND r.state = 'pending' THEN
		UPDATE store.refund SET
			next_ask_at = coalesce(next_ask_at, clock_timestamp() + store.ask_wait(0))
		WHERE id = r.id;
	END IF;
END $$;

-- What the provider says of a refund, whosever it is; locks the payment's row. A payment that is not ours
-- yet, or not credited yet, is asked about. Called by the outcomes of pay_refund, pay_refund_ask, pay_list.
CREATE FUNCTION store.refund_truth(p_provider text, p_truth jsonb, p_refund bigint DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	y store.payment;
BEGIN
	IF NOT (p_truth ->> 'found')::boolean THEN
		RETURN;
	END IF;
	PERFORM store.truth_check(p_truth);
	SELECT * INTO y FROM store.payment
	WHERE provider = p_provider AND ext_id = p_truth ->> 'payment' FOR NO KEY UPDATE;
	IF y.id IS NULL THEN
		PERFORM store.unknown_ask(p_provider, p_truth ->> 'payment', NULL);
		RETURN;
	END IF;
	PERFORM store.refund_apply(y, p_truth, p_refund);
	IF y.credit_tx IS NULL THEN
		PERFORM store.payment_ask(y);
	END IF;
END $$;

-- Orders a refund at the provider: what it takes back is held first. Returns the outcome (started; gone: no
-- such payment; state: not credited; manual: the provider has no refunds; much: more than is left to refund;
-- short: the purse does not suffice; none: nothing would be left to refund) and its id. Called by
-- ctl.refund, which holds the person's row.
CREATE FUNCTION store.refund_open(p_payment bigint, p_amount bigint, p_actor bigint, p_why text,
	OUT outcome text, OUT refund bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	y store.payment;
	v_left bigint;
	v_amount bigint;
	v_back bigint;
	v_hold bigint;
BEGIN
	SELECT * INTO y FROM store.payment WHERE id = p_payment FOR NO KEY UPDATE;
	SELECT y.paid - coalesce(sum(r.amount), 0) INTO v_left FROM store.refund r
	WHERE r.payment_id = y.id AND r.state IN ('pending', 'succeeded');
	v_amount := coalesce(p_amount, v_left);
	outcome := CASE WHEN y.id IS NULL THEN 'gone' WHEN y.credit_tx IS NULL THEN 'state'
		WHEN y.provider <> 'yookassa' THEN 'manual'
		WHEN v_amount < 1 THEN 'none' WHEN v_amount > v_left THEN 'much' END;
	IF outcome IS NOT NULL THEN
		RETURN;
	END IF;
	refund := nextval(pg_get_serial_sequence('store.refund', 'id'));
	v_back := store.refund_back(y, v_amount);
	IF v_back > 0 THEN
		v_hold := ledger.hold_refund(y, refund, v_back);
		IF v_hold IS NULL THEN
			outcome := 'short';
			refund := NULL;
			RETURN;
		END IF;
	END IF;
	INSERT INTO store.refund (id, payment_id, provider, amount, back, ours, actor, why, hold_tx)
	OVERRIDING SYSTEM VALUE
	VALUES (refund, y.id, y.provider, v_amount, v_back, true, p_actor, p_why, v_hold);
	PERFORM store.task_add('pay_refund', jsonb_build_object('refund', r.id, 'payment', y.id,
		'provider', y.provider, 'ext_id', y.ext_id, 'key', r.key, 'amount', r.amount,
		'currency', y.currency, 'description', 'Refund ' || r.id), p_payment => y.id,
		p_dedup => 'refund:' || r.id)
	FROM store.refund r WHERE r.id = refund_open.refund;
	outcome := 'started';
END $$;

-- ---- Clocks ----

-- One payment whose time to be asked about has come; 1 when a question was put. One that cannot be asked
-- about stops no other's clock: it is looked at again in an hour. Called by dispatcher.pay_due.
CREATE FUNCTION store.payment_due(y store.payment, p_now timestamptz)
RETURNS int LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_next constant timestamptz := store.ask_next(p_now, y.expires_at, y.asks + 1);
BEGIN
	IF v_next IS NULL AND y.asked_at >= y.expires_at + interval '3 days'
		AND y.answered_at >= y.expires_at
	THEN
		IF y.raw = 'succeeded' THEN -- it is there, but its refunds never were
			PERFORM store.payment_review(y, 'refunds', 'refunded, but no refunds are listed');
		ELSE
			PERFORM store.payment_cancel(y, 'expired');
		END IF;
		RETURN 0;
	END IF;
	UPDATE store.payment SET asks = asks + 1, asked_at = p_now, next_ask_at = coalesce(v_next,
		p_now + CASE WHEN y.answered_at >= y.expires_at THEN interval '10 minutes'
			ELSE interval '1 day' END)
	WHERE id = y.id;
	PERFORM store.payment_ask(y);
	RETURN 1;
EXCEPTION WHEN data_exception OR integrity_constraint_violation OR case_not_found OR no_data_found
	OR SQLSTATE 'P0409' OR SQLSTATE 'P0410'
THEN
	RAISE WARNING 'payment % cannot be asked about: %', y.id, SQLERRM;
	UPDATE store.payment SET next_ask_at = p_now + interval '1 hour' WHERE id = y.id;
	RETURN 0;
END $$;

-- The same for a refund.
CREATE FUNCTION store.refund_due(r store.refund, p_now timestamptz)
RETURNS int LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE store.refund SET asks = asks + 1, next_ask_at = p_now + store.ask_wait(asks + 1)
	WHERE id = r.id;
	IF r.ext_id IS NOT NULL THEN
		PERFORM store.refund_ask(r.provider, r.ext_id, r.payment_id);
	ELSE
		PERFORM store.refunds_list(p) FROM store.payment p WHERE p.id = r.payment_id;
	END IF;
	RETURN 1;
EXCEPTION WHEN data_exception OR integrity_constraint_violation OR case_not_found OR no_data_found
	OR SQLSTATE 'P0409' OR SQLSTATE 'P0410'
THEN
	RAISE WARNING 'refund % cannot be asked about: %', r.id, SQLERRM;
	UPDATE store.refund SET next_ask_at = p_now + interval '1 hour' WHERE id = r.id;
	RETURN 0;
END $$;

-- ---- Outcomes of the pay lane ----

-- A call that must have one effect only is repeated under its stored key; the provider keeps keys for a day.
-- Returns whether there is time for one more after p_wait; else the task ends. Called by the outcomes below.
CREATE FUNCTION store.key_again(t store.task, p_wait interval, p_since timestamptz, p_class text,
	p_text text, p_memo jsonb)
RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_wait constant interval := greatest(p_wait, store.ask_wait(t.attempts - 1));
BEGIN
	IF clock_timestamp() + v_wait > p_since + interval '23 hours' THEN
		PERFORM store.task_close(t.id, 'dead', p_class, p_text, p_memo);
		RETURN false;
	END IF;
	PERFORM store.task_again(t.id, v_wait, 0, p_class, p_text, p_memo);
	RETURN true;
END $$;

-- What to remember of a call that is to be made once more: all that its adapter says, and that it may have been
-- heard; class lost never left us. Called by the outcomes below for later.
CREATE FUNCTION store.later_memo(p_class text, p_result jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE jsonb_typeof(p_result) WHEN 'object' THEN p_result ELSE '{}' END
		|| CASE p_class WHEN 'lost' THEN '{}' ELSE '{"unknown": 1}' END::jsonb;
$$;

-- What became of a creation. Never done twice: ЮKassa is asked again under the key, Betatransfer by the order
-- name first. Surely not done for a quarter of an hour: failed; in doubt for as long, the person hears that there
-- is no link, and gets it should it come. Called by store.pay_outcome.
CREATE FUNCTION store.create_outcome(t store.task, p_outcome text, p_class text, p_text text,
	p_wait interval, p_result jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	y store.payment;
	v_doubt boolean;
	v_late boolean;
BEGIN
	SELECT * INTO STRICT y FROM store.payment WHERE id = t.payment_id FOR NO KEY UPDATE;
	v_doubt := t.memo ? 'unknown' OR y.creates > 1;
	v_late := clock_timestamp() > y.created_at + interval '15 minutes';
	IF p_outcome IN ('later', 'unknown') AND y.state = 'created' AND v_late AND NOT t.memo ? 'told' THEN
		PERFORM store.payment_notice(y, 'pay_failed', '{}');
		p_result := coalesce(p_result, '{}') || '{"told": 1}';
	END IF;
	IF p_outcome = 'later' AND clock_timestamp() + p_wait > y.created_at + interval '23 hours' THEN
		p_outcome := 'unknown'; -- its key is over
	END IF;
	IF p_outcome = 'done' THEN
		PERFORM store.truth_check(p_result);
		PERFORM store.task_close(t.id, 'done', NULL, NULL, NULL);
		PERFORM store.payment_truth(y.id, p_result);
	ELSIF y.state <> 'created' THEN -- known by another way
		PERFORM store.task_close(t.id, 'dead', p_class, p_text, NULL);
	ELSIF p_outcome = 'later' THEN
		PERFORM store.task_again(t.id, greatest(p_wait, '1 second'), -1, p_class, p_text,
			store.later_memo(p_class, p_result));
	ELSIF p_outcome = 'unknown' AND y.provider = 'yookassa' THEN
		IF NOT store.key_again(t, p_wait, y.created_at, p_class, p_text,
			store.later_memo(p_class, p_result))
		THEN
			UPDATE store.payment SET next_ask_at = clock_timestamp() WHERE id = y.id;
		END IF;
	ELSIF p_outcome = 'unknown' OR (p_outcome = 'refused' AND v_doubt) THEN
		PERFORM store.task_close(t.id, 'dead', p_class, p_text, NULL);
		UPDATE store.payment SET next_ask_at = clock_timestamp() + interval '5 seconds',
			raw = CASE p_outcome WHEN 'refused' THEN 'refused' ELSE raw END
		WHERE id = y.id;
	ELSIF p_outcome = 'refused'
		OR (NOT v_doubt AND v_late)
	THEN
		PERFORM store.task_close(t.id, 'dead', p_class, p_text, NULL);
		PERFORM store.payment_fail(y, concat_ws(': ', p_class, p_text));
	ELSIF NOT store.key_again(t, p_wait, y.created_at, p_class, p_text, NULL) THEN
		UPDATE store.payment SET next_ask_at = clock_timestamp() WHERE id = y.id;
	END IF;
END $$;

-- What became of a refund that we ordered: unknown is asked again under its key, then looked for in the
-- provider's list; refused gives back what was held. Called by store.pay_outcome.
CREATE FUNCTION store.refund_outcome(t store.task, p_outcome text, p_class text, p_text text,
	p_wait interval, p_result jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	r store.refund;
BEGIN
	SELECT * INTO STRICT r FROM store.refund WHERE id = (t.payload ->> 'refund')::bigint;
	IF p_outcome = 'later' AND clock_timestamp() + p_wait > r.created_at + interval '23 hours' THEN
		p_outcome := 'unknown'; -- its key is over: once more would be a second refund
	END IF;
	IF p_outcome = 'done' THEN
		IF (p_result ->> 'payment') IS DISTINCT FROM (t.payload ->> 'ext_id') THEN
			PERFORM store.truth_astray(p_result);
		END IF;
		PERFORM store.task_close(t.id, 'done', NULL, NULL, NULL);
		PERFORM store.refund_truth(r.provider, p_result, r.id);
		UPDATE store.refund SET next_ask_at = clock_timestamp() + store.ask_wait(0) -- what was held is never forgotten
		WHERE id = r.id AND state = 'pending' AND next_ask_at IS NULL AND NOT confirmed;
	ELSIF r.state <> 'pending' THEN
		PERFORM store.task_close(t.id, 'dead', p_class, p_text, NULL);
	ELSIF p_outcome = 'later' THEN
		PERFORM store.task_again(t.id, greatest(p_wait, '1 second'), -1, p_class, p_text,
			store.later_memo(p_class, p_result));
	ELSIF p_outcome = 'refused' AND NOT t.memo ? 'unknown' THEN
		PERFORM store.task_close(t.id, 'dead', p_class, p_text, NULL);
		PERFORM store.refund_undo(r.id, 'failed');
	ELSIF p_outcome = 'refused' THEN
		PERFORM store.task_close(t.id, 'dead', p_class, p_text, NULL);
		UPDATE store.refund SET next_ask_at = clock_timestamp() WHERE id = r.id;
	ELSIF NOT store.key_again(t, p_wait, r.created_at, p_class, p_text,
		CASE p_outcome WHEN 'unknown' THEN '{"unknown": 1}'::jsonb END)
	THEN
		UPDATE store.refund SET next_ask_at = clock_timestamp() WHERE id = r.id;
	END IF;
END $$;

-- A page of a list that was asked for one payment: to find it, or its refunds. Called by store.list_page.
CREATE FUNCTION store.list_payment(t store.task, p_items jsonb, p_last boolean)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	y store.payment;
	v_item jsonb;
	v_refund bigint;
BEGIN
	SELECT * INTO STRICT y FROM store.payment WHERE id = t.payment_id FOR NO KEY UPDATE;
	FOR v_item IN SELECT value FROM jsonb_array_elements(p_items) LOOP
		IF t.payload ->> 'what' = 'payments' AND v_item ->> 'order' = y.order_name THEN
			PERFORM store.truth_check(v_item);
			PERFORM store.payment_truth(y.id, v_item);
		ELSIF t.payload ->> 'what' = 'refunds' AND v_item ->> 'payment' = y.ext_id THEN
			PERFORM store.truth_check(v_item);
			PERFORM store.refund_apply(y, v_item, NULL);
		END IF;
	END LOOP;
	IF p_last AND t.payload ->> 'what' = 'payments' THEN
		PERFORM store.payment_absent(y.id);
	ELSIF p_last THEN
		FOR v_refund IN SELECT r.id FROM store.refund r
			WHERE r.payment_id = y.id AND r.state = 'pending' AND r.ext_id IS NULL
				AND r.next_ask_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM store.task k
					WHERE k.payment_id = y.id AND k.kind = 'pay_refund'
						AND k.state IN ('ready', 'leased')) ORDER BY r.id
		LOOP -- its key is over, and the provider has none like it
			PERFORM store.refund_undo(v_refund, 'failed');
		END LOOP;
		IF y.credit_tx IS NULL AND EXISTS (SELECT 1 FROM store.refund
			WHERE payment_id = y.id AND confirmed)
		THEN
			PERFORM store.payment_ask(y);
		END IF;
	END IF;
END $$;

-- A page of a provider's list; the next one is asked for. Called by store.ask_outcome.
CREATE FUNCTION store.list_page(t store.task, p_result jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_items constant jsonb := p_result -> 'items';
	v_last constant boolean := p_result ->> 'next' IS NULL;
BEGIN
	IF jsonb_typeof(v_items) IS DISTINCT FROM 'array' THEN
		RAISE EXCEPTION 'no list: %', left(p_result::text, 200) USING ERRCODE = 'data_exception';
	END IF;
	IF NOT v_last THEN
		PERFORM store.ask_put(t.kind, t.payload - 'tries'
			|| jsonb_build_object('cursor', p_result -> 'next'), t.topic, t.payment_id);
	END IF;
	IF t.payload ? 'run' THEN
		PERFORM store.reconcile_page((t.payload ->> 'run')::bigint, t.payload ->> 'provider',
			t.payload ->> 'what', v_items, v_last);
	ELSE
		PERFORM store.list_payment(t, v_items, v_last);
	END IF;
END $$;

-- What became of a question. One that got no answer is put again, a dozen times with growing waits (class lost
-- never left us and does not count); the clock of an open payment goes on by itself. Called by store.pay_outcome.
CREATE FUNCTION store.ask_outcome(t store.task, p_outcome text, p_class text, p_text text,
	p_wait interval, p_result jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_tries constant int := coalesce((t.payload ->> 'tries')::int, 0)
		+ CASE p_class WHEN 'lost' THEN 0 ELSE 1 END;
BEGIN
	IF p_outcome = 'done' THEN
		PERFORM store.task_close(t.id, 'done', NULL, NULL, NULL);
		CASE t.kind
		WHEN 'pay_ask' THEN
			IF t.payment_id IS NULL AND (p_result ->> 'ext_id' <> t.payload ->> 'ext_id'
				OR (t.payload ->> 'ext_id' IS NULL AND p_result ->> 'order' <> t.payload ->> 'order'))
			THEN
				PERFORM store.truth_astray(p_result);
			END IF;
			PERFORM store.truth_apply(t.payload ->> 'provider', t.payment_id, p_result);
		WHEN 'pay_refund_ask' THEN
			IF (p_result ->> 'ext_id') <> (t.payload ->> 'refund_ext_id') THEN
				PERFORM store.truth_astray(p_result);
			END IF;
			PERFORM store.refund_truth(t.payload ->> 'provider', p_result);
		WHEN 'pay_list' THEN
			PERFORM store.list_page(t, p_result);
		END CASE;
		RETURN;
	END IF;
	PERFORM store.task_close(t.id, 'dead', p_class, p_text, NULL);
	IF p_outcome <> 'refused' AND v_tries < 12 THEN
		PERFORM store.ask_put(t.kind, t.payload || jsonb_build_object('tries', v_tries), t.topic,
			t.payment_id, greatest(p_wait, CASE WHEN p_outcome = 'later' AND p_class = 'lost'
				THEN interval '1 second'
				ELSE store.ask_wait(v_tries - CASE p_outcome WHEN 'later' THEN 3 ELSE 1 END) END));
	ELSIF t.payload ? 'run' THEN -- a provider without such a list is no difference
		INSERT INTO store.difference (run, kind, provider, text, repaired)
		VALUES ((t.payload ->> 'run')::bigint, 'unlisted', t.payload ->> 'provider',
			concat_ws(': ', 'no list of ' || (t.payload ->> 'what'), p_class, p_text),
			p_outcome = 'refused');
	END IF;
END $$;

-- What one report does to a task of the pay lane. Called by store.task_outcome.
CREATE FUNCTION store.pay_outcome(t store.task, p_outcome text, p_class text, p_text text,
	p_wait interval, p_result jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF p_outcome NOT IN ('done', 'later', 'failed', 'refused', 'unknown')
		OR (p_outcome = 'done' AND p_result IS NULL AND t.kind <> 'pay_probe')
	THEN
		RAISE EXCEPTION 'no outcome: %', p_outcome USING ERRCODE = 'data_exception';
	END IF;
	CASE t.kind
	WHEN 'pay_probe' THEN
		PERFORM store.task_close(t.id, CASE p_outcome WHEN 'done' THEN 'done' ELSE 'dead' END::store.task_state, p_class,
			p_text, p_result);
	WHEN 'pay_create' THEN
		PERFORM store.create_outcome(t, p_outcome, p_class, p_text, p_wait, p_result);
	WHEN 'pay_refund' THEN
		PERFORM store.refund_outcome(t, p_outcome, p_class, p_text, p_wait, p_result);
	ELSE
		PERFORM store.ask_outcome(t, p_outcome, p_class, p_text, p_wait, p_result);
	END CASE;
END $$;
RESET ROLE;
