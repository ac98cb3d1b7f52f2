-- Two categories more: homes whose price depends on the period of the day as well as on the tier, and
-- farms. Nobody can be of one before 0030: a program of the release before has no account for its sales.
INSERT INTO evergrid.ledger_account (code, name) VALUES ('6001.03', 'energy sales: agricultural');

ALTER TABLE evergrid.catalogue_version
    DROP CONSTRAINT catalogue_version_category_check,
    ADD CONSTRAINT catalogue_version_category_check
        CHECK (category IN ('residential', 'residential_tou', 'commercial', 'agricultural'));
ALTER TABLE evergrid.price_proposal
    DROP CONSTRAINT price_proposal_category_check,
    ADD CONSTRAINT price_proposal_category_check
        CHECK (category IN ('residential', 'residential_tou', 'commercial', 'agricultural'));

-- Their first price lists, examples as those of 0005. Homes: the published prices of Zhejiang, with its
-- tiers of a year; what a meter without registers of periods counts is flat.
WITH published AS (
    INSERT INTO evergrid.catalogue_version (category, legal_document, valid_from, published_at,
                                            limits_kwh, has_year_tiers, extension_kwh, calendar)
    VALUES ('residential_tou', 'Evergrid seed catalogue, residential by period: yearly tiers 2760/4800 kWh',
            '2020-01-01', '2019-12-01 00:00+08', '{2760,4800}', true, 100,
            '{"seasons": [{"first": "01-01", "last": "12-31", "plans": [
                {"types": ["work", "rest", "holiday"], "stretches": [
                    {"starts": "00:00", "ends": "08:00", "period": "valley"},
                    {"starts": "08:00", "ends": "22:00", "period": "peak"},
                    {"starts": "22:00", "ends": "24:00", "period": "valley"}]}]}]}'),
           ('agricultural', 'Evergrid seed catalogue, agricultural: single rate and a levy',
            '2020-01-01', '2019-12-01 00:00+08', '{}', false, 0, NULL)
    RETURNING catalogue_version_id, category
)
INSERT INTO evergrid.price_item (catalogue_version_id, position, component, period, tier,
                                 price_yuan_per_kwh, is_levy)
SELECT published.catalogue_version_id, item.position, item.component, item.period, item.tier,
       item.price_yuan_per_kwh, item.is_levy
  FROM published
  JOIN (VALUES
        ('residential_tou', 1, 'energy',                 'peak',   NULL, 0.568,    false),
        ('residential_tou', 2, 'energy',                 'flat',   NULL, 0.538,    false),
        ('residential_tou', 3, 'energy',                 'valley', NULL, 0.288,    false),
        ('residential_tou', 4, 'tier_increment',         NULL,     2,    0.05,     false),
        ('residential_tou', 5, 'tier_increment',         NULL,     3,    0.30,     false),
        ('agricultural',    1, 'energy',                 NULL,     NULL, 0.4331,   false),
        ('agricultural',    2, 'water_conservancy_fund', NULL,     NULL, 0.001969, true)
       ) AS item (category, position, component, period, tier, price_yuan_per_kwh, is_levy)
    ON item.category = published.category;
