-- Every program knows what an apportionment means by now. (What is there was checked by the narrower rules.)
ALTER TABLE evergrid.apportionment DROP CONSTRAINT apportionment_upgrade_check;
ALTER TABLE evergrid.account
    DROP CONSTRAINT account_category_check,
    ADD CONSTRAINT account_category_check
        CHECK (category IN ('residential', 'residential_tou', 'residential_collective', 'commercial',
                            'agricultural', 'industrial')) NOT VALID;
ALTER TABLE evergrid.price_proposal
    DROP CONSTRAINT price_proposal_category_check,
    ADD CONSTRAINT price_proposal_category_check
        CHECK (category IN ('residential', 'residential_tou', 'residential_collective', 'commercial',
                            'agricultural', 'industrial')) NOT VALID;
