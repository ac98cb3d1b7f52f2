-- name: price_lists_within
-- Read the price lists in force on any day from the first to the last, each category's oldest
-- first, each price in its bill's order; prices in 1e-8 yuan. A list holds until the next one of its
-- category begins; its calendar stands beside its first price alone. Index: catalogue_version_category_valid_from_key.
SELECT version.catalogue_version_id, version.category, version.legal_document, version.valid_from,
       version.limits_kwh, version.has_year_tiers, version.extension_kwh, version.extension,
       version.free_kwh, CASE WHEN item.position = 1 THEN version.calendar END, item.component, (item.price_yuan_per_kwh * 100000000)::bigint,
       item.period, item.tier, item.unit, item.is_levy, item.is_in_base
  FROM (SELECT catalogue_version_id, category, legal_document, valid_from, limits_kwh,
               has_year_tiers, extension_kwh, extension, free_kwh, calendar,
               lead(valid_from) OVER (PARTITION BY category ORDER BY valid_from) AS ends_on
          FROM evergrid.catalogue_version) AS version
  JOIN evergrid.price_item AS item USING (catalogue_version_id)
 WHERE version.valid_from <= %(last)s::date
   AND (version.ends_on IS NULL OR version.ends_on > %(first)s::date)
 ORDER BY version.category, version.valid_from, item.position;

-- name: power_factor_tables
-- Read the power-factor table of each standard that is in force on a day. Index: power_factor_row_pkey.
SELECT row.standard, row.power_factor, row.hundredths_percent
  FROM evergrid.power_factor_row AS row
 WHERE row.valid_from = (SELECT max(newest.valid_from)
                           FROM evergrid.power_factor_row AS newest
                          WHERE newest.standard = row.standard
                            AND newest.valid_from <= %(on)s::date);
