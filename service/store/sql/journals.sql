-- name: post
-- Post a journal with its entries, in their order.
WITH posted AS (
    INSERT INTO evergrid.journal (accounting_date, bureau_id, event, reference, posted_at)
    VALUES (%(accounting_date)s, %(bureau_id)s, %(event)s, %(reference)s, %(posted_at)s)
    RETURNING journal_id
)
INSERT INTO evergrid.ledger_entry (accounting_date, journal_id, position, bureau_id, code,
                                   account_id, document_no, amount_fen)
SELECT %(accounting_date)s, posted.journal_id, entry.position, %(bureau_id)s, entry.code,
       entry.account_id, entry.document_no, entry.amount_fen
  FROM posted,
       unnest(%(codes)s::text[], %(account_ids)s::bigint[], %(document_nos)s::text[],
              %(amounts_fen)s::bigint[])
       WITH ORDINALITY AS entry (code, account_id, document_no, amount_fen, position);
