-- What is known of a household that its bills depend on, from an accounting month on, until the next.
CREATE TABLE evergrid.household_term (
    bureau_id    smallint    NOT NULL,
    account_id   bigint      NOT NULL,
    from_month   date        NOT NULL CHECK (extract(day FROM from_month) = 1),
    persons      smallint    NOT NULL CHECK (persons > 0),
    subsidy      text        NOT NULL CHECK (subsidy IN ('none', 'low_income', 'five_guarantees')),
    document_no  text        NOT NULL,
    principal_id integer     NOT NULL REFERENCES evergrid.principal,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (bureau_id, account_id, from_month),
    FOREIGN KEY (bureau_id, account_id) REFERENCES evergrid.account
);
CREATE TRIGGER household_term_is_append_only BEFORE UPDATE OR DELETE ON evergrid.household_term
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();

ALTER TABLE evergrid.household_term ENABLE ROW LEVEL SECURITY;
CREATE POLICY bureau ON evergrid.household_term USING (evergrid.sees_bureau(bureau_id));

GRANT SELECT ON evergrid.household_term TO evergrid_api, evergrid_worker, evergrid_audit;
GRANT INSERT ON evergrid.household_term TO evergrid_api;
