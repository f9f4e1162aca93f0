-- What a responder may do. A turn of up to 32 requests is one transaction: update_open for all of
-- them, then their intentions in order of person id, each one call of a function below.
SET LOCAL ROLE atelier_owner;

-- Takes the updates of a turn: each is recorded (fresh is false when it was before: then nothing
-- else happens), its person is made on first sight with the free grant and locked, which is what
-- puts the updates of one person in order, and the rate limit is applied (p_rate a minute, burst
-- p_rate). The persons of a call are distinct. Returns one row for each, n its place in the arrays
-- from 1; gate: ok, limited (the first refused one: say so), limited_told (say nothing), banned.
-- First call of every turn. A lang of NULL changes nothing.
CREATE FUNCTION responder.update_open(p_updates bigint[], p_persons bigint[], p_first_names text[],
	p_usernames text[], p_langs text[], p_free int, p_rate int)
RETURNS TABLE (n int, fresh boolean, new_person boolean, gate text, lang text, free bigint,
	credit bigint, rub bigint, free_granted int, dialog jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	v_now constant timestamptz := clock_timestamp();
	v_step constant interval := interval '60 seconds' / p_rate;
	v_burst constant interval := v_step * p_rate;
	v_fresh bigint[];
	v_new bigint[] := '{}';
	v_locked int;
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
			SELECT f.id, p_free FROM unnest(v_fresh) AS f(id) ORDER BY f.id
			ON CONFLICT (id) DO NOTHING RETURNING id
		)
		SELECT coalesce(array_agg(id), '{}') INTO v_new FROM made;
	END IF;
	PERFORM 1 FROM store.person WHERE id = ANY (v_fresh) ORDER BY id FOR NO KEY UPDATE;
	IF v_new <> '{}' AND p_free > 0 THEN
		PERFORM ledger.grant_free(f.id, p_free) FROM unnest(v_new) AS f(id) ORDER BY f.id;
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
		RETURNING p.id, p.lang, p.banned_at, p.refused, p.free_granted, p.dialog
	), purse AS (
		SELECT person_id, sum(balance) FILTER (WHERE unit = 'free') AS free,
			sum(balance) FILTER (WHERE unit = 'credit') AS credit,
			sum(balance) FILTER (WHERE unit = 'rub') AS rub
		FROM ledger.account
		WHERE person_id = ANY (v_fresh) AND role = 'available'
		GROUP BY person_id
	)
	SELECT a.n::int, s.id IS NOT NULL, coalesce(s.id = ANY (v_new), false),
		CASE WHEN s.banned_at IS NOT NULL THEN 'banned' WHEN s.refused = 1 THEN 'limited'
			WHEN s.refused = 2 THEN 'limited_told' ELSE 'ok' END,
		s.lang, coalesce(b.free, 0)::bigint, coalesce(b.credit, 0)::bigint,
		coalesce(b.rub, 0)::bigint, s.free_granted, s.dialog
	FROM asked a
	LEFT JOIN seen s ON s.id = a.person
	LEFT JOIN purse b ON b.person_id = a.person
	ORDER BY a.n;
END $$;

-- Puts messages to people into the outbox; kind say or edit (of the message named). A dedup key that is
-- there already adds nothing. Called by every turn that has words. (plpgsql keeps its plan between
-- calls; a function in sql would be planned anew each time, which cost more than the rows.)
CREATE FUNCTION responder.say(p_persons bigint[], p_kinds text[], p_messages bigint[],
	p_payloads jsonb[], p_dedups text[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO store.task (lane, kind, person_id, chat_id, message_id, payload, prio, max_attempts,
		dedup)
	SELECT 'chat', s.kind, s.person, s.person, s.message, s.payload, 1, 30, s.dedup
	FROM unnest(p_persons, p_kinds, p_messages, p_payloads, p_dedups)
		WITH ORDINALITY AS s(person, kind, message, payload, dedup, n)
	ORDER BY s.n
	ON CONFLICT (dedup) DO NOTHING;
END $$;

-- Moves dialogs. Called by every turn that does; the people are locked by update_open.
CREATE FUNCTION responder.dialog_set(p_persons bigint[], p_dialogs jsonb[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE store.person p SET dialog = d.dialog
	FROM unnest(p_persons, p_dialogs) AS d(person, dialog) WHERE p.id = d.person;
END $$;

-- Offers something at a price and shows it (notice "confirm" with p_args and the quote's id).
-- Returns the quote's id. Called when a dialog has all it needs.
CREATE FUNCTION responder.quote_open(p_person bigint, p_offer text, p_mode text, p_title text,
	p_provider text, p_model text, p_prompt text, p_input jsonb, p_unit text, p_amount bigint,
	p_deadline_s int, p_args jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_id bigint;
BEGIN
	INSERT INTO store.quote (person_id, offer, mode, title, provider, model, prompt, input, unit,
		amount, deadline_s)
	VALUES (p_person, p_offer, p_mode, p_title, p_provider, p_model, coalesce(p_prompt, ''),
		p_input, p_unit::ledger.unit, p_amount, p_deadline_s)
	RETURNING id INTO v_id;
	PERFORM store.task_add('say', jsonb_build_object('notice', 'confirm', 'args',
		coalesce(p_args, '{}') || jsonb_build_object('quote', v_id)), p_person => p_person);
	RETURN v_id;
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
-- (p_max_active jobs are open), short (the purse does not suffice); the quote's price and the three
-- purses as they are now. Refusals are values, never errors. Called by «Запустить».
CREATE FUNCTION responder.job_order(p_person bigint, p_quote bigint, p_message bigint,
	p_max_active int)
RETURNS TABLE (outcome text, job bigint, unit text, amount bigint, free bigint, credit bigint,
	rub bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	q store.quote;
	v_outcome text;
	v_job bigint;
BEGIN
	PERFORM 1 FROM store.person WHERE id = p_person FOR NO KEY UPDATE;
	SELECT * INTO q FROM store.quote WHERE id = p_quote AND person_id = p_person FOR NO KEY UPDATE;
	IF q.state = 'ordered' THEN
		v_outcome := 'already';
		v_job := q.job_id;
	ELSIF q.state IS DISTINCT FROM 'open' THEN
		v_outcome := 'gone';
	ELSIF (SELECT count(*) FROM store.job WHERE person_id = p_person
		AND status IN ('pending', 'processing')) >= p_max_active
	THEN
		v_outcome := 'limit';
	ELSE
		v_job := store.job_open(q, p_message);
		v_outcome := CASE WHEN v_job IS NULL THEN 'short' ELSE 'ordered' END;
	END IF;
	RETURN QUERY SELECT v_outcome, v_job, q.unit::text, q.amount, b.free, b.credit, b.rub
	FROM ledger.purse(p_person) AS b;
END $$;

-- A job of this person, or no row. Called by the buttons under a result.
CREATE FUNCTION responder.job_view(p_person bigint, p_job bigint)
RETURNS TABLE (job bigint, offer text, mode text, title text, prompt text, status text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT id, offer, mode, title, prompt, status::text FROM store.job
	WHERE id = p_job AND person_id = p_person;
$$;

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
RETURNS TABLE (metric text, labels text, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT * FROM store.health();
$$;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA responder TO atelier_responder;
RESET ROLE;
