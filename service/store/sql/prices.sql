-- name: price_lists_on
-- Read the price lists in force on a day, one a category, each price in its bill's order; prices in
-- 1e-8 yuan. Index: catalogue_version_category_valid_from_key.
SELECT version.catalogue_version_id, version.category, version.legal_document, version.valid_from,
       item.component, item.tier, item.upto_kwh, (item.price_yuan_per_kwh * 100000000)::bigint,
       item.is_levy
  FROM (SELECT DISTINCT ON (category)
               catalogue_version_id, category, legal_document, valid_from
          FROM evergrid.catalogue_version
         WHERE valid_from <= %(on)s::date
         ORDER BY category, valid_from DESC) AS version
  JOIN evergrid.price_item AS item USING (catalogue_version_id)
 ORDER BY version.category, item.position;
