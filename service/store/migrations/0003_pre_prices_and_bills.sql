-- The price list of all bureaus, and the bills computed from it.
CREATE TABLE evergrid.catalogue_version (
    catalogue_version_id integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    category             text        NOT NULL CHECK (category IN ('residential', 'commercial')),
    legal_document       text        NOT NULL,
    valid_from           date        NOT NULL,
    published_at         timestamptz NOT NULL,
    UNIQUE (category, valid_from)
);

-- One price of one component; `upto_kwh` is the monthly upper end of the tier it holds for, NULL
-- for a price without tiers and for the last tier.
CREATE TABLE evergrid.price_item (
    catalogue_version_id integer        NOT NULL REFERENCES evergrid.catalogue_version,
    position             smallint       NOT NULL CHECK (position > 0),
    component            text           NOT NULL,
    tier                 smallint       CHECK (tier > 0),
    upto_kwh             integer        CHECK (upto_kwh > 0),
    price_yuan_per_kwh   numeric(12, 8) NOT NULL,
    is_levy              boolean        NOT NULL,
    PRIMARY KEY (catalogue_version_id, position)
);

CREATE TABLE evergrid.bill_run (
    bill_run_id  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bureau_id    smallint    NOT NULL REFERENCES evergrid.bureau,
    month        date        NOT NULL CHECK (extract(day FROM month) = 1),
    principal_id integer     NOT NULL REFERENCES evergrid.principal,
    requested_at timestamptz NOT NULL
);

-- A slice of a run's accounts. `done_at` is set in the transaction that writes its bills, so a
-- chunk lost to a crash is simply found undone again.
CREATE TABLE evergrid.bill_run_chunk (
    bill_run_id      bigint      NOT NULL REFERENCES evergrid.bill_run,
    chunk            integer     NOT NULL,
    bureau_id        smallint    NOT NULL,
    first_account_id bigint      NOT NULL,
    last_account_id  bigint      NOT NULL,
    accounts         integer     NOT NULL,
    done_at          timestamptz,
    billed           integer     NOT NULL DEFAULT 0,
    failed           integer     NOT NULL DEFAULT 0,
    amount_fen       bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (bill_run_id, chunk)
);
CREATE INDEX bill_run_chunk_undone ON evergrid.bill_run_chunk (bill_run_id, chunk) WHERE done_at IS NULL;

-- Accounts that a run could not bill, each with the code of the refusal.
CREATE TABLE evergrid.bill_run_failure (
    bill_run_id bigint   NOT NULL REFERENCES evergrid.bill_run,
    account_id  bigint   NOT NULL,
    bureau_id   smallint NOT NULL,
    code        text     NOT NULL,
    detail      text     NOT NULL,
    PRIMARY KEY (bill_run_id, account_id)
);

-- bill_no = month (6) + account_no (10) + serial (2): unique without a counter, and it says where it is.
CREATE TABLE evergrid.bill (
    month                date           NOT NULL,
    bureau_id            smallint       NOT NULL,
    account_id           bigint         NOT NULL,
    serial               smallint       NOT NULL DEFAULT 1,
    bill_no              char(18)       NOT NULL,
    bill_run_id          bigint         NOT NULL,
    catalogue_version_id integer        NOT NULL,
    previous_read_at     timestamptz    NOT NULL,
    previous_register    numeric(18, 4) NOT NULL,
    read_at              timestamptz    NOT NULL,
    register             numeric(18, 4) NOT NULL,
    multiplier           numeric(14, 4) NOT NULL,
    consumption_kwh      bigint         NOT NULL CHECK (consumption_kwh >= 0),
    amount_fen           bigint         NOT NULL,
    issued_at            timestamptz    NOT NULL,
    due_on               date           NOT NULL,
    PRIMARY KEY (bureau_id, account_id, month, serial)
) PARTITION BY RANGE (month);
CREATE INDEX bill_by_no ON evergrid.bill (bill_no);

CREATE TABLE evergrid.bill_line (
    month      date           NOT NULL,
    bureau_id  smallint       NOT NULL,
    account_id bigint         NOT NULL,
    serial     smallint       NOT NULL DEFAULT 1,
    position   smallint       NOT NULL,
    component  text           NOT NULL,
    tier       smallint,
    quantity_kwh bigint       NOT NULL,
    price_yuan_per_kwh numeric(12, 8) NOT NULL,
    amount_fen bigint         NOT NULL,
    is_levy    boolean        NOT NULL,
    PRIMARY KEY (bureau_id, account_id, month, serial, position)
) PARTITION BY RANGE (month);

-- What is still owed on each bill: a small state row beside the immutable bill.
CREATE TABLE evergrid.receivable (
    bureau_id  smallint NOT NULL,
    account_id bigint   NOT NULL,
    month      date     NOT NULL,
    serial     smallint NOT NULL DEFAULT 1,
    bill_no    char(18) NOT NULL,
    due_on     date     NOT NULL,
    amount_fen bigint   NOT NULL,
    open_fen   bigint   NOT NULL CHECK (open_fen BETWEEN 0 AND amount_fen),
    PRIMARY KEY (bureau_id, account_id, month, serial)
);
CREATE INDEX receivable_open ON evergrid.receivable (bureau_id, account_id, month) WHERE open_fen > 0;

CREATE TRIGGER bill_is_append_only BEFORE UPDATE OR DELETE ON evergrid.bill
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER bill_line_is_append_only BEFORE UPDATE OR DELETE ON evergrid.bill_line
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER catalogue_is_append_only BEFORE UPDATE OR DELETE ON evergrid.catalogue_version
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER price_is_append_only BEFORE UPDATE OR DELETE ON evergrid.price_item
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();

ALTER TABLE evergrid.bill_run         ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.bill_run_chunk   ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.bill_run_failure ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.bill             ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.bill_line        ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.receivable       ENABLE ROW LEVEL SECURITY;
CREATE POLICY bureau ON evergrid.bill_run         USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.bill_run_chunk   USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.bill_run_failure USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.bill             USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.bill_line        USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.receivable       USING (evergrid.sees_bureau(bureau_id));

GRANT SELECT ON evergrid.catalogue_version, evergrid.price_item, evergrid.bill_run,
    evergrid.bill_run_chunk, evergrid.bill_run_failure, evergrid.bill, evergrid.bill_line,
    evergrid.receivable TO evergrid_api, evergrid_worker, evergrid_audit;
GRANT INSERT ON evergrid.bill_run, evergrid.bill_run_chunk TO evergrid_api;
GRANT UPDATE (open_fen) ON evergrid.receivable TO evergrid_api, evergrid_worker;
GRANT UPDATE (done_at, billed, failed, amount_fen) ON evergrid.bill_run_chunk TO evergrid_worker;
GRANT INSERT ON evergrid.bill, evergrid.bill_line, evergrid.receivable, evergrid.bill_run_failure
    TO evergrid_worker;
