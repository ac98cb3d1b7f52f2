-- Every program knows every category by now. (What is there was checked by the narrower rule.)
ALTER TABLE evergrid.account
    DROP CONSTRAINT account_category_check,
    ADD CONSTRAINT account_category_check
        CHECK (category IN ('residential', 'residential_tou', 'commercial', 'agricultural')) NOT VALID;
