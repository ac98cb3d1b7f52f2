-- Write the rows of a bill run once more, by bare COPY, into tables that are like theirs (indexes, constraints;
-- no triggers, no foreign keys); print when it began, when it ended.
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
CREATE TABLE bench.bill         (LIKE evergrid.bill INCLUDING ALL);
CREATE TABLE bench.bill_line    (LIKE evergrid.bill_line INCLUDING ALL);
CREATE TABLE bench.receivable   (LIKE evergrid.receivable INCLUDING ALL);
CREATE TABLE bench.ledger_entry (LIKE evergrid.ledger_entry INCLUDING ALL);
COPY (SELECT * FROM evergrid.bill WHERE bill_run_id = %RUN%) TO '%FOLDER%/bench.bill';
COPY (SELECT line.*
        FROM evergrid.bill_line AS line
        JOIN evergrid.bill USING (month, bureau_id, account_id, serial)
       WHERE bill.bill_run_id = %RUN%) TO '%FOLDER%/bench.bill_line';
COPY (SELECT receivable.*
        FROM evergrid.receivable
        JOIN evergrid.bill USING (month, bureau_id, account_id, serial)
       WHERE bill.bill_run_id = %RUN%) TO '%FOLDER%/bench.receivable';
COPY (SELECT entry.*
        FROM evergrid.ledger_entry AS entry
        JOIN evergrid.journal USING (accounting_date, journal_id)
       WHERE journal.event = 'bills_issued' AND journal.reference LIKE '%RUN%/%') TO '%FOLDER%/bench.ledger_entry';
SELECT extract(epoch FROM clock_timestamp());
COPY bench.bill         FROM '%FOLDER%/bench.bill';
COPY bench.bill_line    FROM '%FOLDER%/bench.bill_line';
COPY bench.receivable   FROM '%FOLDER%/bench.receivable';
COPY bench.ledger_entry FROM '%FOLDER%/bench.ledger_entry';
SELECT extract(epoch FROM clock_timestamp());
DROP SCHEMA bench CASCADE;
