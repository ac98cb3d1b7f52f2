-- Energy that the metering counted wrongly: one asks that it is billed, or given back, another approves, bills of
-- their own correct those of the months concerned. Nobody may ask before 0036: a program of the release before would
-- test prices on such bills, and look for the mirror of a cancelled bill in their place.
CREATE TABLE evergrid.energy_correction (
    energy_correction_id bigint         GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bureau_id            smallint       NOT NULL,
    account_id           bigint         NOT NULL,
    cause                text           NOT NULL
                         CHECK (cause IN ('meter_error', 'wiring', 'multiplier', 'agreed', 'reversal')),
    fact                 numeric(18, 8),
    reverses_id          bigint         REFERENCES evergrid.energy_correction,
    since_day            date           NOT NULL,
    from_day             date           NOT NULL CHECK (from_day >= since_day),
    until_day            date           NOT NULL CHECK (until_day > from_day),
    calculation          text           NOT NULL,
    base_kwh             bigint         NOT NULL,
    kwh                  bigint         NOT NULL,
    FOREIGN KEY (bureau_id, account_id) REFERENCES evergrid.account,
    CHECK ((cause = 'reversal') = (reverses_id IS NOT NULL) AND (cause = 'reversal') = (fact IS NULL)),
    CONSTRAINT energy_correction_upgrade_check CHECK (false)
);
CREATE INDEX energy_correction_by_account ON evergrid.energy_correction (bureau_id, account_id);
CREATE INDEX energy_correction_by_reversed ON evergrid.energy_correction (reverses_id)
    WHERE reverses_id IS NOT NULL;

-- What it comes to for one bill: the lines of the bill that will correct it, a list of objects.
CREATE TABLE evergrid.energy_correction_bill (
    energy_correction_id bigint   NOT NULL REFERENCES evergrid.energy_correction,
    month                date     NOT NULL,
    serial               smallint NOT NULL,
    bureau_id            smallint NOT NULL,
    account_id           bigint   NOT NULL,
    days                 integer  NOT NULL CHECK (days > 0),
    base_kwh             bigint   NOT NULL,
    kwh                  bigint   NOT NULL CHECK (kwh <> 0),
    amount_fen           bigint   NOT NULL,
    lines                jsonb    NOT NULL,
    PRIMARY KEY (energy_correction_id, month, serial),
    FOREIGN KEY (bureau_id, account_id, month, serial) REFERENCES evergrid.receivable
);

-- One row for each step that somebody took.
CREATE TABLE evergrid.energy_correction_event (
    energy_correction_id bigint      NOT NULL REFERENCES evergrid.energy_correction,
    position             smallint    NOT NULL CHECK (position > 0),
    bureau_id            smallint    NOT NULL,
    step                 text        NOT NULL CHECK (step IN ('requested', 'approved', 'rejected')),
    principal_id         integer     NOT NULL REFERENCES evergrid.principal,
    happened_at          timestamptz NOT NULL,
    reason               text        CHECK ((reason IS NULL) = (step = 'approved')),
    PRIMARY KEY (energy_correction_id, position)
);

CREATE TRIGGER energy_correction_is_append_only BEFORE UPDATE OR DELETE ON evergrid.energy_correction
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER energy_correction_bill_is_append_only BEFORE UPDATE OR DELETE ON evergrid.energy_correction_bill
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER energy_correction_event_is_append_only BEFORE UPDATE OR DELETE ON evergrid.energy_correction_event
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();

-- A bill of a correction has the next serial of its month, and says which bill it corrects. It makes its month no
-- more billed than it was: its receivable is not the one that is in force, but may be owed all the same. One that
-- gives back is never owed: what it gives is paid ahead.
ALTER TABLE evergrid.bill
    ADD COLUMN corrects_serial      smallint,
    ADD COLUMN energy_correction_id bigint;
ALTER TABLE evergrid.bill DROP CONSTRAINT bill_check;
ALTER TABLE evergrid.bill
    ADD CHECK (consumption_kwh >= 0 OR cancels_serial IS NOT NULL OR corrects_serial IS NOT NULL) NOT VALID;
ALTER TABLE evergrid.receivable ADD COLUMN is_correction boolean NOT NULL DEFAULT false;
ALTER TABLE evergrid.receivable DROP CONSTRAINT receivable_check;
ALTER TABLE evergrid.receivable
    ADD CHECK (open_fen BETWEEN 0 AND
               CASE WHEN is_correction THEN greatest(amount_fen, 0) WHEN is_in_force THEN amount_fen ELSE 0 END
               AND NOT (is_correction AND is_in_force)) NOT VALID;
ALTER TABLE evergrid.journal DROP CONSTRAINT journal_event_check;
ALTER TABLE evergrid.journal
    ADD CHECK (event IN ('bills_issued', 'payment_received', 'bill_cancelled', 'energy_corrected')) NOT VALID;

-- Corrections that were approved, and that no reversal that was approved takes back.
CREATE VIEW evergrid.energy_correction_in_force WITH (security_invoker = true) AS
SELECT correction.*
  FROM evergrid.energy_correction AS correction
  JOIN evergrid.energy_correction_event AS approved
    ON approved.energy_correction_id = correction.energy_correction_id
   AND approved.step = 'approved'
 WHERE correction.cause <> 'reversal'
   AND NOT EXISTS (SELECT
                     FROM evergrid.energy_correction AS reversal
                     JOIN evergrid.energy_correction_event AS taken_back
                       ON taken_back.energy_correction_id = reversal.energy_correction_id
                    WHERE reversal.reverses_id = correction.energy_correction_id
                      AND taken_back.step = 'approved');

-- Says whether a correction in force rests on a bill.
CREATE FUNCTION evergrid.is_corrected(of_bureau smallint, of_account bigint, of_month date, of_serial smallint)
RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT EXISTS (
        SELECT
          FROM evergrid.energy_correction_in_force AS correction
          JOIN evergrid.energy_correction_bill AS part
            ON part.energy_correction_id = correction.energy_correction_id
         WHERE correction.bureau_id = of_bureau AND correction.account_id = of_account
           AND part.month = of_month AND part.serial = of_serial)
$$;

-- A bill that was corrected is not cancelled before the correction is reversed: what it billed would be billed
-- once more with the month.
CREATE FUNCTION evergrid.refuse_corrected() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF evergrid.is_corrected(OLD.bureau_id, OLD.account_id, OLD.month, OLD.serial) THEN
        RAISE EXCEPTION 'bill % was corrected', OLD.bill_no USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER receivable_is_not_corrected BEFORE UPDATE OF is_in_force ON evergrid.receivable
    FOR EACH ROW WHEN (OLD.is_in_force AND NOT NEW.is_in_force) EXECUTE FUNCTION evergrid.refuse_corrected();

-- Issues the bills of a correction: the only way that the API has. It refuses what another hand did not ask for,
-- what corrects a bill that is not in force, and a second reversal. What a bill gives back is paid ahead, under
-- its number. Returns the bills, each with its amount.
CREATE FUNCTION evergrid.correct_energy(correction bigint, approver integer, approved timestamptz, due date)
RETURNS TABLE (corrected_no text, issued_no text, issued_fen bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    asked evergrid.energy_correction;
    taken text[];
    hands integer[];
    part  evergrid.energy_correction_bill;
    next  smallint;
BEGIN
    SELECT wanted.* INTO asked
      FROM evergrid.energy_correction AS wanted
     WHERE wanted.energy_correction_id = correction
       AND evergrid.sees_bureau(wanted.bureau_id);
    SELECT array_agg(event.step ORDER BY event.position), array_agg(event.principal_id ORDER BY event.position)
      INTO taken, hands
      FROM evergrid.energy_correction_event AS event
     WHERE event.energy_correction_id = asked.energy_correction_id;
    IF taken IS DISTINCT FROM ARRAY['requested'] OR hands[1] = approver THEN
        RAISE EXCEPTION 'correction % was not asked for by another hand', correction
            USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM FROM evergrid.account
      WHERE account.bureau_id = asked.bureau_id AND account.account_id = asked.account_id FOR UPDATE;
    IF EXISTS (SELECT
                 FROM evergrid.energy_correction AS other
                 JOIN evergrid.energy_correction_event AS event
                   ON event.energy_correction_id = other.energy_correction_id
                WHERE other.reverses_id = asked.reverses_id AND event.step = 'approved') THEN
        RAISE EXCEPTION 'correction % was reversed', asked.reverses_id USING ERRCODE = 'restrict_violation';
    END IF;
    FOR part IN SELECT of_one.*
                  FROM evergrid.energy_correction_bill AS of_one
                 WHERE of_one.energy_correction_id = correction
                 ORDER BY of_one.month, of_one.serial
    LOOP
        SELECT max(receivable.serial) + 1,
               min(receivable.bill_no) FILTER (WHERE receivable.serial = part.serial AND receivable.is_in_force)
          INTO next, corrected_no
          FROM evergrid.receivable
         WHERE receivable.bureau_id = asked.bureau_id AND receivable.account_id = asked.account_id
           AND receivable.month = part.month;
        -- A correction leaves numbers: for reversals, a mirror, another bill.
        IF corrected_no IS NULL OR next > (CASE asked.cause WHEN 'reversal' THEN 96 ELSE 49 END)
           OR part.bureau_id <> asked.bureau_id OR part.account_id <> asked.account_id
           OR part.amount_fen <> (SELECT coalesce(sum((line ->> 'amount_fen')::bigint), 0)
                                    FROM jsonb_array_elements(part.lines) AS line) THEN
            RAISE EXCEPTION 'bill % of month % cannot be corrected so', part.serial, part.month
                USING ERRCODE = 'restrict_violation';
        END IF;
        issued_no := left(corrected_no, 16) || to_char(next::integer, 'FM00');
        issued_fen := part.amount_fen;
        INSERT INTO evergrid.bill (month, bureau_id, account_id, serial, bill_no, bill_run_id,
                    catalogue_version_id, previous_read_at, previous_register, read_at, register, multiplier,
                    consumption_kwh, amount_fen, issued_at, due_on, corrects_serial, energy_correction_id)
        SELECT bill.month, bill.bureau_id, bill.account_id, next, issued_no, bill.bill_run_id,
               bill.catalogue_version_id, bill.previous_read_at, bill.previous_register, bill.read_at,
               bill.register, bill.multiplier, part.kwh, part.amount_fen, approved, due, part.serial, correction
          FROM evergrid.bill
         WHERE bill.bureau_id = asked.bureau_id AND bill.account_id = asked.account_id
           AND bill.month = part.month AND bill.serial = part.serial;
        INSERT INTO evergrid.bill_line (month, bureau_id, account_id, serial, position, component, period, tier,
                    quantity_kwh, quantity, unit, price_yuan_per_kwh, amount_fen, is_levy, catalogue_version_id)
        SELECT part.month, part.bureau_id, part.account_id, next, line.position, line.component, line.period,
               line.tier, CASE line.unit WHEN 'kWh' THEN line.quantity ELSE 0 END,
               CASE line.unit WHEN 'kWh' THEN NULL ELSE line.quantity END, line.unit,
               line.price::numeric / 100000000, line.amount_fen, line.is_levy, line.version::integer
          FROM ROWS FROM (jsonb_to_recordset(part.lines)
                          AS (component text, period text, tier smallint, quantity bigint, unit text,
                              price bigint, amount_fen bigint, is_levy boolean, version text))
               WITH ORDINALITY AS line (component, period, tier, quantity, unit, price, amount_fen, is_levy,
                                        version, position);
        INSERT INTO evergrid.receivable (bureau_id, account_id, month, serial, bill_no, due_on, amount_fen,
                    open_fen, is_in_force, is_correction)
        VALUES (part.bureau_id, part.account_id, part.month, next, issued_no, due, part.amount_fen,
                greatest(part.amount_fen, 0), false, true);
        INSERT INTO evergrid.prepayment_lot (bureau_id, account_id, payment_no, amount_fen, open_fen)
        SELECT part.bureau_id, part.account_id, issued_no, -part.amount_fen, -part.amount_fen
         WHERE part.amount_fen < 0;
        RETURN NEXT;
    END LOOP;
    INSERT INTO evergrid.energy_correction_event
                (energy_correction_id, position, bureau_id, step, principal_id, happened_at)
    VALUES (correction, 2, asked.bureau_id, 'approved', approver, approved);
END $$;
REVOKE ALL ON FUNCTION evergrid.correct_energy FROM PUBLIC;

ALTER TABLE evergrid.energy_correction       ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.energy_correction_bill  ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.energy_correction_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY bureau ON evergrid.energy_correction       USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.energy_correction_bill  USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.energy_correction_event USING (evergrid.sees_bureau(bureau_id))
    WITH CHECK (evergrid.sees_bureau(bureau_id) AND step <> 'approved');

GRANT SELECT ON evergrid.energy_correction, evergrid.energy_correction_bill, evergrid.energy_correction_event,
    evergrid.energy_correction_in_force TO evergrid_api, evergrid_audit;
GRANT INSERT ON evergrid.energy_correction, evergrid.energy_correction_bill, evergrid.energy_correction_event
    TO evergrid_api;
GRANT EXECUTE ON FUNCTION evergrid.correct_energy TO evergrid_api;
