-- Every worker knows by now that a run may be of one reading section.
ALTER TABLE evergrid.bill_run DROP CONSTRAINT bill_run_is_of_all;
-- Where a tier ends says its tariff (0011); nobody reads it beside a price any more.
ALTER TABLE evergrid.price_item DROP COLUMN upto_kwh;
