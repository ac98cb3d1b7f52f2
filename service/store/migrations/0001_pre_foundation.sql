-- Bureaus, the people and programs that may call, and what keeps a retried request from acting twice.
CREATE SCHEMA evergrid;

-- Refuses every change of a row that was once recorded; corrections are new rows.
CREATE FUNCTION evergrid.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation',
              HINT = 'Record a reversal or a superseding row instead.';
END $$;

-- The fence between bureaus: a transaction sees its own bureau, or all of them if it says '*'.
-- A transaction that says nothing sees nothing.
CREATE FUNCTION evergrid.sees_bureau(bureau smallint) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN current_setting('evergrid.bureau', true) IN ('*', bureau::text);

CREATE TABLE evergrid.bureau (
    bureau_id smallint PRIMARY KEY CHECK (bureau_id BETWEEN 1 AND 99),
    name      text     NOT NULL
);

CREATE TABLE evergrid.principal (
    principal_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text     NOT NULL UNIQUE,
    role         text     NOT NULL CHECK (role IN ('head_office', 'billing_officer', 'hall_clerk',
                                                   'reader', 'channel', 'auditor', 'data_migrator')),
    -- NULL: every bureau.
    bureau_id    smallint REFERENCES evergrid.bureau
);

-- Only the SHA-256 of a token is kept: who reads this table cannot call as anybody.
CREATE TABLE evergrid.api_token (
    token_sha256 bytea       PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    principal_id integer     NOT NULL REFERENCES evergrid.principal,
    issued_at    timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL CHECK (expires_at > issued_at),
    revoked_at   timestamptz
);
CREATE INDEX api_token_by_principal ON evergrid.api_token (principal_id);

-- The answer once given under an Idempotency-Key, stored in the transaction of its effect.
-- Partitioned so that old keys are dropped a month at a time. A key is unique across partitions
-- because whoever claims one holds an advisory lock on it (store/sql/idempotency.sql).
CREATE TABLE evergrid.idempotency_key (
    principal_id   integer     NOT NULL,
    key            text        NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    claimed_at     timestamptz NOT NULL,
    request_sha256 bytea       NOT NULL CHECK (octet_length(request_sha256) = 32),
    status         smallint    NOT NULL,
    headers        jsonb       NOT NULL,
    body           bytea       NOT NULL,
    PRIMARY KEY (principal_id, key, claimed_at)
) PARTITION BY RANGE (claimed_at);

-- Partitions are made ahead by the worker and at every migration; a row without a partition is
-- refused by PostgreSQL, never lost.
CREATE FUNCTION evergrid.make_partitions(parent regclass, first_month date, months integer)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    made     integer := 0;
    starts   date;
    part     text;
    is_time  boolean := (SELECT a.atttypid = 'timestamptz'::regtype
                           FROM pg_partitioned_table p
                           JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
                          WHERE p.partrelid = parent);
    lower_at text;
    upper_at text;
BEGIN
    FOR n IN 0 .. months - 1 LOOP
        starts := (date_trunc('month', first_month) + make_interval(months => n))::date;
        part := (SELECT relname FROM pg_class WHERE oid = parent) || to_char(starts, '"_"YYYYMM');
        CONTINUE WHEN to_regclass(format('evergrid.%I', part)) IS NOT NULL;
        lower_at := CASE WHEN is_time THEN starts || ' 00:00+08' ELSE starts::text END;
        upper_at := CASE WHEN is_time THEN (starts + interval '1 month')::date || ' 00:00+08'
                         ELSE (starts + interval '1 month')::date::text END;
        EXECUTE format('CREATE TABLE evergrid.%I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
                       part, parent, lower_at, upper_at);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION evergrid.make_partitions FROM PUBLIC;

GRANT USAGE ON SCHEMA evergrid TO evergrid_api, evergrid_worker, evergrid_audit;
GRANT SELECT ON evergrid.bureau, evergrid.principal, evergrid.api_token
    TO evergrid_api, evergrid_worker, evergrid_audit;
GRANT SELECT, INSERT ON evergrid.idempotency_key TO evergrid_api, evergrid_worker;
GRANT SELECT ON evergrid.idempotency_key TO evergrid_audit;
GRANT EXECUTE ON FUNCTION evergrid.make_partitions TO evergrid_worker;
