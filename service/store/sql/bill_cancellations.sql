-- name: standing
-- Read how a bill stands among those of its account: the request for its cancellation that nobody decided
-- about, whether corrections in force rest on it. A statement of its own: what it sees must be younger than the lock.
-- Indexes: account_account_no_key, receivable_pkey, bill_pkey, bill_cancellation_by_bill.
SELECT account.bureau_id, account.account_id, account.category, receivable.is_in_force,
       (SELECT max(billed.month)
          FROM evergrid.receivable AS billed
         WHERE billed.bureau_id = account.bureau_id
           AND billed.account_id = account.account_id
           AND billed.is_in_force),
       (SELECT cancellation.bill_cancellation_id
          FROM evergrid.bill_cancellation AS cancellation
         WHERE cancellation.bureau_id = receivable.bureau_id
           AND cancellation.account_id = receivable.account_id
           AND cancellation.month = receivable.month
           AND cancellation.serial = receivable.serial
           AND NOT EXISTS (SELECT
                             FROM evergrid.bill_cancellation_event AS decided
                            WHERE decided.bill_cancellation_id = cancellation.bill_cancellation_id
                              AND decided.step <> 'requested')
         LIMIT 1),
       evergrid.is_corrected(receivable.bureau_id, receivable.account_id, receivable.month, receivable.serial)
  FROM evergrid.account
  JOIN evergrid.receivable ON receivable.bureau_id = account.bureau_id
                          AND receivable.account_id = account.account_id
 WHERE account.account_no = %(account_no)s
   AND receivable.month = %(month)s::date
   AND receivable.serial = %(serial)s;

-- name: add_cancellation
-- Record which bill is to be cancelled.
INSERT INTO evergrid.bill_cancellation (bureau_id, account_id, month, serial, bill_no)
VALUES (%(bureau_id)s, %(account_id)s, %(month)s, %(serial)s, %(bill_no)s)
RETURNING bill_cancellation_id;

-- name: add_event
-- Record a step, behind those before.
INSERT INTO evergrid.bill_cancellation_event (bill_cancellation_id, position, bureau_id, step,
                                              principal_id, happened_at, reason)
SELECT cancellation.bill_cancellation_id,
       (SELECT count(*) + 1
          FROM evergrid.bill_cancellation_event AS event
         WHERE event.bill_cancellation_id = cancellation.bill_cancellation_id),
       cancellation.bureau_id, %(step)s, %(principal_id)s, %(happened_at)s::timestamptz, %(reason)s
  FROM evergrid.bill_cancellation AS cancellation
 WHERE cancellation.bill_cancellation_id = %(cancellation_no)s;

-- name: cancel
-- Cancel a bill whose cancellation was asked for.
SELECT cancelled.mirror_no, cancelled.paid_fen
  FROM evergrid.cancel_bill(%(cancellation_no)s, %(principal_id)s, %(happened_at)s::timestamptz)
       AS cancelled;

-- name: cancellation_by_no
-- Read which bill a cancellation is about, and over how much. Indexes: the primary keys.
SELECT cancellation.bill_no::text, receivable.amount_fen
  FROM evergrid.bill_cancellation AS cancellation
  JOIN evergrid.receivable ON receivable.bureau_id = cancellation.bureau_id
                          AND receivable.account_id = cancellation.account_id
                          AND receivable.month = cancellation.month
                          AND receivable.serial = cancellation.serial
 WHERE cancellation.bill_cancellation_id = %(cancellation_no)s;

-- name: events_of_cancellation
-- Read the steps of a cancellation, the oldest first. Indexes: the primary keys.
SELECT event.step, principal.name, event.happened_at, event.reason, event.mirror_bill_no::text
  FROM evergrid.bill_cancellation_event AS event
  JOIN evergrid.principal ON principal.principal_id = event.principal_id
 WHERE event.bill_cancellation_id = %(cancellation_no)s
 ORDER BY event.position;

-- name: cancellations_before
-- Read cancellations, the newest first, each with its last step. Indexes: the primary keys.
SELECT cancellation.bill_cancellation_id, last.step, cancellation.bill_no::text,
       receivable.amount_fen
  FROM evergrid.bill_cancellation AS cancellation
  JOIN evergrid.receivable ON receivable.bureau_id = cancellation.bureau_id
                          AND receivable.account_id = cancellation.account_id
                          AND receivable.month = cancellation.month
                          AND receivable.serial = cancellation.serial
  JOIN LATERAL (SELECT event.step
                  FROM evergrid.bill_cancellation_event AS event
                 WHERE event.bill_cancellation_id = cancellation.bill_cancellation_id
                 ORDER BY event.position DESC
                 LIMIT 1) AS last ON true
 WHERE cancellation.bill_cancellation_id < %(before_no)s::bigint
 ORDER BY cancellation.bill_cancellation_id DESC
 LIMIT %(limit)s;
