-- The first price list: what a residential and a commercial customer pay per kWh. It holds from 2020
-- on, so that history which is migrated can be billed; the prices are examples, not a bureau's.
-- A migration, because prices are rows that are never changed: they are written once, by the same
-- checksummed steps as the tables, before any bill can ask for them. Later price lists are published
-- beside these, never by editing this file.
WITH published AS (
    INSERT INTO evergrid.catalogue_version (category, legal_document, valid_from, published_at)
    VALUES ('residential', 'Evergrid seed catalogue, residential: monthly tiers 170/260 kWh',
            '2020-01-01', '2019-12-01 00:00+08'),
           ('commercial', 'Evergrid seed catalogue, commercial: single rate and levies',
            '2020-01-01', '2019-12-01 00:00+08')
    RETURNING catalogue_version_id, category
)
INSERT INTO evergrid.price_item (catalogue_version_id, position, component, tier, upto_kwh,
                                 price_yuan_per_kwh, is_levy)
SELECT published.catalogue_version_id, item.position, item.component, item.tier, item.upto_kwh,
       item.price_yuan_per_kwh, item.is_levy
  FROM published
  JOIN (VALUES
        -- The tier price rises by 0.05 and 0.30 (NDRC 2011 tier guidance); levies are inside it.
        ('residential', 1, 'energy',                       1,    170,  0.56,     false),
        ('residential', 2, 'energy',                       2,    260,  0.61,     false),
        ('residential', 3, 'energy',                       3,    NULL, 0.86,     false),
        ('commercial',  1, 'energy',                       NULL, NULL, 0.5213,   false),
        ('commercial',  2, 'rural_grid_loan',              NULL, NULL, 0.02,     true),
        ('commercial',  3, 'renewable_energy_surcharge',   NULL, NULL, 0.019,    true),
        ('commercial',  4, 'water_conservancy_fund',       NULL, NULL, 0.001969, true),
        ('commercial',  5, 'reservoir_resettlement',       NULL, NULL, 0.006225, true),
        ('commercial',  6, 'local_reservoir_resettlement', NULL, NULL, 0.0005,   true)
       ) AS item (category, position, component, tier, upto_kwh, price_yuan_per_kwh, is_levy)
    ON item.category = published.category;
