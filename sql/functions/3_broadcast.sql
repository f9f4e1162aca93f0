-- A message of an admin's to many people: queued a few at a time, each person once, with pause and resume. Not granted.
SET LOCAL ROLE atelier_owner;

-- Whether a broadcast to that segment is for this person; never for who is banned or cannot be reached. Called by
-- store.broadcast_count and dispatcher.broadcast_due.
CREATE FUNCTION store.in_segment(p store.person, p_segment text)
RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT (p).banned_at IS NULL AND (p).unreachable_at IS NULL AND CASE p_segment
		WHEN 'all' THEN true
		WHEN 'ru' THEN (p).lang = 'ru'
		WHEN 'en' THEN (p).lang = 'en'
		WHEN 'active' THEN (p).seen_at > now() - interval '30 days'
		WHEN 'idle' THEN (p).seen_at <= now() - interval '30 days'
		ELSE (p_segment = 'paid') = EXISTS (SELECT 1 FROM store.payment y
			WHERE y.person_id = (p).id AND y.credit_tx IS NOT NULL) END;
$$;

-- How many people a segment has. People who were forgotten live on as pseudonyms: no id of Telegram's.
CREATE FUNCTION store.broadcast_count(p_segment text)
RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT count(*) FROM store.person p WHERE p.id < 4611686018427387904 AND store.in_segment(p, p_segment);
$$;

-- The arguments of notice "broadcast": where it stands.
CREATE FUNCTION store.broadcast_args(b store.broadcast)
RETURNS jsonb LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('broadcast', (b).id, 'state', (b).state, 'segment', (b).segment,
		'segment_' || (b).segment, 1, 'count', CASE WHEN (b).state IN ('draft', 'running', 'paused')
			THEN store.broadcast_count((b).segment) END,
		'sent', s.sent, 'lost', s.lost, 'open', s.open,
		'draft', CASE WHEN (b).state = 'draft' THEN 1 END, 'running', CASE WHEN (b).state = 'running' THEN 1 END,
		'paused', CASE WHEN (b).state = 'paused' THEN 1 END,
		'alive', CASE WHEN (b).state IN ('draft', 'running', 'paused') THEN 1 END))
	FROM (SELECT count(*) FILTER (WHERE outcome = 'sent') AS sent,
			count(*) FILTER (WHERE outcome <> 'sent') AS lost, count(*) FILTER (WHERE outcome IS NULL) AS open
		FROM store.broadcast_person WHERE broadcast_id = (b).id) AS s;
$$;

-- What became of one copy. Where none gets through any more (the message was deleted, say), the broadcast is paused and
-- its author told. Called by store.task_done and store.task_dead.
CREATE FUNCTION store.broadcast_told(t store.task, p_outcome text)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	c_in_a_row constant int := 10;
	v_id constant bigint := (t.payload ->> 'broadcast')::bigint;
	b store.broadcast;
BEGIN
	UPDATE store.broadcast_person SET outcome = p_outcome WHERE broadcast_id = v_id AND person_id = t.person_id;
	IF p_outcome = 'failed' AND (SELECT count(*) = c_in_a_row AND bool_and(l.outcome = 'failed') FROM (
		SELECT outcome FROM store.broadcast_person WHERE broadcast_id = v_id AND outcome IS NOT NULL
		ORDER BY person_id DESC LIMIT c_in_a_row) AS l)
	THEN
		UPDATE store.broadcast SET state = 'paused' WHERE id = v_id AND state = 'running' RETURNING * INTO b;
		IF FOUND THEN
			PERFORM store.task_add('say', jsonb_build_object('notice', 'broadcast', 'args', store.broadcast_args(b)),
				p_person => b.actor);
		END IF;
	END IF;
END $$;

-- Queues the next people of the running broadcast, so that no more than p_open are on their way; ends it when nobody
-- is left. Returns how many were queued. Called every second.
CREATE FUNCTION dispatcher.broadcast_due(p_open int)
RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	b store.broadcast;
	v_open bigint;
	v_people bigint[];
BEGIN
	SELECT * INTO b FROM store.broadcast WHERE state = 'running' FOR NO KEY UPDATE SKIP LOCKED;
	IF NOT FOUND THEN
		RETURN 0;
	END IF;
	SELECT count(*) INTO v_open FROM store.broadcast_person WHERE broadcast_id = b.id AND outcome IS NULL;
	IF v_open >= p_open THEN
		RETURN 0;
	END IF;
	SELECT array_agg(id ORDER BY id) INTO v_people FROM (SELECT p.id FROM store.person p
		WHERE p.id > b.last_person AND p.id < 4611686018427387904 AND store.in_segment(p, b.segment)
		ORDER BY p.id LIMIT p_open - v_open) AS next;
	IF v_people IS NULL AND v_open = 0 THEN
		UPDATE store.broadcast SET state = 'done', finished_at = clock_timestamp() WHERE id = b.id RETURNING * INTO b;
		PERFORM store.task_add('say', jsonb_build_object('notice', 'broadcast', 'args', store.broadcast_args(b)),
			p_person => b.actor);
	ELSIF v_people IS NOT NULL THEN
		INSERT INTO store.broadcast_person (broadcast_id, person_id) SELECT b.id, unnest(v_people);
		PERFORM store.task_add('copy', jsonb_build_object('broadcast', b.id, 'from', b.actor, 'message', b.message_id),
			p_person => v.id) FROM unnest(v_people) AS v(id);
		UPDATE store.broadcast SET last_person = v_people[cardinality(v_people)] WHERE id = b.id;
	END IF;
	RETURN coalesce(cardinality(v_people), 0);
END $$;
RESET ROLE;
