-- The ledger's functions: one posts, the others are the business facts that may be posted. None of
-- them is granted to anybody: they are called by the functions of the callers' schemas.
-- Lock order of the whole system: people, jobs, tasks, chats (each by id), people's accounts (by
-- person, then unit and role), system slots.
-- What is called often is plpgsql, which keeps its plans; a function in sql that cannot be inlined is
-- planned anew at every call.
SET LOCAL ROLE atelier_owner;

-- Locks a person's account and returns its id; makes it when it is not there yet.
-- Called by ledger.post and ledger.hold.
CREATE FUNCTION ledger.account_lock(p_person bigint, p_unit ledger.unit, p_role ledger.role)
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_id bigint;
BEGIN
	SELECT id INTO v_id FROM ledger.account
	WHERE person_id = p_person AND unit = p_unit AND role = p_role FOR NO KEY UPDATE;
	IF v_id IS NULL THEN
		INSERT INTO ledger.account (unit, role, person_id, floor)
		VALUES (p_unit, p_role, p_person, 0)
		ON CONFLICT (person_id, unit, role) WHERE person_id IS NOT NULL DO NOTHING;
		SELECT id INTO STRICT v_id FROM ledger.account
		WHERE person_id = p_person AND unit = p_unit AND role = p_role FOR NO KEY UPDATE;
	END IF;
	RETURN v_id;
END $$;

-- The account that a leg of a transfer names. A person's is locked; of a system account it is the
-- slot of this backend: sessions do not meet in one row, and no session takes two slots of one
-- account. Called by ledger.post.
CREATE FUNCTION ledger.account_of(p_person bigint, p_unit ledger.unit, p_role ledger.role)
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_id bigint;
BEGIN
	IF p_role IN ('available', 'held') THEN
		RETURN ledger.account_lock(p_person, p_unit, p_role);
	END IF;
	SELECT id INTO STRICT v_id FROM ledger.account
	WHERE role = p_role AND unit = p_unit AND slot = (pg_backend_pid() & 15) AND person_id IS NULL;
	RETURN v_id;
END $$;

-- Adds to an account (the amount may be negative). Called by ledger.post; returns the new row.
CREATE FUNCTION ledger.account_add(p_id bigint, p_amount bigint)
RETURNS ledger.account LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	a ledger.account;
BEGIN
	UPDATE ledger.account SET balance = balance + p_amount, version = version + 1
	WHERE id = p_id RETURNING * INTO STRICT a;
	RETURN a;
END $$;

-- Refuses (P0410) a take or release that does not mirror an existing hold. Called by ledger.post.
CREATE FUNCTION ledger.resolve_check(p_hold bigint, p_kind ledger.kind, p_unit ledger.unit,
	p_amount bigint, p_person bigint, p_from ledger.role, p_to ledger.role, p_job bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM 1 FROM ledger.transfer h
	WHERE h.id = p_hold AND h.kind = 'hold' AND h.unit = p_unit AND h.amount = p_amount
		AND h.person_id = p_person AND h.job_id = p_job AND p_from = 'held'
		AND (p_kind <> 'release' OR p_to = 'available')
		AND (p_kind <> 'take' OR p_to IN ('spent', 'sales'));
	IF NOT FOUND THEN
		RAISE EXCEPTION 'bad resolve of %', p_hold USING ERRCODE = 'P0410';
	END IF;
END $$;

-- Posts one transfer: the only writer of the ledger. Idempotent by key: the same contents again
-- give the row that is there, other contents are an error (P0409). p_from and p_to name accounts by
-- role; p_person owns those of people. Below the floor is an error (23514). Returns the row. Called
-- by the functions below.
CREATE FUNCTION ledger.post(p_key text, p_kind ledger.kind, p_unit ledger.unit, p_amount bigint,
	p_person bigint, p_from ledger.role, p_to ledger.role, p_resolves bigint DEFAULT NULL,
	p_job bigint DEFAULT NULL, p_note text DEFAULT NULL, p_actor bigint DEFAULT NULL)
RETURNS ledger.transfer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_debit bigint;
	v_credit bigint;
	d ledger.account;
	c ledger.account;
	r ledger.transfer;
BEGIN
	IF p_from < p_to THEN -- lock order
		v_debit := ledger.account_of(p_person, p_unit, p_from);
		v_credit := ledger.account_of(p_person, p_unit, p_to);
	ELSE
		v_credit := ledger.account_of(p_person, p_unit, p_to);
		v_debit := ledger.account_of(p_person, p_unit, p_from);
	END IF;
	-- Under the lock of a person's account two sessions with one key cannot both miss the row.
	SELECT * INTO r FROM ledger.transfer WHERE key = p_key;
	IF FOUND THEN
		SELECT * INTO d FROM ledger.account WHERE id = r.debit;
		SELECT * INTO c FROM ledger.account WHERE id = r.credit;
		IF (r.kind, r.unit, r.amount, d.role, c.role, r.person_id, r.resolves, r.job_id, r.actor)
			IS DISTINCT FROM
			(p_kind, p_unit, p_amount, p_from, p_to, p_person, p_resolves, p_job, p_actor)
		THEN
			RAISE EXCEPTION 'key % was used for another transfer', p_key USING ERRCODE = 'P0409';
		END IF;
		RETURN r;
	END IF;
	IF p_resolves IS NOT NULL THEN
		PERFORM ledger.resolve_check(p_resolves, p_kind, p_unit, p_amount, p_person, p_from, p_to,
			p_job);
	END IF;
	IF p_from < p_to THEN
		d := ledger.account_add(v_debit, -p_amount);
		c := ledger.account_add(v_credit, p_amount);
	ELSE
		c := ledger.account_add(v_credit, p_amount);
		d := ledger.account_add(v_debit, -p_amount);
	END IF;
	INSERT INTO ledger.transfer (key, debit, credit, unit, kind, amount, resolves, d_after,
		d_version, c_after, c_version, person_id, job_id, note, actor)
	VALUES (p_key, v_debit, v_credit, p_unit, p_kind, p_amount, p_resolves, d.balance, d.version,
		c.balance, c.version, p_person, p_job, p_note, p_actor)
	ON CONFLICT (key) DO NOTHING RETURNING * INTO r;
	IF r.id IS NULL THEN -- the same key for another person, at this very moment
		RAISE EXCEPTION 'race for the key %', p_key USING ERRCODE = '40001';
	END IF;
	RETURN r;
END $$;

-- What a person has available of a unit. Called wherever a balance is told.
CREATE FUNCTION ledger.available(p_person bigint, p_unit ledger.unit)
RETURNS bigint LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN coalesce((SELECT balance FROM ledger.account
		WHERE person_id = p_person AND unit = p_unit AND role = 'available'), 0);
END $$;

-- The three purses of a person, zero where nothing has ever moved. Called by responder.*.
CREATE FUNCTION ledger.purse(p_person bigint, OUT free bigint, OUT credit bigint, OUT rub bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(sum(balance) FILTER (WHERE unit = 'free'), 0)::bigint,
		coalesce(sum(balance) FILTER (WHERE unit = 'credit'), 0)::bigint,
		coalesce(sum(balance) FILTER (WHERE unit = 'rub'), 0)::bigint
	FROM ledger.account WHERE person_id = p_person AND role = 'available';
$$;

-- Grants the free operations of the first contact, once for ever. Called by responder.update_open.
CREATE FUNCTION ledger.grant_free(p_person bigint, p_count bigint)
RETURNS bigint LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT (ledger.post('grant:free:' || p_person, 'grant', 'free', p_count, p_person,
		'issue', 'available')).id;
$$;

-- Reserves the price of a job. Returns the transfer's id, or NULL when the purse does not suffice.
-- Called by responder.job_order.
CREATE FUNCTION ledger.hold(p_person bigint, p_unit ledger.unit, p_amount bigint, p_job bigint)
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_key constant text := 'hold:job:' || p_job;
	v_id bigint;
	v_balance bigint;
BEGIN
	SELECT id, balance INTO v_id, v_balance FROM ledger.account
	WHERE person_id = p_person AND unit = p_unit AND role = 'available' FOR NO KEY UPDATE;
	IF (v_id IS NULL OR v_balance < p_amount)
		AND NOT EXISTS (SELECT 1 FROM ledger.transfer WHERE key = v_key)
	THEN
		RETURN NULL;
	END IF;
	RETURN (ledger.post(v_key, 'hold', p_unit, p_amount, p_person, 'available', 'held',
		p_job => p_job)).id;
END $$;

-- Settles the hold of a job: takes it or releases it, under one key, so never both.
-- Called by ledger.take and ledger.release.
CREATE FUNCTION ledger.settle(p_job bigint, p_kind ledger.kind, p_note text)
RETURNS ledger.transfer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	h ledger.transfer;
BEGIN
	SELECT * INTO h FROM ledger.transfer WHERE key = 'hold:job:' || p_job;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'job % has no hold', p_job USING ERRCODE = 'P0410';
	END IF;
	RETURN ledger.post('settle:job:' || p_job, p_kind, h.unit, h.amount, h.person_id, 'held',
		CASE WHEN p_kind = 'release' THEN 'available'::ledger.role
			WHEN h.unit = 'rub' THEN 'sales' ELSE 'spent' END,
		p_resolves => h.id, p_job => p_job, p_note => p_note);
END $$;

-- The result was delivered: what was held is spent (roubles: sold). Called by store.photo_done.
CREATE FUNCTION ledger.take(p_job bigint)
RETURNS ledger.transfer LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT * FROM ledger.settle(p_job, 'take', NULL);
$$;

-- The job came to nothing: what was held goes back to its purse; the row's c_after is what is there
-- now. Called by store.job_fail.
CREATE FUNCTION ledger.release(p_job bigint, p_note text)
RETURNS ledger.transfer LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT * FROM ledger.settle(p_job, 'release', p_note);
$$;

-- An operator's correction: a positive amount is given, a negative one taken away. Returns the row;
-- below zero is an error (23514), which callers avoid by looking first. Called by ctl.adjust.
CREATE FUNCTION ledger.adjust(p_person bigint, p_unit ledger.unit, p_amount bigint, p_actor bigint,
	p_why text, p_key text)
RETURNS ledger.transfer LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT * FROM ledger.post('adjust:' || p_key, 'correction', p_unit, abs(p_amount), p_person,
		CASE WHEN p_amount > 0 THEN 'issue' ELSE 'available' END::ledger.role,
		CASE WHEN p_amount > 0 THEN 'available' ELSE 'issue' END::ledger.role,
		p_note => p_why, p_actor => p_actor);
$$;

-- The two legs of every transfer as rows of their accounts.
CREATE VIEW ledger.entry AS
SELECT id AS transfer_id, debit AS account_id, unit, kind, -amount AS amount, d_after AS after,
	d_version AS version, at
FROM ledger.transfer
UNION ALL
SELECT id, credit, unit, kind, amount, c_after, c_version, at FROM ledger.transfer;

-- Every invariant that does not hold, one row each; empty is a pass. Read it in one snapshot.
-- L: ledger, G: grants, J: jobs, O: the outbox. Called by ctl.verify and by the tests.
CREATE VIEW ledger.broken AS
SELECT 'L1 balance is the sum of the entries' AS invariant, 'account ' || a.id AS what
FROM ledger.account a
LEFT JOIN (SELECT account_id, sum(amount) AS total, count(*) AS n FROM ledger.entry GROUP BY 1) e
	ON e.account_id = a.id
WHERE a.balance <> coalesce(e.total, 0) OR a.version <> coalesce(e.n, 0)
UNION ALL
SELECT 'L2 all balances of a unit sum to zero', unit::text
FROM ledger.account GROUP BY unit HAVING sum(balance) <> 0
UNION ALL
SELECT 'L3 nobody is below zero', 'account ' || id
FROM ledger.account WHERE person_id IS NOT NULL AND balance < 0
UNION ALL
SELECT 'L4 nobody was ever below zero', 'transfer ' || transfer_id
FROM ledger.entry WHERE account_id >= 1000 AND after < 0
UNION ALL
SELECT 'L5 the entries of an account are a chain', 'account ' || account_id || ' #' || version
FROM (
	SELECT account_id, version, after, amount,
		lag(after, 1, 0::bigint) OVER w AS after_before,
		lag(version, 1, 0::bigint) OVER w AS version_before
	FROM ledger.entry WHERE account_id >= 1000
	WINDOW w AS (PARTITION BY account_id ORDER BY version)
) AS chain
WHERE after <> after_before + amount OR version <> version_before + 1
UNION ALL
SELECT 'L6 both legs are of one unit and of the transfer''s person', 'transfer ' || t.id
FROM ledger.transfer t
JOIN ledger.account d ON d.id = t.debit
JOIN ledger.account c ON c.id = t.credit
WHERE d.unit <> t.unit OR c.unit <> t.unit
	OR coalesce(d.person_id, t.person_id) IS DISTINCT FROM t.person_id
	OR coalesce(c.person_id, t.person_id) IS DISTINCT FROM t.person_id
UNION ALL
SELECT 'L7 a hold is settled at most once', 'transfer ' || resolves
FROM ledger.transfer WHERE resolves IS NOT NULL GROUP BY resolves HAVING count(*) > 1
UNION ALL
SELECT 'L8 what is held is the sum of the open holds', 'account ' || a.id
FROM ledger.account a
LEFT JOIN (
	SELECT h.credit, sum(h.amount) AS total FROM ledger.transfer h
	WHERE h.kind = 'hold' AND NOT EXISTS
		(SELECT 1 FROM ledger.transfer r WHERE r.resolves = h.id)
	GROUP BY 1
) AS o ON o.credit = a.id
WHERE a.role = 'held' AND a.balance <> coalesce(o.total, 0)
UNION ALL
SELECT 'L9 a take or release mirrors its hold', 'transfer ' || r.id
FROM ledger.transfer r
JOIN ledger.transfer h ON h.id = r.resolves
WHERE h.kind <> 'hold' OR r.debit <> h.credit OR r.amount <> h.amount OR r.job_id <> h.job_id
	OR (r.kind = 'release' AND r.credit <> h.debit)
UNION ALL
SELECT 'G1 what a person was granted is one row of the ledger', 'person ' || p.id
FROM store.person p
LEFT JOIN ledger.transfer t ON t.key = 'grant:free:' || p.id
WHERE p.free_granted <> coalesce(t.amount, 0)
UNION ALL
SELECT 'G2 every grant is a person''s', 'transfer ' || t.id
FROM ledger.transfer t
WHERE t.kind = 'grant' AND NOT EXISTS (SELECT 1 FROM store.person p WHERE p.id = t.person_id)
UNION ALL
SELECT 'J1 an ended job has one settlement of the right kind', 'job ' || j.id
FROM store.job j
LEFT JOIN ledger.transfer t ON t.id = j.settle_id
WHERE (j.status IN ('completed', 'failed', 'cancelled')) <> (t.id IS NOT NULL)
	OR (j.status = 'completed') <> (t.kind IS NOT DISTINCT FROM 'take')
	OR t.resolves <> j.hold_id
UNION ALL
SELECT 'J2 every hold is its job''s', 'transfer ' || h.id
FROM ledger.transfer h
LEFT JOIN store.job j ON j.hold_id = h.id
WHERE h.kind = 'hold' AND (j.id IS NULL
	OR (j.id, j.person_id, j.unit, j.amount) <> (h.job_id, h.person_id, h.unit, h.amount))
UNION ALL
SELECT 'J3 every settlement is its job''s', 'transfer ' || r.id
FROM ledger.transfer r
LEFT JOIN store.job j ON j.settle_id = r.id
WHERE r.kind IN ('take', 'release') AND (j.id IS NULL OR j.id <> r.job_id)
UNION ALL
SELECT 'J4 no job is open long past its deadline', 'job ' || id
FROM store.job
WHERE status IN ('pending', 'processing') AND step <> 'deliver'
	AND deadline_at < now() - interval '10 minutes'
UNION ALL
SELECT 'J5 an open job has exactly one open task of its chain', 'job ' || j.id
FROM store.job j
WHERE j.status IN ('pending', 'processing') AND (
	SELECT array_agg(t.kind) FROM store.task t
	WHERE t.job_id = j.id AND t.state IN ('ready', 'leased')
		AND t.kind IN ('submit', 'lookup', 'poll', 'fetch', 'photo'))
	IS DISTINCT FROM ARRAY[CASE j.step WHEN 'deliver' THEN 'photo' ELSE j.step::text END]
UNION ALL
SELECT 'J6 an ended job has no open task of its chain', 'task ' || t.id
FROM store.task t
JOIN store.job j ON j.id = t.job_id
WHERE j.step = 'done' AND t.state IN ('ready', 'leased')
	AND t.kind IN ('submit', 'lookup', 'poll', 'fetch', 'photo')
UNION ALL
SELECT 'J7 no lease is long over', 'task ' || id
FROM store.task WHERE state = 'leased' AND lease_until < now() - interval '5 minutes'
UNION ALL
SELECT 'J8 a job is what its quote said', 'job ' || j.id
FROM store.job j
LEFT JOIN store.quote q ON q.job_id = j.id
WHERE q.id IS NULL OR q.id <> j.quote_id
	OR (q.person_id, q.offer, q.unit, q.amount) <> (j.person_id, j.offer, j.unit, j.amount)
UNION ALL
SELECT 'O1 a completed job has a result that was sent', 'job ' || j.id
FROM store.job j
WHERE j.status = 'completed' AND (NOT j.result ? 'message_id'
	OR (j.finished_at > now() - interval '20 hours' AND NOT EXISTS (
		SELECT 1 FROM store.task t
		WHERE t.dedup = 'job:' || j.id || ':result' AND t.state = 'done')))
UNION ALL
SELECT 'O2 a failed job tells its person', 'job ' || j.id
FROM store.job j
WHERE j.status = 'failed' AND j.finished_at > now() - interval '20 hours' AND NOT EXISTS (
	SELECT 1 FROM store.task t WHERE t.job_id = j.id AND t.payload ->> 'notice' = 'job_failed')
UNION ALL
SELECT 'O3 a failed job was not also delivered', 'job ' || j.id
FROM store.job j
JOIN store.task t ON t.job_id = j.id AND t.kind = 'photo' AND t.state = 'done'
WHERE j.status IN ('failed', 'cancelled')
UNION ALL
SELECT 'O4 the messages of a chat leave in order', 'task ' || s.id
FROM store.task w
JOIN store.task s ON s.chat_id = w.chat_id AND s.id > w.id AND s.lane = 'chat'
WHERE w.lane = 'chat' AND w.state IN ('ready', 'leased') AND s.state = 'done'
	-- ids are drawn before the commit: one drawn earlier may appear a little later
	AND s.done_at > w.created_at + interval '10 seconds';
RESET ROLE;
