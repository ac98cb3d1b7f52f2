-- Price lists say all that a bill is calculated by: periods of the day, tiers of a month or a year,
-- charges per month, what counts for the power factor, free energy of households in need.
ALTER TABLE evergrid.catalogue_version
    ADD COLUMN limits_kwh     integer[] NOT NULL DEFAULT '{}',
    ADD COLUMN has_year_tiers boolean   NOT NULL DEFAULT false,
    ADD COLUMN extension_kwh  integer   NOT NULL DEFAULT 0 CHECK (extension_kwh >= 0),
    ADD COLUMN extension      text      NOT NULL DEFAULT 'shift' CHECK (extension IN ('shift', 'widen')),
    ADD COLUMN free_kwh       integer   NOT NULL DEFAULT 0 CHECK (free_kwh >= 0);

-- What was published is told in other words, not changed: the limits stood beside each price.
ALTER TABLE evergrid.catalogue_version DISABLE TRIGGER catalogue_is_append_only;
UPDATE evergrid.catalogue_version AS version
   SET limits_kwh = array(SELECT DISTINCT item.upto_kwh
                            FROM evergrid.price_item AS item
                           WHERE item.catalogue_version_id = version.catalogue_version_id
                             AND item.upto_kwh IS NOT NULL
                           ORDER BY item.upto_kwh);
ALTER TABLE evergrid.catalogue_version ENABLE TRIGGER catalogue_is_append_only;

-- `price_yuan_per_kwh` is a month's where the unit is a month.
ALTER TABLE evergrid.price_item
    ADD COLUMN period     text    CHECK (period IN ('sharp', 'peak', 'flat', 'valley', 'deep_valley')),
    ADD COLUMN unit       text    NOT NULL DEFAULT 'kWh' CHECK (unit IN ('kWh', 'month')),
    ADD COLUMN is_in_base boolean NOT NULL DEFAULT true;

-- A line about anything but energy has its `quantity` in its unit, and no kWh. Without a version of
-- its own a line is priced by its bill's.
ALTER TABLE evergrid.bill_line
    ADD COLUMN period               text,
    ADD COLUMN unit                 text NOT NULL DEFAULT 'kWh',
    ADD COLUMN quantity             numeric(18, 4),
    ADD COLUMN catalogue_version_id integer,
    ADD CHECK ((unit = 'kWh') = (quantity IS NULL)) NOT VALID; -- every row of before is kWh
