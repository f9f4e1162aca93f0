-- The ledger's functions: one posts, the others are the business facts that may be posted. None of
-- them is granted to anybody: they are called by the functions of the callers' schemas.
-- Lock order of the whole system: people, jobs, payments, tasks, chats (each by id), people's
-- accounts (by person, then unit and role), system slots.
-- What is called often is plpgsql, which keeps its plans; a function in sql that cannot be inlined is
-- planned anew at every call.
SET LOCAL ROLE atelier_owner;

-- Locks a person's account and returns its id; makes it when it is not there yet.
-- Called by ledger.post and by what must look before it posts.
CREATE FUNCTION ledger.account_lock(p_person bigint, p_unit ledger.unit, p_role ledger.role)
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_id bigint;
BEGIN
	SELECT id INTO v_id FROM ledger.account
	WHERE person_id = p_person AND unit = p_unit AND role = p_role FOR NO KEY UPDATE;
	IF v_id IS NULL THEN
		INSERT INTO ledger.account (unit, role, person_id, floor)
		VALUES (p_unit, p_role, p_person, CASE WHEN p_role <> 'debt' THEN 0 END)
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
	IF p_role IN ('available', 'held', 'debt') THEN
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

-- Refuses (P0410) a take, release or refund that does not mirror an existing hold. Called by
-- ledger.post.
CREATE FUNCTION ledger.resolve_check(p_hold bigint, p_kind ledger.kind, p_unit ledger.unit,
	p_amount bigint, p_person bigint, p_from ledger.role, p_to ledger.role, p_job bigint,
	p_payment bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM 1 FROM ledger.transfer h
	WHERE h.id = p_hold AND h.kind = 'hold' AND h.unit = p_unit AND h.amount = p_amount
		AND h.person_id = p_person AND p_from = 'held'
		AND h.job_id IS NOT DISTINCT FROM p_job
		AND h.payment_id IS NOT DISTINCT FROM p_payment
		AND CASE p_kind WHEN 'release' THEN p_to = 'available'
			WHEN 'take' THEN p_to IN ('spent', 'sales')
			WHEN 'refund' THEN p_to IN ('clearing', 'issue') ELSE false END;
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
	p_job bigint DEFAULT NULL, p_note text DEFAULT NULL, p_actor bigint DEFAULT NULL,
	p_payment bigint DEFAULT NULL)
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
		IF (r.kind, r.unit, r.amount, d.role, c.role, r.person_id, r.resolves, r.job_id, r.actor,
			r.payment_id)
			IS DISTINCT FROM
			(p_kind, p_unit, p_amount, p_from, p_to, p_person, p_resolves, p_job, p_actor, p_payment)
		THEN
			RAISE EXCEPTION 'key % was used for another transfer', p_key USING ERRCODE = 'P0409';
		END IF;
		RETURN r;
	END IF;
	IF p_resolves IS NOT NULL THEN
		PERFORM ledger.resolve_check(p_resolves, p_kind, p_unit, p_amount, p_person, p_from, p_to,
			p_job, p_payment);
	END IF;
	IF p_from < p_to THEN
		d := ledger.account_add(v_debit, -p_amount);
		c := ledger.account_add(v_credit, p_amount);
	ELSE
		c := ledger.account_add(v_credit, p_amount);
		d := ledger.account_add(v_debit, -p_amount);
	END IF;
	INSERT INTO ledger.transfer (key, debit, credit, unit, kind, amount, resolves, d_after,
		d_version, c_after, c_version, person_id, job_id, note, actor, payment_id)
	VALUES (p_key, v_debit, v_credit, p_unit, p_kind, p_amount, p_resolves, d.balance, d.version,
		c.balance, c.version, p_person, p_job, p_note, p_actor, p_payment)
	ON CONFLICT (key) DO NOTHING RETURNING * INTO r;
	IF r.id IS NULL THEN -- the same key for another person, at this very moment
		RAISE EXCEPTION 'race for the key %', p_key USING ERRCODE = '40001';
	END IF;
	RETURN r;
END $$;

-- What a person has available of a unit. Called wherever something is to be spent.
CREATE FUNCTION ledger.available(p_person bigint, p_unit ledger.unit)
RETURNS bigint LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN coalesce((SELECT balance FROM ledger.account
		WHERE person_id = p_person AND unit = p_unit AND role = 'available'), 0);
END $$;

-- What a person has of a unit, or owes (below zero). Called wherever a balance is told.
CREATE FUNCTION ledger.balance(p_person bigint, p_unit ledger.unit)
RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(sum(balance), 0)::bigint FROM ledger.account
	WHERE person_id = p_person AND unit = p_unit AND role IN ('available', 'debt');
$$;

-- The three purses of a person, zero where nothing has ever moved, below zero what is owed. Called by
-- responder.*.
CREATE FUNCTION ledger.purse(p_person bigint, OUT free bigint, OUT credit bigint, OUT rub bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(sum(balance) FILTER (WHERE unit = 'free'), 0)::bigint,
		coalesce(sum(balance) FILTER (WHERE unit = 'credit'), 0)::bigint,
		coalesce(sum(balance) FILTER (WHERE unit = 'rub'), 0)::bigint
	FROM ledger.account WHERE person_id = p_person AND role IN ('available', 'debt');
$$;

-- What a person owes, the largest debt first; no row: nothing. Called by responder.job_order and wherever
-- a debt is told.
CREATE FUNCTION ledger.debts(p_person bigint)
RETURNS TABLE (unit ledger.unit, owed bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT a.unit, -a.balance FROM ledger.account a
	WHERE a.person_id = p_person AND a.role = 'debt' AND a.balance < 0 ORDER BY a.balance;
$$;

-- What has come into a purse pays the debt of its unit first; p_in is the transfer it came with. Called
-- after everything that makes more available.
CREATE FUNCTION ledger.debt_pay(p_in ledger.transfer)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_owed bigint;
	v_there bigint;
BEGIN
	SELECT -balance INTO v_owed FROM ledger.account
	WHERE person_id = p_in.person_id AND unit = p_in.unit AND role = 'debt' FOR NO KEY UPDATE;
	v_there := ledger.available(p_in.person_id, p_in.unit);
	IF v_owed > 0 AND v_there > 0 THEN
		PERFORM ledger.post('debt:' || p_in.id, 'debt', p_in.unit, least(v_owed, v_there),
			p_in.person_id, 'available', 'debt');
	END IF;
END $$;

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
	r ledger.transfer;
BEGIN
	SELECT * INTO h FROM ledger.transfer WHERE key = 'hold:job:' || p_job;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'job % has no hold', p_job USING ERRCODE = 'P0410';
	END IF;
	r := ledger.post('settle:job:' || p_job, p_kind, h.unit, h.amount, h.person_id, 'held',
		CASE WHEN p_kind = 'release' THEN 'available'::ledger.role
			WHEN h.unit = 'rub' THEN 'sales' ELSE 'spent' END,
		p_resolves => h.id, p_job => p_job, p_note => p_note);
	IF p_kind = 'release' THEN
		PERFORM ledger.debt_pay(r);
	END IF;
	RETURN r;
END $$;

-- The result was delivered: what was held is spent (roubles: sold). Called by store.photo_done.
CREATE FUNCTION ledger.take(p_job bigint)
RETURNS ledger.transfer LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT * FROM ledger.settle(p_job, 'take', NULL);
$$;

-- The job came to nothing: what was held goes back to its purse. Called by store.job_fail.
CREATE FUNCTION ledger.release(p_job bigint, p_note text)
RETURNS ledger.transfer LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
	SELECT * FROM ledger.settle(p_job, 'release', p_note);
$$;

-- An operator's correction: a positive amount is given, a negative one taken away. Returns the row;
-- below zero is an error (23514), which callers avoid by looking first. Called by ctl.adjust.
CREATE FUNCTION ledger.adjust(p_person bigint, p_unit ledger.unit, p_amount bigint, p_actor bigint,
	p_why text, p_key text)
RETURNS ledger.transfer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	r ledger.transfer;
BEGIN
	r := ledger.post('adjust:' || p_key, 'correction', p_unit, abs(p_amount), p_person,
		CASE WHEN p_amount > 0 THEN 'issue' ELSE 'available' END::ledger.role,
		CASE WHEN p_amount > 0 THEN 'available' ELSE 'issue' END::ledger.role,
		p_note => p_why, p_actor => p_actor);
	IF p_amount > 0 THEN
		PERFORM ledger.debt_pay(r);
	END IF;
	RETURN r;
END $$;

-- The unit that money of a currency is counted in, NULL for one we do not take.
CREATE FUNCTION ledger.unit_of(p_currency text)
RETURNS ledger.unit LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE p_currency WHEN 'RUB' THEN 'rub' WHEN 'USD' THEN 'usd' END::ledger.unit;
$$;

-- A payment has come in: once for ever per provider and id. Roubles go from clearing into the purse; what
-- is bought (credits) is issued, and its money goes from clearing to sales. A debt is paid first. Returns
-- the transfer into the purse. Called by store.payment_credit, which holds the payment's row.
CREATE FUNCTION ledger.topup(y store.payment)
RETURNS ledger.transfer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_key constant text := 'pay:' || y.provider || ':' || y.ext_id;
	r ledger.transfer;
BEGIN
	r := ledger.post(v_key, 'topup', y.grant_unit, y.grant_amount, y.person_id,
		CASE WHEN y.grant_unit = 'rub' THEN 'clearing' ELSE 'issue' END::ledger.role, 'available',
		p_payment => y.id);
	IF y.grant_unit <> 'rub' THEN
		PERFORM ledger.post(v_key || ':m', 'sale', ledger.unit_of(y.currency), y.amount,
			y.person_id, 'clearing', 'sales', p_payment => y.id);
	END IF;
	PERFORM ledger.debt_pay(r);
	RETURN r;
END $$;

-- Holds what a refund will take back. Returns the transfer's id, or NULL when the purse does not suffice.
-- Called by store.refund_open, which holds the payment's row.
CREATE FUNCTION ledger.hold_refund(y store.payment, p_refund bigint, p_back bigint)
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM ledger.account_lock(y.person_id, y.grant_unit, 'available');
	IF ledger.available(y.person_id, y.grant_unit) < p_back THEN
		RETURN NULL;
	END IF;
	RETURN (ledger.post('hold:refund:' || p_refund, 'hold', y.grant_unit, p_back, y.person_id,
		'available', 'held', p_payment => y.id)).id;
END $$;

-- What a refund held goes back: it came to nothing. Called by store.refund_undo.
CREATE FUNCTION ledger.release_refund(p_refund bigint)
RETURNS ledger.transfer LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	h ledger.transfer;
	r ledger.transfer;
BEGIN
	SELECT * INTO STRICT h FROM ledger.transfer WHERE key = 'hold:refund:' || p_refund;
	r := ledger.post('release:refund:' || p_refund, 'release', h.unit, h.amount, h.person_id, 'held',
		'available', p_resolves => h.id, p_payment => h.payment_id);
	PERFORM ledger.debt_pay(r);
	RETURN r;
END $$;

-- A refund that the provider confirms: p_back leaves the purse (out of the hold p_hold when there is one),
-- what is not there becomes debt; the money leaves through clearing. Once for ever per provider and id.
-- Returns the first of its transfers and the debt it made. Called by store.refund_settle, which holds the
-- payment's row.
CREATE FUNCTION ledger.refund(y store.payment, p_ext_id text, p_amount bigint, p_back bigint,
	p_hold bigint, OUT debit_tx bigint, OUT debt bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	v_key constant text := 'refund:' || y.provider || ':' || p_ext_id;
	v_to constant ledger.role :=
		CASE WHEN y.grant_unit = 'rub' THEN 'clearing' ELSE 'issue' END::ledger.role;
	v_there bigint := p_back;
	v_more bigint;
BEGIN
	PERFORM ledger.account_lock(y.person_id, y.grant_unit, 'available');
	IF p_hold IS NULL THEN
		v_there := least(p_back, ledger.available(y.person_id, y.grant_unit));
	END IF;
	debt := p_back - v_there;
	IF v_there > 0 THEN
		debit_tx := (ledger.post(v_key, 'refund', y.grant_unit, v_there, y.person_id,
			CASE WHEN p_hold IS NULL THEN 'available' ELSE 'held' END::ledger.role, v_to,
			p_resolves => p_hold, p_payment => y.id)).id;
	END IF;
	IF debt > 0 THEN
		v_more := (ledger.post(v_key || ':d', 'debt', y.grant_unit, debt, y.person_id, 'debt', v_to,
			p_payment => y.id)).id;
		debit_tx := coalesce(debit_tx, v_more);
	END IF;
	IF y.grant_unit <> 'rub' THEN
		v_more := (ledger.post(v_key || ':m', 'refund', ledger.unit_of(y.currency), p_amount,
			y.person_id, 'sales', 'clearing', p_payment => y.id)).id;
		debit_tx := coalesce(debit_tx, v_more);
	END IF;
END $$;

-- The two legs of every transfer as rows of their accounts.
CREATE VIEW ledger.entry AS
SELECT id AS transfer_id, debit AS account_id, unit, kind, -amount AS amount, d_after AS after,
	d_version AS version, at
FROM ledger.transfer
UNION ALL
SELECT id, credit, unit, kind, amount, c_after, c_version, at FROM ledger.transfer;

-- Every invariant that does not hold, one row each; empty is a pass. Read it in one snapshot.
-- L: ledger, G: grants, J: jobs, P: payments, O: the outbox. Called by ctl.verify and by the tests.
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
FROM ledger.account WHERE person_id IS NOT NULL AND role <> 'debt' AND balance < 0
UNION ALL
SELECT 'L4 nobody was ever below zero', 'transfer ' || e.transfer_id
FROM ledger.entry e
JOIN ledger.account a ON a.id = e.account_id
WHERE e.account_id >= 1000 AND (e.after < 0) <> (a.role = 'debt') AND e.after <> 0
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
SELECT 'L9 what resolves a hold mirrors it', 'transfer ' || r.id
FROM ledger.transfer r
JOIN ledger.transfer h ON h.id = r.resolves
WHERE h.kind <> 'hold' OR r.debit <> h.credit OR r.amount <> h.amount
	OR (r.job_id, r.payment_id) IS DISTINCT FROM (h.job_id, h.payment_id)
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
WHERE j.amount > 0 AND ((j.status IN ('completed', 'failed', 'cancelled')) <> (t.id IS NOT NULL)
	OR (j.status = 'completed') <> (t.kind IS NOT DISTINCT FROM 'take')
	OR t.resolves <> j.hold_id) OR (j.amount = 0 AND t.id IS NOT NULL)
UNION ALL
SELECT 'J2 every hold is its job''s', 'transfer ' || h.id
FROM ledger.transfer h
LEFT JOIN store.job j ON j.hold_id = h.id
WHERE h.kind = 'hold' AND h.payment_id IS NULL AND (j.id IS NULL
	OR (j.id, j.person_id, j.unit, j.amount) <> (h.job_id, h.person_id, h.unit, h.amount))
UNION ALL
SELECT 'J3 every settlement is its job''s', 'transfer ' || r.id
FROM ledger.transfer r
LEFT JOIN store.job j ON j.settle_id = r.id
WHERE r.kind IN ('take', 'release') AND r.payment_id IS NULL AND (j.id IS NULL OR j.id <> r.job_id)
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
		AND t.kind IN ('take', 'clean', 'render', 'submit', 'lookup', 'poll', 'fetch', 'photo'))
	IS DISTINCT FROM ARRAY[CASE j.step WHEN 'deliver' THEN 'photo' ELSE j.step::text END]
UNION ALL
SELECT 'J6 an ended job has no open task of its chain', 'task ' || t.id
FROM store.task t
JOIN store.job j ON j.id = t.job_id
WHERE j.step = 'done' AND t.state IN ('ready', 'leased')
	AND t.kind IN ('take', 'clean', 'render', 'submit', 'lookup', 'poll', 'fetch', 'photo')
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
SELECT 'P1 a payment is credited once, as it was ordered', 'payment ' || y.id
FROM store.payment y
LEFT JOIN ledger.transfer t ON t.id = y.credit_tx
WHERE y.credit_tx IS NOT NULL AND (t.id IS NULL OR y.paid <> y.amount
	OR (t.kind, t.unit, t.amount, t.person_id, t.payment_id, t.key) IS DISTINCT FROM
		('topup', y.grant_unit, y.grant_amount, y.person_id, y.id,
		'pay:' || y.provider || ':' || y.ext_id))
UNION ALL
SELECT 'P2 every top-up is its payment''s', 'transfer ' || t.id
FROM ledger.transfer t
WHERE t.kind = 'topup' AND NOT EXISTS (SELECT 1 FROM store.payment y WHERE y.credit_tx = t.id)
UNION ALL
SELECT 'P3 what was bought is sold for what was paid', 'payment ' || coalesce(y.id, m.payment_id)
FROM (SELECT * FROM store.payment WHERE credit_tx IS NOT NULL AND grant_unit <> 'rub') AS y
FULL JOIN (SELECT * FROM ledger.transfer WHERE kind = 'sale') AS m ON m.payment_id = y.id
WHERE (m.key, m.unit, m.amount) IS DISTINCT FROM ('pay:' || y.provider || ':' || y.ext_id || ':m',
	ledger.unit_of(y.currency), y.paid)
UNION ALL
SELECT 'P4 a refund took back what it says', 'refund ' || r.id
FROM store.refund r
JOIN store.payment y ON y.id = r.payment_id
CROSS JOIN LATERAL (
	SELECT coalesce(sum(t.amount) FILTER (WHERE t.key = k.key), 0) AS taken,
		coalesce(sum(t.amount) FILTER (WHERE t.key = k.key || ':d'), 0) AS owed,
		coalesce(sum(t.amount) FILTER (WHERE t.key = k.key || ':m'), 0) AS money
	FROM (SELECT 'refund:' || r.provider || ':' || r.ext_id AS key) AS k, ledger.transfer t
	WHERE t.payment_id = y.id
) AS s
WHERE r.state = 'succeeded' AND (s.taken + s.owed <> r.back OR s.owed <> r.debt
	OR s.money <> CASE WHEN y.grant_unit = 'rub' THEN 0 ELSE r.amount END)
UNION ALL
SELECT 'P5 what was taken back is a refund''s', 'transfer ' || t.id
FROM ledger.transfer t
WHERE (t.kind = 'refund' OR (t.kind = 'debt' AND t.payment_id IS NOT NULL)) AND NOT EXISTS (
	SELECT 1 FROM store.refund r
	WHERE r.payment_id = t.payment_id AND r.state = 'succeeded'
		AND regexp_replace(t.key, ':[dm]$', '') = 'refund:' || r.provider || ':' || r.ext_id)
UNION ALL
SELECT 'P6 what is refunded is the sum of the refunds', 'payment ' || y.id
FROM store.payment y
WHERE y.refunded <> (SELECT coalesce(sum(r.amount), 0) FROM store.refund r
	WHERE r.payment_id = y.id AND r.state = 'succeeded')
	OR (y.refunded = y.paid AND y.grant_amount <> (SELECT sum(r.back) FROM store.refund r
		WHERE r.payment_id = y.id AND r.state = 'succeeded'))
UNION ALL
SELECT 'P7 clearing is what was refunded less what was paid', p.provider || ' ' || p.unit
FROM (SELECT y.provider, ledger.unit_of(y.currency) AS unit,
		sum(y.refunded - coalesce(y.paid, 0)) AS due
	FROM store.payment y GROUP BY 1, 2) AS p
FULL JOIN (SELECT split_part(t.key, ':', 2) AS provider, t.unit,
		sum(CASE c.role WHEN 'clearing' THEN t.amount ELSE -t.amount END) AS there
	FROM ledger.transfer t
	JOIN ledger.account d ON d.id = t.debit
	JOIN ledger.account c ON c.id = t.credit
	WHERE 'clearing' IN (d.role, c.role) GROUP BY 1, 2) AS l USING (provider, unit)
WHERE p.provider IS NULL OR p.due <> coalesce(l.there, 0)
UNION ALL
SELECT 'P8 who owes has nothing', 'person ' || d.person_id
FROM ledger.account d
JOIN ledger.account a ON a.person_id = d.person_id AND a.unit = d.unit AND a.role = 'available'
WHERE d.role = 'debt' AND d.balance < 0 AND a.balance > 0
UNION ALL
SELECT 'P9 an open refund of ours holds what it takes back', 'refund ' || coalesce(r.id::text, '-')
	|| ', transfer ' || coalesce(h.id::text, '-')
FROM (SELECT * FROM store.refund WHERE hold_tx IS NOT NULL OR (ours AND state = 'pending')) AS r
FULL JOIN (SELECT h.*, EXISTS (SELECT 1 FROM ledger.transfer s WHERE s.resolves = h.id) AS over
	FROM ledger.transfer h WHERE h.kind = 'hold' AND h.payment_id IS NOT NULL) AS h
	ON h.id = r.hold_tx
WHERE r.id IS NULL OR (r.hold_tx IS NULL AND r.back > 0) OR (r.hold_tx IS NOT NULL AND h.id IS NULL)
	OR (r.state = 'pending') = h.over
	OR (r.state = 'pending' AND (h.payment_id, h.amount) <> (r.payment_id, r.back))
UNION ALL
SELECT 'PA an open payment or refund is asked about', 'payment ' || y.id
FROM store.payment y
WHERE (y.state IN ('created', 'pending') AND y.next_ask_at IS NULL
	OR EXISTS (SELECT 1 FROM store.refund r
		WHERE r.payment_id = y.id AND r.state = 'pending' AND r.next_ask_at IS NULL
			AND NOT r.confirmed))
	AND NOT EXISTS (SELECT 1 FROM store.task t WHERE t.payment_id = y.id AND t.lane = 'pay'
		AND t.state IN ('ready', 'leased'))
UNION ALL
SELECT 'PB a payment that came in was told', 'payment ' || y.id
FROM store.payment y
WHERE y.credit_tx IS NOT NULL AND y.verified_at > now() - interval '20 hours' AND NOT EXISTS (
	SELECT 1 FROM store.task t WHERE t.dedup = 'pay:' || y.id || ':done')
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
