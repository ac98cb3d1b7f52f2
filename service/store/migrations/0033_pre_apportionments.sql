-- Which part of what an account's meter shows is billed at the prices of another category, and the category
-- that most such parts are of: dwellings, schools, homes for the old behind one meter. Nobody can be of it, or
-- apportion anything, before 0034: a program of the release before would bill all at the account's prices.
ALTER TABLE evergrid.catalogue_version
    DROP CONSTRAINT catalogue_version_category_check,
    ADD CONSTRAINT catalogue_version_category_check
        CHECK (category IN ('residential', 'residential_tou', 'residential_collective', 'commercial',
                            'agricultural', 'industrial'));

-- Its first price list, an example as those of 0005: one price for all, without tiers.
WITH published AS (
    INSERT INTO evergrid.catalogue_version (category, legal_document, valid_from, published_at,
                                            limits_kwh, has_year_tiers, extension_kwh, calendar)
    VALUES ('residential_collective', 'Evergrid seed catalogue, residential behind one meter: single rate',
            '2020-01-01', '2019-12-01 00:00+08', '{}', false, 0, NULL)
    RETURNING catalogue_version_id
)
INSERT INTO evergrid.price_item (catalogue_version_id, position, component, period, tier,
                                 price_yuan_per_kwh, is_levy)
SELECT published.catalogue_version_id, 1, 'energy', NULL, NULL, 0.558, false
  FROM published;

-- From an accounting month on, until the next one; of one month what was recorded last.
CREATE TABLE evergrid.apportionment (
    bureau_id    smallint    NOT NULL,
    account_id   bigint      NOT NULL,
    from_month   date        NOT NULL CHECK (extract(day FROM from_month) = 1),
    serial       smallint    NOT NULL,
    document_no  text        NOT NULL,
    principal_id integer     NOT NULL REFERENCES evergrid.principal,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (bureau_id, account_id, from_month, serial),
    FOREIGN KEY (bureau_id, account_id) REFERENCES evergrid.account,
    CONSTRAINT apportionment_upgrade_check CHECK (false)
);

-- Fixed energy a month, or a share of what all that is fixed leaves.
CREATE TABLE evergrid.apportionment_part (
    bureau_id                smallint NOT NULL,
    account_id               bigint   NOT NULL,
    from_month               date     NOT NULL,
    serial                   smallint NOT NULL,
    position                 smallint NOT NULL,
    category                 text     NOT NULL
                             CHECK (category IN ('residential_collective', 'commercial', 'agricultural')),
    fixed_kwh                bigint   CHECK (fixed_kwh > 0),
    share_hundredths_percent integer  CHECK (share_hundredths_percent BETWEEN 1 AND 10000),
    participation            text     NOT NULL
                             CHECK (participation IN ('energy_and_money', 'energy_only', 'neither')),
    PRIMARY KEY (bureau_id, account_id, from_month, serial, position),
    FOREIGN KEY (bureau_id, account_id, from_month, serial) REFERENCES evergrid.apportionment,
    CHECK (num_nonnulls(fixed_kwh, share_hundredths_percent) = 1)
);

CREATE TRIGGER apportionment_is_append_only BEFORE UPDATE OR DELETE ON evergrid.apportionment
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER apportionment_part_is_append_only BEFORE UPDATE OR DELETE ON evergrid.apportionment_part
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();

ALTER TABLE evergrid.apportionment      ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.apportionment_part ENABLE ROW LEVEL SECURITY;
CREATE POLICY bureau ON evergrid.apportionment      USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.apportionment_part USING (evergrid.sees_bureau(bureau_id));

GRANT SELECT ON evergrid.apportionment, evergrid.apportionment_part
    TO evergrid_api, evergrid_worker, evergrid_audit;
GRANT INSERT ON evergrid.apportionment, evergrid.apportionment_part TO evergrid_api;
