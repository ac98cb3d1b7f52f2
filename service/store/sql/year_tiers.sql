-- name: tiers_of_year
-- Read what bills of a year came to, in all, and by tier from the second on, of those of a chunk's accounts whose
-- year may hold more than its months' bills tell: some of them correct energy, or the account is closed. None
-- whose household grew or shrank over the limit of five within the year. Prices that are tiered alike have the
-- same energy in a bill. Before the year the month that was billed last.
-- Indexes: account_closing_pkey, household_term_pkey, receivable_pkey, bill_pkey, bill_line_pkey,
-- catalogue_version_pkey.
SELECT asked.account_id, billed.kwh, billed.schemes,
       (SELECT max(before.month)
          FROM evergrid.receivable AS before
         WHERE before.bureau_id = %(bureau_id)s
           AND before.account_id = asked.account_id
           AND before.month < %(year_starts)s::date
           AND before.is_in_force),
       tiered.tier, tiered.kwh
  FROM unnest(%(account_ids)s::bigint[]) AS asked (account_id)
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(bill.consumption_kwh), 0)::bigint AS kwh,
              array_agg(DISTINCT CASE WHEN version.has_year_tiers
                                      THEN concat_ws(' ', version.extension_kwh, version.extension,
                                                     array_to_string(version.limits_kwh, ' '))
                                      ELSE 'month' END) AS schemes
         FROM evergrid.bill
         JOIN evergrid.catalogue_version AS version
           ON version.catalogue_version_id = bill.catalogue_version_id
        WHERE bill.bureau_id = %(bureau_id)s
          AND bill.account_id = asked.account_id
          AND bill.month >= %(year_starts)s::date
          AND bill.month < %(year_ends)s::date) AS billed
  LEFT JOIN LATERAL (
       SELECT alike.tier, sum(alike.kwh)::bigint AS kwh
         FROM (SELECT line.tier, avg(line.quantity_kwh)::bigint AS kwh
                 FROM evergrid.bill_line AS line
                WHERE line.bureau_id = %(bureau_id)s
                  AND line.account_id = asked.account_id
                  AND line.month >= %(year_starts)s::date
                  AND line.month < %(year_ends)s::date
                  AND line.tier > 1
                GROUP BY line.month, line.serial, line.catalogue_version_id, line.tier) AS alike
        GROUP BY alike.tier) AS tiered ON true
 WHERE (EXISTS (SELECT
                  FROM evergrid.account_closing AS closing
                 WHERE closing.bureau_id = %(bureau_id)s
                   AND closing.account_id = asked.account_id)
        OR EXISTS (SELECT
                     FROM evergrid.bill AS correcting
                    WHERE correcting.bureau_id = %(bureau_id)s
                      AND correcting.account_id = asked.account_id
                      AND correcting.month >= %(year_starts)s::date
                      AND correcting.month < %(year_ends)s::date
                      AND correcting.corrects_serial IS NOT NULL))
   AND NOT EXISTS (SELECT
                     FROM evergrid.household_term AS term
                    WHERE term.bureau_id = %(bureau_id)s
                      AND term.account_id = asked.account_id
                      AND term.from_month > %(year_starts)s::date
                      AND term.from_month <= %(month)s::date
                      AND (term.persons >= %(persons_of_many)s::integer) IS DISTINCT FROM
                          coalesce((SELECT earlier.persons >= %(persons_of_many)s::integer
                                      FROM evergrid.household_term AS earlier
                                     WHERE earlier.bureau_id = term.bureau_id
                                       AND earlier.account_id = term.account_id
                                       AND earlier.from_month < term.from_month
                                     ORDER BY earlier.from_month DESC
                                     LIMIT 1), false))
 ORDER BY asked.account_id, tiered.tier;
