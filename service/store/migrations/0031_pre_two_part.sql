-- Customers of two parts, who pay for capacity or demand beside their energy, with what the power factor
-- adds. Nobody can be of this category, or draft its prices, no meter can count demand or reactive energy, before
-- 0032: a program of the release before would bill energy alone.
INSERT INTO evergrid.ledger_account (code, name) VALUES ('6001.04', 'energy sales: industrial');

ALTER TABLE evergrid.catalogue_version
    DROP CONSTRAINT catalogue_version_category_check,
    ADD CONSTRAINT catalogue_version_category_check
        CHECK (category IN ('residential', 'residential_tou', 'commercial', 'agricultural', 'industrial'));
-- `price_yuan_per_kwh` is that of a kVA, of a kW a month where the unit is one.
ALTER TABLE evergrid.price_item
    DROP CONSTRAINT price_item_unit_check,
    ADD CONSTRAINT price_item_unit_check CHECK (unit IN ('kWh', 'month', 'kVA', 'kW'));

-- How an account of two parts is charged, from an accounting month on, until its next term; of one month what
-- was recorded last.
CREATE TABLE evergrid.supply_term (
    bureau_id                    smallint       NOT NULL,
    account_id                   bigint         NOT NULL,
    from_month                   date           NOT NULL CHECK (extract(day FROM from_month) = 1),
    serial                       smallint       NOT NULL,
    basic_mode                   text           NOT NULL
                                 CHECK (basic_mode IN ('capacity', 'contract_demand', 'actual_demand')),
    contract_kw                  numeric(12, 2) CHECK (contract_kw > 0),
    power_factor_standard        smallint       CHECK (power_factor_standard IN (80, 85, 90)),
    is_metered_low               boolean        NOT NULL,
    load_shape                   numeric(3, 2)  NOT NULL CHECK (load_shape BETWEEN 1 AND 3),
    line_loss_hundredths_percent integer        NOT NULL
                                 CHECK (line_loss_hundredths_percent BETWEEN 0 AND 10000),
    has_heavy_use_discount       boolean        NOT NULL,
    document_no                  text           NOT NULL,
    principal_id                 integer        NOT NULL REFERENCES evergrid.principal,
    recorded_at                  timestamptz    NOT NULL,
    PRIMARY KEY (bureau_id, account_id, from_month, serial),
    FOREIGN KEY (bureau_id, account_id) REFERENCES evergrid.account,
    CHECK ((basic_mode = 'contract_demand') = (contract_kw IS NOT NULL))
);

-- Transformers and motors at high voltage, as their plates say; of a motor the capacity alone.
CREATE TABLE evergrid.equipment (
    bureau_id             smallint       NOT NULL,
    account_id            bigint         NOT NULL,
    equipment_no          text           NOT NULL,
    kind                  text           NOT NULL CHECK (kind IN ('transformer', 'motor')),
    capacity_kva          numeric(12, 2) NOT NULL CHECK (capacity_kva > 0),
    no_load_kw            numeric(12, 2) CHECK (no_load_kw >= 0),
    load_kw               numeric(12, 2) CHECK (load_kw >= 0),
    no_load_percent       numeric(12, 2) CHECK (no_load_percent >= 0),
    short_circuit_percent numeric(12, 2) CHECK (short_circuit_percent >= 0),
    PRIMARY KEY (bureau_id, account_id, equipment_no),
    FOREIGN KEY (bureau_id, account_id) REFERENCES evergrid.account,
    CHECK (num_nulls(no_load_kw, load_kw, no_load_percent, short_circuit_percent)
           = CASE kind WHEN 'motor' THEN 4 ELSE 0 END)
);

-- What condition it is in from a day on, that day as a whole, until its next change: one at a time, so that
-- no two spells overlap.
CREATE TABLE evergrid.equipment_change (
    bureau_id    smallint    NOT NULL,
    account_id   bigint      NOT NULL,
    equipment_no text        NOT NULL,
    from_day     date        NOT NULL,
    condition    text        NOT NULL CHECK (condition IN ('running', 'suspended', 'removed')),
    document_no  text        NOT NULL,
    principal_id integer     NOT NULL REFERENCES evergrid.principal,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (bureau_id, account_id, equipment_no, from_day),
    FOREIGN KEY (bureau_id, account_id, equipment_no) REFERENCES evergrid.equipment
);

-- What a power factor adds to the base, below zero: takes off it, by the standard it is assessed against.
-- A table holds until the next one of its standard begins.
CREATE TABLE evergrid.power_factor_row (
    valid_from         date     NOT NULL,
    standard           smallint NOT NULL CHECK (standard IN (80, 85, 90)),
    power_factor       smallint NOT NULL CHECK (power_factor BETWEEN 0 AND 100),
    hundredths_percent integer  NOT NULL,
    PRIMARY KEY (standard, valid_from, power_factor)
);
-- That of 〔83〕水电财字215号.
INSERT INTO evergrid.power_factor_row (valid_from, standard, power_factor, hundredths_percent)
SELECT DATE '1984-01-01', 90, pf, CASE WHEN pf >= 95 THEN -75
                                  WHEN pf >= 90 THEN -15 * (pf - 90)
                                  WHEN pf >= 70 THEN 50 * (90 - pf)
                                  WHEN pf >= 65 THEN 1000 + 100 * (70 - pf)
                                  ELSE 1500 + 200 * (65 - pf) END
  FROM generate_series(0, 100) AS pf
 UNION ALL
SELECT DATE '1984-01-01', 85, pf, CASE WHEN pf >= 94 THEN -110
                                  WHEN pf >= 91 THEN -65 - 15 * (pf - 91)
                                  WHEN pf >= 86 THEN -10 * (pf - 85)
                                  WHEN pf >= 65 THEN 50 * (85 - pf)
                                  WHEN pf >= 60 THEN 1000 + 100 * (65 - pf)
                                  ELSE 1500 + 200 * (60 - pf) END
  FROM generate_series(0, 100) AS pf
 UNION ALL
SELECT DATE '1984-01-01', 80, pf, CASE WHEN pf >= 92 THEN -130
                                  WHEN pf >= 91 THEN -115
                                  WHEN pf >= 81 THEN -10 * (pf - 80)
                                  WHEN pf >= 60 THEN 50 * (80 - pf)
                                  WHEN pf >= 55 THEN 1000 + 100 * (60 - pf)
                                  ELSE 1500 + 200 * (55 - pf) END
  FROM generate_series(0, 100) AS pf;

CREATE TRIGGER supply_term_is_append_only BEFORE UPDATE OR DELETE ON evergrid.supply_term
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER equipment_is_append_only BEFORE UPDATE OR DELETE ON evergrid.equipment
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER equipment_change_is_append_only BEFORE UPDATE OR DELETE ON evergrid.equipment_change
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER power_factor_row_is_append_only BEFORE UPDATE OR DELETE ON evergrid.power_factor_row
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();

ALTER TABLE evergrid.supply_term      ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.equipment        ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.equipment_change ENABLE ROW LEVEL SECURITY;
CREATE POLICY bureau ON evergrid.supply_term      USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.equipment        USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.equipment_change USING (evergrid.sees_bureau(bureau_id));

GRANT SELECT ON evergrid.supply_term, evergrid.equipment, evergrid.equipment_change,
                evergrid.power_factor_row
    TO evergrid_api, evergrid_worker, evergrid_audit;
GRANT INSERT ON evergrid.supply_term, evergrid.equipment, evergrid.equipment_change TO evergrid_api;

-- Of an account of two parts a bill's `consumption_kwh` holds what its transformers and line lost; the power
-- factor is in hundredths, that of the registers and of what was lost. A line of a basic charge says for how
-- many days of a month of 30 it is, unless for all.
ALTER TABLE evergrid.bill
    ADD COLUMN power_factor   smallint,
    ADD COLUMN lost_kwh       bigint NOT NULL DEFAULT 0,
    ADD COLUMN reactive_kvarh bigint NOT NULL DEFAULT 0;
ALTER TABLE evergrid.bill_line ADD COLUMN days smallint;

-- As in 0014, with these.
CREATE OR REPLACE FUNCTION evergrid.cancel_bill(cancellation bigint, approver integer, approved timestamptz,
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
                amount_fen, issued_at, due_on, cancels_serial, power_factor, lost_kwh, reactive_kvarh)
    SELECT bill.month, bill.bureau_id, bill.account_id, mirror, mirror_no, bill.bill_run_id,
           bill.catalogue_version_id, bill.previous_read_at, bill.previous_register, bill.read_at, bill.register,
           bill.multiplier, -bill.consumption_kwh, -bill.amount_fen, approved, bill.due_on, bill.serial,
           bill.power_factor, -bill.lost_kwh, -bill.reactive_kvarh
      FROM evergrid.bill
     WHERE bill.bureau_id = asked.bureau_id AND bill.account_id = asked.account_id
       AND bill.month = asked.month AND bill.serial = asked.serial;
    INSERT INTO evergrid.bill_line (month, bureau_id, account_id, serial, position, component, period, tier,
                quantity_kwh, quantity, unit, price_yuan_per_kwh, amount_fen, is_levy, catalogue_version_id,
                days)
    SELECT line.month, line.bureau_id, line.account_id, mirror, line.position, line.component, line.period,
           line.tier, -line.quantity_kwh, -line.quantity, line.unit, line.price_yuan_per_kwh, -line.amount_fen,
           line.is_levy, line.catalogue_version_id, line.days
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

-- As in 0027, where a register of demand is no lower for having begun anew.
CREATE OR REPLACE FUNCTION evergrid.correct_reading(correction bigint, approver integer, approved timestamptz)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    asked  evergrid.reading_correction;
    taken  text[];
    hands  integer[];
    billed timestamptz;
    later  evergrid.reading_in_force;
BEGIN
    SELECT wanted.reading_correction_id, wanted.bureau_id, wanted.meter_id, wanted.read_at,
           wanted.register_before, wanted.register, wanted.rolled_over, wanted.is_confirmed,
           wanted.periods
      INTO asked
      FROM evergrid.reading_correction AS wanted
     WHERE wanted.reading_correction_id = correction
       AND evergrid.sees_bureau(wanted.bureau_id);
    SELECT array_agg(event.step ORDER BY event.position), array_agg(event.principal_id ORDER BY event.position)
      INTO taken, hands
      FROM evergrid.reading_correction_event AS event
     WHERE event.reading_correction_id = asked.reading_correction_id;
    IF taken IS DISTINCT FROM ARRAY['requested'] OR hands[1] = approver THEN
        RAISE EXCEPTION 'correction % was not asked for by another hand', correction
            USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM FROM evergrid.meter
       JOIN evergrid.account USING (bureau_id, account_id)
      WHERE meter.bureau_id = asked.bureau_id AND meter.meter_id = asked.meter_id
        FOR UPDATE OF account;
    SELECT max(bill.read_at)
      INTO billed
      FROM evergrid.meter
      JOIN evergrid.receivable USING (bureau_id, account_id)
      JOIN evergrid.bill USING (bureau_id, account_id, month, serial)
     WHERE meter.bureau_id = asked.bureau_id AND meter.meter_id = asked.meter_id
       AND receivable.is_in_force;
    IF billed >= asked.read_at THEN
        RAISE EXCEPTION 'a bill rests on the reading of correction %', correction
            USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO evergrid.superseding_reading
                (bureau_id, meter_id, read_at, reading_correction_id, register, rolled_over)
    VALUES (asked.bureau_id, asked.meter_id, asked.read_at, correction, asked.register, asked.rolled_over);
    -- Whether the register began again before the next reading depends on this one.
    SELECT following.bureau_id, following.meter_id, following.read_at, following.source,
           following.register, following.rolled_over, following.first_register
      INTO later
      FROM evergrid.reading_in_force AS following
     WHERE following.bureau_id = asked.bureau_id AND following.meter_id = asked.meter_id
       AND following.read_at > asked.read_at
     ORDER BY following.read_at
     LIMIT 1;
    IF (later.register < asked.register) IS DISTINCT FROM later.rolled_over THEN
        INSERT INTO evergrid.superseding_reading
                    (bureau_id, meter_id, read_at, reading_correction_id, register, rolled_over)
        VALUES (later.bureau_id, later.meter_id, later.read_at, correction, later.register,
                later.register < asked.register);
    END IF;
    -- So it is with each other register that was misread, but the demand, which begins anew each time.
    INSERT INTO evergrid.superseding_register_reading
                (bureau_id, meter_id, read_at, period, reading_correction_id, register, rolled_over)
    SELECT asked.bureau_id, asked.meter_id, asked.read_at, misread.period, correction, misread.register,
           misread.rolled_over
      FROM jsonb_to_recordset(asked.periods) AS misread (
               period text, register numeric, rolled_over boolean)
     UNION ALL
    SELECT following.bureau_id, following.meter_id, following.read_at, following.period, correction,
           following.register, following.register < misread.register
      FROM jsonb_to_recordset(asked.periods) AS misread (period text, register numeric)
      JOIN evergrid.register_reading_in_force AS following
        ON following.bureau_id = later.bureau_id AND following.meter_id = later.meter_id
       AND following.read_at = later.read_at AND following.period = misread.period
     WHERE (following.register < misread.register) IS DISTINCT FROM following.rolled_over
       AND misread.period <> 'demand';
    UPDATE evergrid.meter_state
       SET register = asked.register
     WHERE meter_state.bureau_id = asked.bureau_id AND meter_state.meter_id = asked.meter_id
       AND meter_state.read_at = asked.read_at;
    INSERT INTO evergrid.reading_correction_event
                (reading_correction_id, position, bureau_id, step, principal_id, happened_at)
    VALUES (correction, 2, asked.bureau_id, 'approved', approver, approved);
END $$;

-- Their first price list, an example as those of 0005, with the levies of commerce.
WITH published AS (
    INSERT INTO evergrid.catalogue_version (category, legal_document, valid_from, published_at, calendar)
    VALUES ('industrial', 'Evergrid seed catalogue, industrial of two parts: 1 to 10 kV', '2020-01-01',
            '2019-12-01 00:00+08',
            '{"seasons": [{"first": "01-01", "last": "12-31", "plans": [
                {"types": ["work", "rest", "holiday"], "stretches": [
                    {"starts": "00:00", "ends": "07:00", "period": "valley"},
                    {"starts": "07:00", "ends": "08:00", "period": "flat"},
                    {"starts": "08:00", "ends": "11:00", "period": "peak"},
                    {"starts": "11:00", "ends": "15:00", "period": "flat"},
                    {"starts": "15:00", "ends": "19:00", "period": "peak"},
                    {"starts": "19:00", "ends": "22:00", "period": "sharp"},
                    {"starts": "22:00", "ends": "23:00", "period": "flat"},
                    {"starts": "23:00", "ends": "24:00", "period": "valley"}]}]}]}')
    RETURNING catalogue_version_id
)
INSERT INTO evergrid.price_item (catalogue_version_id, position, component, period, unit,
                                 price_yuan_per_kwh, is_levy)
SELECT published.catalogue_version_id, item.position, item.component, item.period, item.unit,
       item.price_yuan, item.is_levy
  FROM published, (VALUES
        (1,  'energy',                       'sharp',  'kWh', 1.2360,   false),
        (2,  'energy',                       'peak',   'kWh', 1.0300,   false),
        (3,  'energy',                       'flat',   'kWh', 0.6867,   false),
        (4,  'energy',                       'valley', 'kWh', 0.3434,   false),
        (5,  'rural_grid_loan',              NULL,     'kWh', 0.02,     true),
        (6,  'water_conservancy_fund',       NULL,     'kWh', 0.001969, true),
        (7,  'renewable_energy_surcharge',   NULL,     'kWh', 0.019,    true),
        (8,  'reservoir_resettlement',       NULL,     'kWh', 0.006225, true),
        (9,  'local_reservoir_resettlement', NULL,     'kWh', 0.0005,   true),
        (10, 'basic',                        NULL,     'kVA', 26,       false),
        (11, 'basic',                        NULL,     'kW',  36,       false)
       ) AS item (position, component, period, unit, price_yuan, is_levy);
