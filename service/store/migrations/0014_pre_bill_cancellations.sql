-- Bills that are cancelled: one asks for it, another approves, a mirror bill takes all of it back.
-- Nobody may approve before 0016: a worker of the release before would begin the account's next bill
-- where the cancelled one ended.
CREATE TABLE evergrid.bill_cancellation (
    bill_cancellation_id bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bureau_id            smallint NOT NULL,
    account_id           bigint   NOT NULL,
    month                date     NOT NULL,
    serial               smallint NOT NULL,
    bill_no              char(18) NOT NULL,
    FOREIGN KEY (bureau_id, account_id, month, serial) REFERENCES evergrid.receivable
);
CREATE INDEX bill_cancellation_by_bill ON evergrid.bill_cancellation (bureau_id, account_id, month, serial);

-- One row for each step that somebody took.
CREATE TABLE evergrid.bill_cancellation_event (
    bill_cancellation_id bigint      NOT NULL REFERENCES evergrid.bill_cancellation,
    position             smallint    NOT NULL CHECK (position > 0),
    bureau_id            smallint    NOT NULL,
    step                 text        NOT NULL CHECK (step IN ('requested', 'approved', 'rejected')),
    principal_id         integer     NOT NULL REFERENCES evergrid.principal,
    happened_at          timestamptz NOT NULL,
    reason               text        CHECK ((reason IS NULL) = (step = 'approved')),
    mirror_bill_no       char(18)    CHECK ((mirror_bill_no IS NOT NULL) = (step = 'approved')),
    PRIMARY KEY (bill_cancellation_id, position)
);

CREATE TRIGGER bill_cancellation_is_append_only BEFORE UPDATE OR DELETE ON evergrid.bill_cancellation
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER bill_cancellation_event_is_append_only BEFORE UPDATE OR DELETE ON evergrid.bill_cancellation_event
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();

-- A mirror bill has the next serial of its month, the same lines with the opposite signs, and says
-- which bill it cancels. Neither counts any more: the month has no bill that is in force.
ALTER TABLE evergrid.bill ADD COLUMN cancels_serial smallint;
ALTER TABLE evergrid.bill DROP CONSTRAINT bill_consumption_kwh_check;
ALTER TABLE evergrid.bill ADD CHECK (consumption_kwh >= 0 OR cancels_serial IS NOT NULL) NOT VALID;
ALTER TABLE evergrid.receivable ADD COLUMN is_in_force boolean NOT NULL DEFAULT true;
ALTER TABLE evergrid.receivable DROP CONSTRAINT receivable_check;
ALTER TABLE evergrid.receivable
    ADD CHECK (open_fen BETWEEN 0 AND CASE WHEN is_in_force THEN amount_fen ELSE 0 END) NOT VALID;
ALTER TABLE evergrid.journal DROP CONSTRAINT journal_event_check;
ALTER TABLE evergrid.journal
    ADD CHECK (event IN ('bills_issued', 'payment_received', 'bill_cancelled')) NOT VALID;

-- Cancels a bill by its mirror. The only way that the API has: it may issue no bill, and this
-- refuses what another hand did not ask for, and a bill that others rest on. (What it reads before the
-- account is locked cannot be used twice: the event's key is taken, the bill no longer in force.) What was paid of the
-- bill is paid ahead from now on, under the mirror's number. Returns that number with the fen paid.
CREATE FUNCTION evergrid.cancel_bill(cancellation bigint, approver integer, approved timestamptz,
                                     OUT mirror_no text, OUT paid_fen bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    asked  evergrid.bill_cancellation;
    taken  text[];
    hands  integer[];
    newest date;
    mirror smallint;
BEGIN
    SELECT wanted.bill_cancellation_id, wanted.bureau_id, wanted.account_id, wanted.month, wanted.serial,
           wanted.bill_no
      INTO asked
      FROM evergrid.bill_cancellation AS wanted
     WHERE wanted.bill_cancellation_id = cancellation
       AND evergrid.sees_bureau(wanted.bureau_id);
    SELECT array_agg(event.step ORDER BY event.position), array_agg(event.principal_id ORDER BY event.position)
      INTO taken, hands
      FROM evergrid.bill_cancellation_event AS event
     WHERE event.bill_cancellation_id = asked.bill_cancellation_id;
    IF taken IS DISTINCT FROM ARRAY['requested'] OR hands[1] = approver THEN
        RAISE EXCEPTION 'cancellation % was not asked for by another hand', cancellation
            USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM FROM evergrid.account
      WHERE account.bureau_id = asked.bureau_id AND account.account_id = asked.account_id FOR UPDATE;
    SELECT max(receivable.month) FILTER (WHERE receivable.is_in_force),
           max(receivable.serial) FILTER (WHERE receivable.month = asked.month) + 1
      INTO newest, mirror
      FROM evergrid.receivable
     WHERE receivable.bureau_id = asked.bureau_id AND receivable.account_id = asked.account_id;
    -- A bill must be able to follow the mirror: both have two digits for their serial.
    IF newest IS DISTINCT FROM asked.month OR mirror > 98 THEN
        RAISE EXCEPTION 'bill % is not the newest of its account, or has too many before it', asked.bill_no
            USING ERRCODE = 'restrict_violation';
    END IF;
    UPDATE evergrid.receivable
       SET is_in_force = false, open_fen = 0
      FROM evergrid.receivable AS before
     WHERE receivable.bureau_id = asked.bureau_id AND receivable.account_id = asked.account_id
       AND receivable.month = asked.month AND receivable.serial = asked.serial
       AND receivable.is_in_force
       AND before.bureau_id = receivable.bureau_id AND before.account_id = receivable.account_id
       AND before.month = receivable.month AND before.serial = receivable.serial
    RETURNING left(before.bill_no, 16) || to_char(mirror::integer, 'FM00'), before.amount_fen - before.open_fen
      INTO STRICT mirror_no, paid_fen;
    INSERT INTO evergrid.bill (month, bureau_id, account_id, serial, bill_no, bill_run_id, catalogue_version_id,
                previous_read_at, previous_register, read_at, register, multiplier, consumption_kwh,
                amount_fen, issued_at, due_on, cancels_serial)
    SELECT bill.month, bill.bureau_id, bill.account_id, mirror, mirror_no, bill.bill_run_id,
           bill.catalogue_version_id, bill.previous_read_at, bill.previous_register, bill.read_at, bill.register,
           bill.multiplier, -bill.consumption_kwh, -bill.amount_fen, approved, bill.due_on, bill.serial
      FROM evergrid.bill
     WHERE bill.bureau_id = asked.bureau_id AND bill.account_id = asked.account_id
       AND bill.month = asked.month AND bill.serial = asked.serial;
    INSERT INTO evergrid.bill_line (month, bureau_id, account_id, serial, position, component, period, tier,
                quantity_kwh, quantity, unit, price_yuan_per_kwh, amount_fen, is_levy, catalogue_version_id)
    SELECT line.month, line.bureau_id, line.account_id, mirror, line.position, line.component, line.period,
           line.tier, -line.quantity_kwh, -line.quantity, line.unit, line.price_yuan_per_kwh, -line.amount_fen,
           line.is_levy, line.catalogue_version_id
      FROM evergrid.bill_line AS line
     WHERE line.bureau_id = asked.bureau_id AND line.account_id = asked.account_id
       AND line.month = asked.month AND line.serial = asked.serial;
    INSERT INTO evergrid.receivable (bureau_id, account_id, month, serial, bill_no, due_on, amount_fen, open_fen,
                is_in_force)
    SELECT receivable.bureau_id, receivable.account_id, receivable.month, mirror, mirror_no, receivable.due_on,
           -receivable.amount_fen, 0, false
      FROM evergrid.receivable
     WHERE receivable.bureau_id = asked.bureau_id AND receivable.account_id = asked.account_id
       AND receivable.month = asked.month AND receivable.serial = asked.serial;
    INSERT INTO evergrid.prepayment_lot (bureau_id, account_id, payment_no, amount_fen, open_fen)
    SELECT asked.bureau_id, asked.account_id, mirror_no, paid_fen, paid_fen
     WHERE paid_fen > 0;
    INSERT INTO evergrid.bill_cancellation_event
                (bill_cancellation_id, position, bureau_id, step, principal_id, happened_at, mirror_bill_no)
    VALUES (cancellation, 2, asked.bureau_id, 'approved', approver, approved, mirror_no);
END $$;
REVOKE ALL ON FUNCTION evergrid.cancel_bill FROM PUBLIC;

ALTER TABLE evergrid.bill_cancellation       ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.bill_cancellation_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY bureau ON evergrid.bill_cancellation       USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.bill_cancellation_event USING (evergrid.sees_bureau(bureau_id))
    WITH CHECK (evergrid.sees_bureau(bureau_id) AND step <> 'approved');

GRANT SELECT ON evergrid.bill_cancellation, evergrid.bill_cancellation_event TO evergrid_api, evergrid_audit;
GRANT INSERT ON evergrid.bill_cancellation, evergrid.bill_cancellation_event TO evergrid_api;
