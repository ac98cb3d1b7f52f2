-- Every program knows customers of two parts by now. (What is there was checked by the narrower rules.)
ALTER TABLE evergrid.account
    DROP CONSTRAINT account_category_check,
    ADD CONSTRAINT account_category_check
        CHECK (category IN ('residential', 'residential_tou', 'commercial', 'agricultural', 'industrial')) NOT VALID;
ALTER TABLE evergrid.price_proposal
    DROP CONSTRAINT price_proposal_category_check,
    ADD CONSTRAINT price_proposal_category_check
        CHECK (category IN ('residential', 'residential_tou', 'commercial', 'agricultural', 'industrial')) NOT VALID;
ALTER TABLE evergrid.meter_register
    DROP CONSTRAINT meter_register_period_check,
    ADD CONSTRAINT meter_register_period_check
        CHECK (period IN ('sharp', 'peak', 'flat', 'valley', 'deep_valley', 'reactive', 'reactive_reverse',
                          'demand')) NOT VALID;
