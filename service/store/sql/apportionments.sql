-- name: add_apportionment
-- Record an apportionment, behind those of the same month, with its parts in their order.
-- Index: apportionment_pkey.
WITH apportionment AS (
    INSERT INTO evergrid.apportionment (bureau_id, account_id, from_month, serial, document_no,
                                        principal_id, recorded_at)
    SELECT %(bureau_id)s::smallint, %(account_id)s::bigint, %(from_month)s::date,
           coalesce(max(before.serial), 0) + 1, %(document_no)s, %(principal_id)s::integer,
           %(recorded_at)s::timestamptz
      FROM evergrid.apportionment AS before
     WHERE before.bureau_id = %(bureau_id)s
       AND before.account_id = %(account_id)s
       AND before.from_month = %(from_month)s
    RETURNING bureau_id, account_id, from_month, serial
)
INSERT INTO evergrid.apportionment_part (bureau_id, account_id, from_month, serial, position, category,
                                         fixed_kwh, share_hundredths_percent, participation)
SELECT apportionment.bureau_id, apportionment.account_id, apportionment.from_month,
       apportionment.serial, part.position, part.category, part.fixed_kwh, part.share,
       part.participation
  FROM apportionment
 CROSS JOIN unnest(%(categories)s::text[], %(fixed_kwh)s::bigint[], %(shares)s::integer[],
                   %(participations)s::text[])
       WITH ORDINALITY AS part (category, fixed_kwh, share, participation, position);

-- name: parts_of_accounts
-- Read the parts that hold in a month: those of the newest apportionment up to it, one row without a part if
-- that has none. Indexes: the primary keys.
SELECT asked.account_id, held.from_month, part.category, part.fixed_kwh, part.share_hundredths_percent,
       part.participation
  FROM unnest(%(account_ids)s::bigint[]) AS asked (account_id)
  JOIN LATERAL (SELECT known.from_month, known.serial
                  FROM evergrid.apportionment AS known
                 WHERE known.bureau_id = %(bureau_id)s
                   AND known.account_id = asked.account_id
                   AND known.from_month <= %(month)s::date
                 ORDER BY known.from_month DESC, known.serial DESC
                 LIMIT 1) AS held ON true
  LEFT JOIN evergrid.apportionment_part AS part ON part.bureau_id = %(bureau_id)s
                                               AND part.account_id = asked.account_id
                                               AND part.from_month = held.from_month
                                               AND part.serial = held.serial
 ORDER BY asked.account_id, part.position;

-- name: apportionments_of_account
-- Read the apportionments of an account, the newest first. Indexes: apportionment_pkey,
-- apportionment_part_pkey, principal_pkey.
SELECT to_char(apportionment.from_month, 'YYYY-MM'),
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'category', part.category,
                   'fixed_kwh', part.fixed_kwh,
                   'share_hundredths_percent', part.share_hundredths_percent,
                   'participation', part.participation) ORDER BY part.position), '[]')
          FROM evergrid.apportionment_part AS part
         WHERE part.bureau_id = apportionment.bureau_id
           AND part.account_id = apportionment.account_id
           AND part.from_month = apportionment.from_month
           AND part.serial = apportionment.serial),
       apportionment.document_no, principal.name, apportionment.recorded_at
  FROM evergrid.apportionment
  JOIN evergrid.principal ON principal.principal_id = apportionment.principal_id
 WHERE apportionment.bureau_id = %(bureau_id)s
   AND apportionment.account_id = %(account_id)s
 ORDER BY apportionment.from_month DESC, apportionment.serial DESC;

-- name: account_by_no
-- Find an account that the caller may see. Index: account_account_no_key.
SELECT bureau_id, account_id
  FROM evergrid.account
 WHERE account_no = %(account_no)s;
