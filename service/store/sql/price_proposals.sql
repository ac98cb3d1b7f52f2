-- name: lock_prices
-- Let nobody start a bill run, or publish other prices, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('prices', 0));

-- name: lock_proposal
-- Let one step of a proposal be taken at a time.
SELECT pg_advisory_xact_lock(hashtextextended('price_proposal', %(proposal_no)s::bigint));

-- name: add_proposal
-- Record a draft.
INSERT INTO evergrid.price_proposal (category, legal_document, valid_from, draft)
VALUES (%(category)s, %(legal_document)s, %(valid_from)s, %(draft)s::text::jsonb)
RETURNING price_proposal_id;

-- name: add_event
-- Record a step, behind those before.
INSERT INTO evergrid.price_proposal_event (price_proposal_id, position, step, principal_id,
                                           happened_at, reason, test)
SELECT %(proposal_no)s, coalesce(max(event.position), 0) + 1, %(step)s, %(principal_id)s,
       %(happened_at)s::timestamptz, %(reason)s, %(test)s::text::jsonb
  FROM evergrid.price_proposal_event AS event
 WHERE event.price_proposal_id = %(proposal_no)s;

-- name: publish
-- Publish a proposal that was approved.
SELECT evergrid.publish_prices(%(proposal_no)s, %(principal_id)s, %(happened_at)s::timestamptz);

-- name: proposal_by_no
-- Read a draft. Index: price_proposal_pkey.
SELECT draft::text
  FROM evergrid.price_proposal
 WHERE price_proposal_id = %(proposal_no)s;

-- name: events_of_proposal
-- Read the steps of a proposal, the oldest first. Indexes: price_proposal_event_pkey, principal_pkey.
SELECT event.step, principal.name, event.happened_at, event.reason, event.test::text
  FROM evergrid.price_proposal_event AS event
  JOIN evergrid.principal ON principal.principal_id = event.principal_id
 WHERE event.price_proposal_id = %(proposal_no)s
 ORDER BY event.position;

-- name: proposals_before
-- Read proposals, the newest first, each with its last step. Indexes: the primary keys.
SELECT proposal.price_proposal_id, last.step, proposal.category, proposal.legal_document,
       proposal.valid_from
  FROM evergrid.price_proposal AS proposal
  JOIN LATERAL (SELECT event.step
                  FROM evergrid.price_proposal_event AS event
                 WHERE event.price_proposal_id = proposal.price_proposal_id
                 ORDER BY event.position DESC
                 LIMIT 1) AS last ON true
 WHERE proposal.price_proposal_id < %(before_no)s::bigint
 ORDER BY proposal.price_proposal_id DESC
 LIMIT %(limit)s;

-- name: list_begins_on
-- Find the price list of a category that begins on a day. Index:
-- catalogue_version_category_valid_from_key.
SELECT catalogue_version_id
  FROM evergrid.catalogue_version
 WHERE category = %(category)s
   AND valid_from = %(valid_from)s::date;

-- name: newest_run_month
-- Say which is the newest month that a bill run was asked for, and not rejected before it issued any.
SELECT max(run.month)
  FROM evergrid.bill_run AS run
 WHERE NOT EXISTS (SELECT
                     FROM evergrid.bill_run_decision AS decision
                    WHERE decision.bill_run_id = run.bill_run_id
                      AND decision.step = 'rejected')
    OR EXISTS (SELECT
                 FROM evergrid.bill_run_chunk AS chunk
                WHERE chunk.bill_run_id = run.bill_run_id
                  AND chunk.billed > 0);

-- name: newest_month_with_bills
-- Say which of the last twelve billed months is the newest that has bills in force of a category: the
-- newest of all may have begun with others. Looks until it finds one: where accounts of the category were
-- never billed, at every bill of these months. Indexes: account_pkey, bill_pkey.
SELECT CASE WHEN EXISTS (SELECT FROM evergrid.account WHERE account.category = %(category)s) THEN
       (SELECT billed.month
          FROM (SELECT DISTINCT bill_run.month
                  FROM evergrid.bill_run
                  JOIN evergrid.bill_run_chunk AS chunk ON chunk.bill_run_id = bill_run.bill_run_id
                 WHERE chunk.billed > 0
                 ORDER BY bill_run.month DESC
                 LIMIT 12) AS billed
         WHERE EXISTS (SELECT
                         FROM evergrid.bill
                         JOIN evergrid.account ON account.bureau_id = bill.bureau_id
                                              AND account.account_id = bill.account_id
                        WHERE bill.month = billed.month
                          AND bill.cancels_serial IS NULL
                          AND bill.corrects_serial IS NULL
                          AND account.category = %(category)s
                          AND NOT EXISTS (SELECT
                                            FROM evergrid.bill AS mirror
                                           WHERE mirror.bureau_id = bill.bureau_id
                                             AND mirror.account_id = bill.account_id
                                             AND mirror.month = billed.month
                                             AND mirror.cancels_serial = bill.serial))
         ORDER BY billed.month DESC
         LIMIT 1) END;

-- name: sample_of_bills
-- Read bills in force of a month, of one category, in an order that nobody chose, each without its basic charge
-- and its power factor's adjustment; what the account's bills of the same year came to before, and the month of
-- the bill before. Every bill of the month is looked at once. Indexes: account_pkey; of the sample receivable_pkey, bill_pkey,
-- household_term_pkey. Whoever had parts at other prices by then,
-- or energy corrected in the year, is left out, as is who has closed.
SELECT sample.account_no, sample.consumption_kwh,
       sample.amount_fen
       - (SELECT coalesce(sum(line.amount_fen), 0)::bigint
            FROM evergrid.bill_line AS line
           WHERE line.bureau_id = sample.bureau_id
             AND line.account_id = sample.account_id
             AND line.month = %(month)s::date
             AND line.serial = sample.serial
             AND line.unit IN ('kVA', 'kW', 'fen')),
       sample.previous_read_at,
       sample.opened_on, newest.month,
       (SELECT coalesce(sum(earlier.consumption_kwh), 0)::bigint
          FROM evergrid.bill AS earlier
         WHERE earlier.bureau_id = sample.bureau_id
           AND earlier.account_id = sample.account_id
           AND earlier.month >= %(year_starts)s::date
           AND earlier.month < %(month)s::date),
       term.persons, term.subsidy,
       (SELECT jsonb_object_agg(billed.period, billed.kwh)
          FROM (SELECT line.period, sum(line.quantity_kwh)::bigint AS kwh
                  FROM evergrid.bill_line AS line
                 WHERE line.bureau_id = sample.bureau_id
                   AND line.account_id = sample.account_id
                   AND line.month = %(month)s::date
                   AND line.serial = sample.serial
                   AND line.component = 'energy'
                   AND line.period IS NOT NULL
                 GROUP BY line.period) AS billed)
  FROM (SELECT account.account_no, account.opened_on, bill.bureau_id, bill.account_id, bill.serial,
               bill.consumption_kwh, bill.amount_fen, bill.previous_read_at
          FROM evergrid.bill
          JOIN evergrid.account ON account.bureau_id = bill.bureau_id
                               AND account.account_id = bill.account_id
         WHERE bill.month = %(month)s::date
           AND bill.cancels_serial IS NULL
           AND bill.corrects_serial IS NULL
           AND NOT EXISTS (SELECT
                             FROM evergrid.bill AS mirror
                            WHERE mirror.bureau_id = bill.bureau_id
                              AND mirror.account_id = bill.account_id
                              AND mirror.month = %(month)s::date
                              AND mirror.cancels_serial = bill.serial)
           AND account.category = %(category)s
           AND NOT EXISTS (SELECT
                             FROM evergrid.account_closing AS closing
                            WHERE closing.bureau_id = bill.bureau_id
                              AND closing.account_id = bill.account_id)
           AND NOT EXISTS (SELECT
                             FROM evergrid.bill AS correcting
                            WHERE correcting.bureau_id = bill.bureau_id
                              AND correcting.account_id = bill.account_id
                              AND correcting.month >= %(year_starts)s::date
                              AND correcting.month <= %(month)s::date
                              AND correcting.corrects_serial IS NOT NULL)
           AND NOT EXISTS (SELECT
                             FROM evergrid.apportionment_part AS part
                            WHERE part.bureau_id = bill.bureau_id
                              AND part.account_id = bill.account_id
                              AND part.from_month <= %(month)s::date)
         ORDER BY md5(bill.bill_no || %(seed)s::text)
         LIMIT %(limit)s) AS sample
  LEFT JOIN LATERAL (SELECT receivable.month
                       FROM evergrid.receivable
                      WHERE receivable.bureau_id = sample.bureau_id
                        AND receivable.account_id = sample.account_id
                        AND receivable.month < %(month)s::date
                        AND receivable.is_in_force
                      ORDER BY receivable.month DESC
                      LIMIT 1) AS newest ON true
  LEFT JOIN LATERAL (SELECT known.persons, known.subsidy
                       FROM evergrid.household_term AS known
                      WHERE known.bureau_id = sample.bureau_id
                        AND known.account_id = sample.account_id
                        AND known.from_month <= %(month)s::date
                      ORDER BY known.from_month DESC
                      LIMIT 1) AS term ON true;
