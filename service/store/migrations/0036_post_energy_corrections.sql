-- Every program knows by now that a bill may correct another one: energy may be corrected.
ALTER TABLE evergrid.energy_correction DROP CONSTRAINT energy_correction_upgrade_check;
