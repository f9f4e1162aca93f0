-- What a responder may do about modes, albums, jobs and the person: the rest is in 3_responder.sql.
SET LOCAL ROLE atelier_owner;

-- How a person who was forgotten is known again. Called by update_open and forget.
CREATE FUNCTION store.person_hash(p_person bigint)
RETURNS bytea LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT sha256(bytes || convert_to(p_person::text, 'UTF8')) FROM store.salt;
$$;

-- An open quote of this person, or no row. Called by the buttons of a confirm screen.
CREATE FUNCTION responder.quote_view(p_person bigint, p_quote bigint)
RETURNS TABLE (offer text, prompt text, ratio text, files jsonb, clip_s int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT offer, prompt, ratio, files, clip_s FROM store.quote
	WHERE id = p_quote AND person_id = p_person AND state = 'open';
$$;

-- A job of this person, or no row: what it was given, what became of it. Called by the buttons under a result.
CREATE FUNCTION responder.job_view(p_person bigint, p_job bigint)
RETURNS TABLE (offer text, mode text, status text, prompt text, ratio text, files jsonb, result text, form text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT offer, mode, status::text, prompt, ratio, files, result ->> 'file_id', result ->> 'form'
	FROM store.job WHERE id = p_job AND person_id = p_person;
$$;

-- Keeps one photo of an album (a repeated one changes nothing, the eleventh is only counted) and tells how many have
-- come, when it has been quiet for a moment (notice "album"). Called for every part of an album; the person is locked.
CREATE FUNCTION responder.album_add(p_person bigint, p_group text, p_message bigint, p_file jsonb,
	p_caption text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	a store.album;
	v_count int;
BEGIN
	INSERT INTO store.album AS o (person_id, group_id, caption) VALUES (p_person, p_group, coalesce(p_caption, ''))
	ON CONFLICT (person_id, group_id) DO UPDATE SET caption = CASE WHEN o.caption = '' THEN excluded.caption
		ELSE o.caption END
	RETURNING * INTO a;
	INSERT INTO store.album_file (album_id, message_id, file) VALUES (a.id, p_message, p_file)
	ON CONFLICT DO NOTHING;
	SELECT count(*) INTO v_count FROM store.album_file WHERE album_id = a.id;
	PERFORM store.say_quiet(p_person, 'album:' || a.id, jsonb_build_object('notice', 'album', 'args',
		jsonb_strip_nulls(jsonb_build_object('album', a.id, 'count', least(v_count, 10),
			'more', nullif(greatest(v_count - 10, 0), 0), 'caption', nullif(left(a.caption, 600), '')))));
END $$;

-- The photos of an album in the order of their messages, ten at most, and its words. Called by «Объединить».
CREATE FUNCTION responder.album_view(p_person bigint, p_album bigint)
RETURNS TABLE (files jsonb, caption text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT (SELECT jsonb_agg(f.file ORDER BY f.message_id) FROM (SELECT file, message_id FROM store.album_file
			WHERE album_id = a.id ORDER BY message_id LIMIT 10) AS f), a.caption
	FROM store.album a WHERE a.id = p_album AND a.person_id = p_person;
$$;

-- The terms are accepted, with date and version. Called by «Принимаю».
CREATE FUNCTION responder.terms_accept(p_person bigint, p_version int)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE store.person SET terms = p_version, terms_at = now() WHERE id = p_person AND terms < p_version;
END $$;

-- The language a person wants, whatever Telegram says of him. Called by the buttons of /language.
CREATE FUNCTION responder.lang_set(p_person bigint, p_lang text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	UPDATE store.person SET lang = p_lang, lang_chosen = true WHERE id = p_person;
END $$;

-- Withdraws a job of this person, see store.job_cancel. Called by «Отменить задание».
CREATE FUNCTION responder.job_cancel(p_person bigint, p_job bigint)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM 1 FROM store.job WHERE id = p_job AND person_id = p_person;
	RETURN CASE WHEN FOUND THEN store.job_cancel(p_job) ELSE 'gone' END;
END $$;

-- Sends a result once more, free; or (p_original) the file as the provider made it. Returns sent; gone (no such
-- result of this person); lost (the original is no longer kept). Called by /get and «Оригинал».
CREATE FUNCTION responder.result_send(p_person bigint, p_job bigint, p_original boolean)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	j store.job;
	v_how jsonb;
BEGIN
	SELECT * INTO j FROM store.job WHERE id = p_job AND person_id = p_person AND status = 'completed'
	FOR NO KEY UPDATE;
	IF j.result ->> 'file_id' IS NULL THEN
		RETURN 'gone';
	END IF;
	IF NOT p_original THEN
		v_how := jsonb_build_object('file_id', j.result -> 'file_id', 'form', coalesce(j.result ->> 'form', 'photo'));
	ELSIF j.result ->> 'original' IS NOT NULL THEN
		v_how := jsonb_build_object('file_id', j.result -> 'original', 'form', 'document');
	ELSIF EXISTS (SELECT 1 FROM store.task WHERE dedup = 'job:' || j.id || ':sweep:last' AND state = 'ready'
		AND run_at > clock_timestamp() + interval '1 minute')
	THEN
		v_how := jsonb_build_object('file', j.result #> '{files,0}', 'form', 'document');
	ELSE
		RETURN 'lost';
	END IF;
	IF EXISTS (SELECT 1 FROM store.task WHERE job_id = j.id AND kind = 'resend' AND state IN ('ready', 'leased')
		AND payload -> 'form' = v_how -> 'form')
	THEN
		RETURN 'sent'; -- it is on its way
	END IF;
	PERFORM store.task_add('resend', v_how || jsonb_build_object('notice',
		CASE WHEN p_original THEN 'original' ELSE 'result' END,
		'args', jsonb_strip_nulls(jsonb_build_object('job', j.id,
			'picture', CASE WHEN j.mode <> 'video' THEN 1 END))), j.id, j.person_id);
	RETURN 'sent';
END $$;

-- The jobs under way of a person, oldest first. Called by responder.page.
CREATE FUNCTION store.page_jobs(p_person bigint)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('rows', coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
		'kind', j.status, 'job', j.id, 'word', j.id::text, 'title', j.title, 'progress', j.progress,
		'place', store.job_place(j.id), 'prompt', nullif(left(j.prompt, 60), ''))) ORDER BY j.id), '[]'))
	FROM store.job j WHERE j.person_id = p_person AND j.status IN ('pending', 'processing');
$$;

-- A page of a person's jobs before job p_before, newest first. Called by responder.page.
CREATE FUNCTION store.page_history(p_person bigint, p_before bigint)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('rows', coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
			'kind', j.status, 'job', j.id, 'word', j.id::text,
			'at', to_char(j.created_at AT TIME ZONE 'Europe/Moscow', 'DD.MM HH24:MI'), 'title', j.title,
			'prompt', nullif(left(j.prompt, 60), ''),
			'price', CASE WHEN j.status = 'completed' AND j.amount > 0 THEN store.money(j.unit, j.amount) END))
			ORDER BY j.id DESC) FILTER (WHERE j.n <= 8), '[]'),
		'older', (max(j.id) FILTER (WHERE j.n = 9)) + 1))
	FROM (SELECT k.*, row_number() OVER (ORDER BY k.id DESC) AS n FROM store.job k
		WHERE k.person_id = p_person AND k.id < p_before ORDER BY k.id DESC LIMIT 9) AS j;
$$;

-- A person's own figures. Called by responder.page.
CREATE FUNCTION store.page_stats(p_person bigint)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('jobs', j.jobs, 'completed', j.completed, 'failed', j.failed,
		'spent_rub', store.money('rub', m.rub), 'spent_credit', store.money('credit', m.credit),
		'spent_free', store.money('free', m.free), 'topped_rub', store.money('rub', m.topped_rub),
		'topped_credit', store.money('credit', m.topped_credit),
		'since', to_char(p.created_at AT TIME ZONE 'Europe/Moscow', 'DD.MM.YYYY'))
	FROM store.person p,
		(SELECT count(*) AS jobs, count(*) FILTER (WHERE status = 'completed') AS completed,
			count(*) FILTER (WHERE status = 'failed') AS failed
		FROM store.job WHERE person_id = p_person) AS j,
		(SELECT coalesce(sum(amount) FILTER (WHERE kind = 'take' AND unit = 'rub'), 0)::bigint AS rub,
			coalesce(sum(amount) FILTER (WHERE kind = 'take' AND unit = 'credit'), 0)::bigint AS credit,
			coalesce(sum(amount) FILTER (WHERE kind = 'take' AND unit = 'free'), 0)::bigint AS free,
			coalesce(sum(amount) FILTER (WHERE kind = 'topup' AND unit = 'rub'), 0)::bigint AS topped_rub,
			coalesce(sum(amount) FILTER (WHERE kind = 'topup' AND unit = 'credit'), 0)::bigint AS topped_credit
		FROM ledger.transfer WHERE person_id = p_person) AS m
	WHERE p.id = p_person;
$$;

-- A page as the arguments of its notice; p_kind: jobs, history, stats. Called by /jobs, /history, /stats.
CREATE FUNCTION responder.page(p_person bigint, p_kind text, p_before bigint)
RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN CASE p_kind WHEN 'jobs' THEN store.page_jobs(p_person)
		WHEN 'history' THEN store.page_history(p_person, p_before)
		WHEN 'stats' THEN store.page_stats(p_person) END;
END $$;

-- All we hold about a person as a readable file, newest first; a long history is cut, and says so. Called by /mydata.
CREATE FUNCTION responder.mydata(p_person bigint)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_rows int := 200;
	v_text text;
BEGIN
	IF EXISTS (SELECT 1 FROM store.task WHERE chat_id = p_person AND lane = 'chat'
		AND state IN ('ready', 'leased') AND kind = 'document')
	THEN
		RETURN; -- one is on its way
	END IF;
	LOOP
		SELECT jsonb_pretty(jsonb_build_object(
			'person', (SELECT to_jsonb(p) - '{rate_at,refused}'::text[] FROM store.person p WHERE p.id = p_person),
			'purses', (SELECT to_jsonb(b) FROM ledger.purse(p_person) AS b),
			'jobs', (SELECT jsonb_agg(to_jsonb(j) ORDER BY j.id DESC) FROM (SELECT id, created_at, finished_at, status, mode,
				title, prompt, files, unit, amount, reason FROM store.job WHERE person_id = p_person
				ORDER BY id DESC LIMIT v_rows) AS j),
			'payments', (SELECT jsonb_agg(to_jsonb(y) ORDER BY y.id DESC) FROM (SELECT id, created_at, provider, amount,
				currency, grant_unit, grant_amount, state, ext_id, refunded FROM store.payment
				WHERE person_id = p_person ORDER BY id DESC LIMIT v_rows) AS y),
			'movements', (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.id DESC) FROM (SELECT * FROM store.statement(p_person, NULL)
				LIMIT v_rows) AS s),
			'admins', (SELECT jsonb_agg(to_jsonb(a) ORDER BY a.id DESC) FROM (SELECT id, at, command, args, outcome
				FROM store.audit WHERE person_id = p_person ORDER BY id DESC LIMIT v_rows) AS a),
			'rows_at_most', v_rows)) INTO v_text;
		EXIT WHEN octet_length(v_text) <= 48000 OR v_rows <= 1;
		v_rows := v_rows / 2;
	END LOOP;
	PERFORM store.task_add('document', jsonb_build_object('notice', 'mydata_file', 'args', '{}'::jsonb,
		'file_name', 'mydata.json', 'text', v_text), p_person => p_person);
END $$;

-- The ledger rows of a person go on under a pseudonym: the one exception to their immutability, see the trigger
-- ledger.refuse_change. Called by responder.forget.
CREATE FUNCTION ledger.forget(p_person bigint, p_pseudonym bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM set_config('atelier.forget', p_person || ' ' || p_pseudonym, true);
	UPDATE ledger.transfer SET person_id = p_pseudonym,
		key = regexp_replace(key, ':' || p_person || '$', ':' || p_pseudonym)
	WHERE person_id = p_person;
	UPDATE ledger.account SET person_id = p_pseudonym WHERE person_id = p_person;
	PERFORM set_config('atelier.forget', '', true);
END $$;

-- Forgets a person: name, words, files, dialog and messages go; what the ledger and the payments need stays under a
-- pseudonym; a hash remembers that the free operations were given. Returns forgotten; busy while jobs or payments
-- are open. The person is locked. Called by /deleteme when confirmed.
CREATE FUNCTION responder.forget(p_person bigint)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_new constant bigint := nextval('store.pseudonym');
BEGIN
	IF EXISTS (SELECT 1 FROM store.job WHERE person_id = p_person AND status IN ('pending', 'processing'))
		OR EXISTS (SELECT 1 FROM store.payment WHERE person_id = p_person
			AND state IN ('created', 'pending', 'review'))
		OR EXISTS (SELECT 1 FROM store.refund r JOIN store.payment y ON y.id = r.payment_id
			WHERE y.person_id = p_person AND r.state = 'pending')
	THEN
		RETURN 'busy';
	END IF;
	INSERT INTO store.person (id, free_granted, banned_at, lang)
	SELECT v_new, free_granted, banned_at, lang FROM store.person WHERE id = p_person;
	UPDATE store.person SET waiting_quote = NULL WHERE id = p_person;
	DELETE FROM store.quote WHERE person_id = p_person AND state <> 'ordered';
	UPDATE store.quote SET person_id = v_new, prompt = '', input = '{}', files = '[]' WHERE person_id = p_person;
	UPDATE store.job SET person_id = v_new, prompt = '', input = '{}', files = '[]', inputs = NULL,
		result = CASE WHEN result IS NOT NULL THEN jsonb_build_object('message_id', result -> 'message_id') END
	WHERE person_id = p_person;
	UPDATE store.payment SET person_id = v_new, description = '' WHERE person_id = p_person;
	DELETE FROM store.album WHERE person_id = p_person;
	UPDATE store.audit SET person_id = v_new, args = args - 'person' - 'why' WHERE person_id = p_person;
	UPDATE store.broadcast_person SET person_id = v_new WHERE person_id = p_person;
	-- What waits to be said is about to be wrong; what was said is words of his.
	UPDATE store.task SET state = 'dead', fence = fence + 1, done_at = now(), class = 'forgotten'
	WHERE chat_id = p_person AND state = 'ready';
	UPDATE store.task SET payload = jsonb_strip_nulls(jsonb_build_object('notice', payload -> 'notice')),
		memo = '{}', topic = NULL, person_id = CASE WHEN person_id IS NOT NULL THEN v_new END,
		chat_id = CASE WHEN chat_id IS NOT NULL THEN v_new END
	WHERE state IN ('done', 'dead') AND (person_id = p_person
		OR job_id IN (SELECT id FROM store.job WHERE person_id = v_new));
	DELETE FROM store.chat WHERE id = p_person;
	UPDATE store.task SET run_at = now() WHERE kind = 'sweep' AND state = 'ready'
		AND job_id IN (SELECT id FROM store.job WHERE person_id = v_new);
	DELETE FROM store.update WHERE person_id = p_person AND at < now() - interval '1 day';
	PERFORM ledger.forget(p_person, v_new);
	DELETE FROM store.person WHERE id = p_person;
	INSERT INTO store.forgotten (hash, pseudonym) VALUES (store.person_hash(p_person), v_new)
	ON CONFLICT (hash) DO NOTHING;
	RETURN 'forgotten';
END $$;

-- Tells the admins, see store.alert. Called when somebody asks for what is always refused.
CREATE FUNCTION responder.alert(p_what text, p_args jsonb, p_dedup text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM store.alert(p_what, p_args, p_dedup);
END $$;

-- The file that a token opens, or no row. Called by GET /media/TOKEN.
CREATE FUNCTION responder.media_view(p_token text)
RETURNS TABLE (path text, type text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT m.path, m.type FROM store.media m JOIN store.job j ON j.id = m.job_id
	WHERE m.token = p_token AND m.expires_at > now() AND j.finished_at IS NULL;
$$;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA responder TO atelier_responder;
RESET ROLE;
