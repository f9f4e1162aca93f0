-- What a responder may do. A turn of up to 32 requests is one transaction: update_open for all of
-- them, then their intentions in order of person id, each one call of a function below.
SET LOCAL ROLE atelier_owner;

-- Takes the updates of a turn: each is recorded (fresh is false when it was before: then nothing
-- else happens), its person is made on first sight with the free grant and locked, which is what
-- puts the updates of one person in order, and the rate limit is applied (p_rate a minute, burst
-- p_rate). The persons of a call are distinct. What is owed is a balance below zero. Returns one row for
-- each, n its place in the arrays
-- from 1; gate: ok, limited (the first refused one: say so), limited_told (say nothing), banned,
-- closed (maintenance; admins pass).
-- First call of every turn. A lang of NULL changes nothing.
CREATE FUNCTION responder.update_open(p_updates bigint[], p_persons bigint[], p_first_names text[],
	p_usernames text[], p_langs text[], p_free int, p_rate int)
RETURNS TABLE (n int, fresh boolean, new_person boolean, gate text, lang text, free bigint,
	credit bigint, rub bigint, free_granted int, dialog jsonb, terms int, offers jsonb, ban_reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	v_now constant timestamptz := clock_timestamp();
	v_step constant interval := interval '60 seconds' / p_rate;
	v_burst constant interval := v_step * p_rate;
	v_fresh bigint[];
	v_new bigint[] := '{}';
	v_locked int;
	v_closed constant boolean := coalesce(store.setting('maintenance') = 'on', false);
BEGIN
	WITH noted AS (
		INSERT INTO store.update (id, person_id)
		SELECT u.id, u.person FROM unnest(p_updates, p_persons) AS u(id, person)
		ORDER BY u.person, u.id
		ON CONFLICT (id) DO NOTHING RETURNING person_id
	)
	SELECT coalesce(array_agg(person_id), '{}') INTO v_fresh FROM noted;

	SELECT count(*) INTO v_locked FROM store.person WHERE id = ANY (v_fresh);
	IF v_locked < cardinality(v_fresh) THEN -- made before any is locked: else two turns could cross
		WITH made AS (
			INSERT INTO store.person (id, free_granted)
			SELECT f.id, CASE WHEN EXISTS (SELECT 1 FROM store.forgotten g WHERE g.hash = store.person_hash(f.id))
				THEN 0 ELSE p_free END
			FROM unnest(v_fresh) AS f(id) ORDER BY f.id
			ON CONFLICT (id) DO NOTHING RETURNING id
		)
		SELECT coalesce(array_agg(id), '{}') INTO v_new FROM made;
	END IF;
	PERFORM 1 FROM store.person WHERE id = ANY (v_fresh) ORDER BY id FOR NO KEY UPDATE;
	IF v_new <> '{}' AND p_free > 0 THEN
		PERFORM ledger.grant_free(p.id, p_free) FROM store.person p
		WHERE p.id = ANY (v_new) AND p.free_granted > 0 ORDER BY p.id;
	END IF;

	RETURN QUERY
	WITH asked AS (
		SELECT u.n, u.person, u.first_name, u.username, u.lang
		FROM unnest(p_persons, p_first_names, p_usernames, p_langs) WITH ORDINALITY
			AS u(person, first_name, username, lang, n)
	), seen AS (
		UPDATE store.person p SET
			rate_at = CASE WHEN greatest(p.rate_at, v_now) + v_step <= v_now + v_burst
				THEN greatest(p.rate_at, v_now) + v_step ELSE p.rate_at END,
			refused = CASE WHEN greatest(p.rate_at, v_now) + v_step <= v_now + v_burst
				THEN 0 ELSE least(p.refused + 1, 2) END,
			first_name = coalesce(a.first_name, p.first_name),
			username = a.username,
			lang = CASE WHEN p.lang_chosen THEN p.lang ELSE coalesce(a.lang, p.lang) END,
			seen_at = CASE WHEN p.seen_at < v_now - interval '1 minute' THEN v_now
				ELSE p.seen_at END,
			unreachable_at = NULL
		FROM asked a
		WHERE p.id = a.person AND p.id = ANY (v_fresh)
		RETURNING p.id, p.lang, p.banned_at, p.refused, p.free_granted, p.dialog, p.terms, p.ban_reason
	), purse AS (
		SELECT person_id, sum(balance) FILTER (WHERE unit = 'free') AS free,
			sum(balance) FILTER (WHERE unit = 'credit') AS credit,
			sum(balance) FILTER (WHERE unit = 'rub') AS rub
		FROM ledger.account
		WHERE person_id = ANY (v_fresh) AND role IN ('available', 'debt')
		GROUP BY person_id
	)
	SELECT a.n::int, s.id IS NOT NULL, coalesce(s.id = ANY (v_new), false),
		CASE WHEN s.banned_at IS NOT NULL THEN 'banned' WHEN s.refused = 1 THEN 'limited'
			WHEN s.refused = 2 THEN 'limited_told' WHEN v_closed AND NOT store.is_admin(s.id) THEN 'closed'
			ELSE 'ok' END,
		s.lang, coalesce(b.free, 0)::bigint, coalesce(b.credit, 0)::bigint,
		coalesce(b.rub, 0)::bigint, s.free_granted, s.dialog, s.terms,
		store.offer_changes(), s.ban_reason
	FROM asked a
	LEFT JOIN seen s ON s.id = a.person
	LEFT JOIN purse b ON b.person_id = a.person
	ORDER BY a.n;
END $$;

-- Says something when it has been quiet for a moment: of one topic in a chat only the last is said.
-- Called by responder.say and responder.album_add.
CREATE FUNCTION store.say_quiet(p_person bigint, p_topic text, p_payload jsonb)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO store.task AS t (lane, kind, person_id, chat_id, payload, prio, max_attempts, run_at, topic)
	VALUES ('chat', 'say', p_person, p_person, p_payload, 1, 30, clock_timestamp() + interval '1.5 seconds',
		'say:' || p_person || ':' || p_topic)
	ON CONFLICT (topic) WHERE topic IS NOT NULL AND state = 'ready'
		DO UPDATE SET payload = excluded.payload, run_at = excluded.run_at;
END $$;

-- Puts messages to people into the outbox; kind say or edit (of the message named). A dedup key that is
-- there already adds nothing; of one topic only the last is said, see store.say_quiet. Called by every turn that has
-- words. (plpgsql keeps its plan between calls; a function in sql would be planned anew each time, which cost more
-- than the rows.)
CREATE FUNCTION responder.say(p_persons bigint[], p_kinds text[], p_messages bigint[],
	p_payloads jsonb[], p_dedups text[], p_topics text[] DEFAULT NULL)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO store.task (lane, kind, person_id, chat_id, message_id, payload, prio, max_attempts,
		dedup)
	SELECT 'chat', s.kind, s.person, s.person, s.message, s.payload, 1, 30, s.dedup
	FROM unnest(p_persons, p_kinds, p_messages, p_payloads, p_dedups, p_topics)
		WITH ORDINALITY AS s(person, kind, message, payload, dedup, topic, n)
	WHERE s.topic IS NULL
	ORDER BY s.n
	ON CONFLICT (dedup) DO NOTHING;
	IF array_remove(p_topics, NULL) <> '{}' THEN
		PERFORM store.say_quiet(s.person, s.topic, s.payload)
		FROM unnest(p_persons, p_topics, p_payloads) AS s(person, topic, payload)
		WHERE s.topic IS NOT NULL;
	END IF;
END $$;

-- Moves dialogs. Called by every turn that does; the people are locked by update_open.
CREATE FUNCTION responder.dialog_set(p_persons bigint[], p_dialogs jsonb[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE store.person p SET dialog = d.dialog
	FROM unnest(p_persons, p_dialogs) AS d(person, dialog) WHERE p.id = d.person;
END $$;

-- Offers something at a price and shows it (notice "confirm" with p_args and the quote's id), in place of p_message
-- when that is given. One that the purse does not suffice for waits (p_waits): notice "short" instead, and «Запустить»
-- comes with the money. p_replaces: the open quote whose place it takes. Returns the outcome and the quote's id: ok;
-- gone (p_replaces is no open quote of this person: nothing was made); off or
-- weather (it is not sold just now). Called when a
-- dialog has all it needs, and when another model or format is chosen.
CREATE FUNCTION responder.quote_open(p_person bigint, p_offer text, p_mode text, p_title text,
	p_provider text, p_model text, p_prompt text, p_ratio text, p_files jsonb, p_clip_s int, p_places jsonb,
	p_input jsonb, p_unit text, p_amount bigint, p_deadline_s int, p_args jsonb, p_waits boolean DEFAULT false,
	p_replaces bigint DEFAULT NULL, p_message bigint DEFAULT NULL, p_cost bigint DEFAULT 0)
RETURNS TABLE (outcome text, quote bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_id bigint;
	v_stop constant text := store.offer_stop(p_offer, p_provider, p_model);
BEGIN
	IF v_stop IS NOT NULL THEN
		PERFORM store.task_add('say', jsonb_build_object('notice', CASE v_stop WHEN 'off' THEN 'offer_off'
			ELSE 'offer_weather' END, 'args', '{}'::jsonb), p_person => p_person);
		RETURN QUERY SELECT v_stop, NULL::bigint;
		RETURN;
	END IF;
	IF p_replaces IS NOT NULL THEN
		UPDATE store.quote SET state = 'cancelled'
		WHERE id = p_replaces AND person_id = p_person AND state = 'open';
		IF NOT FOUND THEN
			RETURN QUERY SELECT 'gone', NULL::bigint;
			RETURN;
		END IF;
	END IF;
	INSERT INTO store.quote (person_id, offer, mode, title, provider, model, prompt, ratio, files, clip_s, places,
		input, unit, amount, deadline_s, cost)
	VALUES (p_person, p_offer, p_mode, p_title, p_provider, p_model, coalesce(p_prompt, ''), coalesce(p_ratio, ''),
		coalesce(p_files, '[]'), coalesce(p_clip_s, 0), coalesce(p_places, '[]'), p_input, p_unit::ledger.unit,
		p_amount, p_deadline_s, p_cost)
	RETURNING id INTO v_id;
	PERFORM store.task_add(CASE WHEN p_message IS NULL THEN 'say' ELSE 'edit' END, jsonb_build_object('notice',
		CASE WHEN p_waits THEN 'short' ELSE 'confirm' END, 'args',
		coalesce(p_args, '{}') || jsonb_build_object('quote', v_id)), p_person => p_person, p_message => p_message);
	IF p_waits THEN
		UPDATE store.person SET waiting_quote = v_id WHERE id = p_person;
	END IF;
	RETURN QUERY SELECT 'ok', v_id;
END $$;

-- Withdraws a quote and edits its message (notice "cancelled"). Returns cancelled; ordered when
-- there is a job already; gone when there is no such open quote of this person. Called by «Отмена».
CREATE FUNCTION responder.quote_cancel(p_person bigint, p_quote bigint, p_message bigint)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_state store.quote_state;
BEGIN
	SELECT state INTO v_state FROM store.quote WHERE id = p_quote AND person_id = p_person
	FOR NO KEY UPDATE;
	IF v_state = 'ordered' THEN
		RETURN 'ordered';
	ELSIF v_state IS DISTINCT FROM 'open' THEN
		RETURN 'gone';
	END IF;
	UPDATE store.quote SET state = 'cancelled' WHERE id = p_quote;
	PERFORM store.task_add(CASE WHEN p_message IS NULL THEN 'say' ELSE 'edit' END,
		'{"notice": "cancelled", "args": {}}', p_person => p_person, p_message => p_message);
	RETURN 'cancelled';
END $$;

-- Starts the job of a quote: holds exactly what was quoted, and puts the order into the media lane.
-- Its status message is an edit of p_message, or a new one when that is null. Returns one row;
-- outcome: ordered, already (with the job it has), gone (no such open quote of this person), limit
-- (p_max_active jobs are open), debt (something is owed: which and how much), short (the purse does not
-- suffice: the quote is remembered, and offered again when it does), off or weather (it is not sold just now); the quote's price and the three
-- purses as they are now. Refusals are values, never errors. Called by «Запустить».
CREATE FUNCTION responder.job_order(p_person bigint, p_quote bigint, p_message bigint,
	p_max_active int)
RETURNS TABLE (outcome text, job bigint, unit text, amount bigint, free bigint, credit bigint,
	rub bigint, debt_unit text, debt bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	q store.quote;
	v_outcome text;
	v_job bigint;
	v_stop text;
	v_debt record;
BEGIN
	PERFORM 1 FROM store.person WHERE id = p_person FOR NO KEY UPDATE;
	SELECT d.unit, d.owed INTO v_debt FROM ledger.debts(p_person) AS d LIMIT 1;
	SELECT * INTO q FROM store.quote WHERE id = p_quote AND person_id = p_person FOR NO KEY UPDATE;
	v_stop := store.offer_stop(q.offer, q.provider, q.model);
	IF q.state = 'ordered' THEN
		v_outcome := 'already';
		v_job := q.job_id;
	ELSIF q.state IS DISTINCT FROM 'open' THEN
		v_outcome := 'gone';
	ELSIF (SELECT count(*) FROM store.job WHERE person_id = p_person
		AND status IN ('pending', 'processing')) >= p_max_active
	THEN
		v_outcome := 'limit';
	ELSIF v_stop IS NOT NULL THEN
		v_outcome := v_stop;
	ELSIF v_debt.owed > 0 AND q.amount > 0 THEN
		v_outcome := 'debt';
	ELSE
		v_job := store.job_open(q, p_message);
		v_outcome := CASE WHEN v_job IS NULL THEN 'short' ELSE 'ordered' END;
	END IF;
	IF v_outcome IN ('short', 'debt') AND q.unit IN ('rub', 'credit') THEN
		UPDATE store.person SET waiting_quote = q.id WHERE id = p_person;
	END IF;
	RETURN QUERY SELECT v_outcome, v_job, q.unit::text, q.amount, b.free, b.credit, b.rub,
		v_debt.unit::text, v_debt.owed
	FROM ledger.purse(p_person) AS b;
END $$;

-- Opens a payment: the row and the key of its creation are there before the provider is asked. Says notice
-- pay_wait. Returns one row; outcome: opened; again (there is an open one of the same, not older than 50
-- minutes: its link is said once more, when there is one yet); limit (5 of the last hour are open). p_test: new payments are
-- test ones; also when the dispatcher says so. Called by the buttons of amounts and packages; the person is
-- locked by update_open.
CREATE FUNCTION responder.payment_open(p_person bigint, p_provider text, p_amount bigint,
	p_currency text, p_grant_unit text, p_grant_amount bigint, p_package text, p_test boolean,
	p_description text)
RETURNS TABLE (outcome text, payment bigint, url text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	v_now constant timestamptz := clock_timestamp();
	y store.payment;
BEGIN
	PERFORM 1 FROM store.person WHERE id = p_person FOR NO KEY UPDATE;
	SELECT * INTO y FROM store.payment
	WHERE person_id = p_person AND provider = p_provider AND amount = p_amount
		AND currency = p_currency AND grant_unit = p_grant_unit::ledger.unit
		AND grant_amount = p_grant_amount AND state IN ('created', 'pending')
		AND created_at > v_now - CASE WHEN url IS NULL THEN interval '1 minute'
			ELSE interval '50 minutes' END
	ORDER BY id DESC LIMIT 1 FOR NO KEY UPDATE;
	IF FOUND THEN
		IF y.url IS NOT NULL THEN
			PERFORM store.payment_link(y);
		END IF;
		RETURN QUERY SELECT 'again', y.id, y.url;
		RETURN;
	END IF;
	IF (SELECT count(*) FROM store.payment WHERE person_id = p_person
		AND state IN ('created', 'pending') AND created_at > v_now - interval '1 hour') >= 5
	THEN
		RETURN QUERY SELECT 'limit', NULL::bigint, NULL::text;
		RETURN;
	END IF;
	INSERT INTO store.payment (person_id, provider, amount, currency, grant_unit, grant_amount, package,
		description, test, expires_at)
	VALUES (p_person, p_provider, p_amount, p_currency, p_grant_unit::ledger.unit, p_grant_amount,
		p_package, coalesce(p_description, ''),
		p_test OR coalesce(store.setting(p_provider || '_test')::boolean, false),
		v_now + CASE p_provider WHEN 'yookassa' THEN interval '1 hour' ELSE interval '1 day' END)
	RETURNING * INTO y;
	PERFORM store.payment_create(y);
	PERFORM store.payment_notice(y, 'pay_wait', jsonb_build_object('amount', store.payment_price(y)));
	RETURN QUERY SELECT 'opened', y.id, NULL::text;
END $$;

-- Asks the provider about a payment now, unless that was done in the last 3 seconds; when the answer is
-- that nothing has come yet, the person hears so. Returns asked; done (its fate is known: the notice is said
-- once more); gone (no such payment of this person). Called by «Проверить статус».
CREATE FUNCTION responder.payment_check(p_person bigint, p_payment bigint)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_now constant timestamptz := clock_timestamp();
	y store.payment;
BEGIN
	SELECT * INTO y FROM store.payment WHERE id = p_payment AND person_id = p_person
	FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN 'gone';
	END IF;
	-- What was given up may have come in late: that is asked too.
	IF y.credit_tx IS NULL AND y.state <> 'created'
		AND coalesce(y.asked_at < v_now - interval '3 seconds', true)
	THEN
		UPDATE store.payment SET asked_at = v_now, curious = true WHERE id = y.id;
		PERFORM store.payment_ask(y);
	END IF;
	CASE y.state
	WHEN 'created', 'pending' THEN
		RETURN 'asked';
	WHEN 'succeeded' THEN
		PERFORM store.payment_say(y, 'pay_done', store.payment_done_args(y));
	WHEN 'refunded' THEN
		PERFORM store.payment_say(y, 'pay_refunded', store.refund_args(y, y.refunded));
	WHEN 'review' THEN
		PERFORM store.payment_say(y, 'pay_review', jsonb_build_object('amount', store.payment_price(y)));
	WHEN 'canceled' THEN
		PERFORM store.payment_say(y, 'pay_canceled', jsonb_build_object('reason', y.reason));
	WHEN 'failed' THEN
		PERFORM store.payment_say(y, 'pay_failed', '{}');
	END CASE;
	RETURN 'done';
END $$;

-- Somebody says that something has happened to a payment or refund. Nothing of it is believed or kept but
-- the name of what to ask about. Returns queued; known (it can tell nothing new); dropped (more than 50
-- questions about unknown ids are open). Called by the webhooks.
CREATE FUNCTION responder.payment_hint(p_provider text, p_ext_id text, p_order text, p_kind text,
	p_event text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	y store.payment;
	r store.refund;
BEGIN
	IF p_kind = 'refund' THEN
		SELECT * INTO r FROM store.refund WHERE provider = p_provider AND ext_id = p_ext_id;
		IF r.state = 'succeeded' THEN
			RETURN 'known';
		ELSIF r.id IS NOT NULL THEN
			PERFORM store.refund_ask(p_provider, p_ext_id, r.payment_id);
			RETURN 'queued';
		END IF;
	ELSE
		SELECT * INTO y FROM store.payment
		WHERE id = store.payment_find(p_provider, p_ext_id, p_order);
		IF y.credit_tx IS NOT NULL AND p_provider = 'yookassa' THEN -- refunds have events of their own
			RETURN 'known';
		ELSIF y.id IS NOT NULL AND (y.ext_id IS NOT NULL OR p_provider <> 'yookassa') THEN
			-- the payment first: who holds it may be about to ask, too
			UPDATE store.payment SET asked_at = clock_timestamp() WHERE id = y.id;
			PERFORM store.payment_ask(y, CASE WHEN y.asked_at > clock_timestamp() - interval '1 second'
				THEN interval '1 second' ELSE '0' END);
			RETURN 'queued';
		END IF;
	END IF;
	IF (SELECT count(*) FROM store.task WHERE lane = 'pay' AND state IN ('ready', 'leased')
		AND kind IN ('pay_ask', 'pay_refund_ask') AND payment_id IS NULL) >= 50
	THEN
		PERFORM nextval('store.hint_dropped');
		RETURN 'dropped';
	END IF;
	IF p_kind = 'refund' THEN
		PERFORM store.refund_ask(p_provider, p_ext_id, NULL);
	ELSE
		PERFORM store.unknown_ask(p_provider, p_ext_id, p_order);
	END IF;
	RETURN 'queued';
END $$;

-- What was ordered under an order name, or no row. Called by the check of a callback.
CREATE FUNCTION responder.payment_order_view(p_order text)
RETURNS TABLE (payment bigint, provider text, amount bigint, currency text, state text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT id, provider, amount, currency, state::text FROM store.payment WHERE order_name = p_order;
$$;

-- A page of what changed a person's purses, newest first, before transfer p_before: the amount with its
-- sign, and what was available after it. Called by «Выписка».
CREATE FUNCTION responder.statement(p_person bigint, p_before bigint, p_limit int)
RETURNS TABLE (id bigint, at timestamptz, kind text, unit text, amount bigint, after bigint,
	job bigint, payment bigint, note text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT * FROM store.statement(p_person, p_before) LIMIT p_limit;
$$;

-- Sends the statement as a file (notice "statement_file"): the newest rows, as many as a document may have.
-- Returns queued, or again when one is still on its way. Called by «CSV».
CREATE FUNCTION responder.statement_csv(p_person bigint)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_text text;
BEGIN
	IF EXISTS (SELECT 1 FROM store.task WHERE chat_id = p_person AND lane = 'chat'
		AND state IN ('ready', 'leased') AND kind = 'document')
	THEN
		RETURN 'again';
	END IF;
	SELECT 'number,time_utc,kind,unit,amount,after,job,payment,note' || E'\n'
		|| coalesce(string_agg(l.line, '' ORDER BY l.id DESC), '') INTO v_text
	FROM (
		SELECT s.id, c.line, sum(octet_length(c.line)) OVER (ORDER BY s.id DESC) AS bytes
		FROM (SELECT * FROM store.statement(p_person, NULL) LIMIT 2000) AS s
		CROSS JOIN LATERAL (SELECT store.csv_line(s.id::text,
			to_char(s.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), s.kind, s.unit,
			store.unit_text(s.unit, s.amount), store.unit_text(s.unit, s.after), s.job::text,
			s.payment::text, s.note) AS line) AS c
	) AS l WHERE l.bytes <= 48000;
	PERFORM store.task_add('document', jsonb_build_object('notice', 'statement_file',
		'args', jsonb_build_object(), 'file_name', 'statement.csv', 'text', v_text),
		p_person => p_person);
	RETURN 'queued';
END $$;

-- Keeps an update that could not be handled, with what went wrong and (or null) its body.
-- Called after a transaction of that update alone has failed for good.
CREATE FUNCTION responder.update_park(p_update bigint, p_sqlstate text, p_reason text, p_body bytea)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO store.parked AS k (update_id, sqlstate, reason, body)
	VALUES (p_update, p_sqlstate, p_reason, p_body)
	ON CONFLICT (update_id) DO UPDATE SET at = now(), sqlstate = excluded.sqlstate,
		reason = excluded.reason, body = excluded.body;
$$;

-- The person blocked the bot or let it in again. Called by my_chat_member updates.
CREATE FUNCTION responder.unreachable_set(p_person bigint, p_unreachable boolean)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	UPDATE store.person SET unreachable_at = CASE WHEN p_unreachable THEN now() END
	WHERE id = p_person;
$$;

-- See store.hello. Called once per connection.
CREATE FUNCTION responder.hello(OUT schema int, OUT fsync text, OUT full_page_writes text,
	OUT synchronous_commit text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT * FROM store.hello();
$$;

-- See store.health. Called by GET /metrics.
CREATE FUNCTION responder.health()
RETURNS TABLE (metric text, type text, help text, labels text, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT * FROM store.health();
$$;

-- Whether ЮKassa answers, as the pay lane has met it: false while a question of ours was put in
-- vain. last_answer: when it last told us of a payment. Called by GET /yookassa/health.
CREATE FUNCTION responder.yookassa_health(OUT reachable boolean, OUT last_answer timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT NOT EXISTS (SELECT 1 FROM store.task
			WHERE lane = 'pay' AND state IN ('ready', 'leased') AND payload ->> 'provider' = 'yookassa'
				AND coalesce(payload ->> 'tries', memo ->> 'tries', '0')::int > 0),
		(SELECT max(answered_at) FROM store.payment WHERE provider = 'yookassa'
			AND created_at > now() - interval '3 days');
$$;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA responder TO atelier_responder;
RESET ROLE;
