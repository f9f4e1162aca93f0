-- Takes down every view and function of ours, so that the files after this one stand alone: nothing
-- old stays behind and a signature may change. The files are applied by name, in one transaction.
SET LOCAL client_min_messages = warning; -- a dropped view takes others with it: no news
DO $$
DECLARE
	v_drop text;
BEGIN
	FOR v_drop IN
		SELECT format('DROP VIEW IF EXISTS %s CASCADE', c.oid::regclass)
		FROM pg_class c
		WHERE c.relkind = 'v'
			AND c.relnamespace::regnamespace::text IN ('ledger', 'store', 'report')
	LOOP
		EXECUTE v_drop;
	END LOOP;
	FOR v_drop IN
		SELECT format('DROP FUNCTION %s', p.oid::regprocedure)
		FROM pg_proc p
		WHERE p.pronamespace::regnamespace::text IN
			('ledger', 'store', 'report', 'responder', 'dispatcher', 'ctl')
			AND p.oid <> 'ledger.refuse_change()'::regprocedure -- triggers hang on it
	LOOP
		EXECUTE v_drop;
	END LOOP;
END $$;
