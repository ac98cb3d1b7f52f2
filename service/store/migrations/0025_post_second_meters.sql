-- Every program knows by now that an account may have had several meters.
ALTER TABLE evergrid.meter DROP CONSTRAINT meter_bureau_id_account_id_key;
