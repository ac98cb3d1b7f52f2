-- Every program knows by now that a meter may have several registers.
ALTER TABLE evergrid.meter_register DROP CONSTRAINT meter_register_known_to_all;
