-- Every worker knows by now that a month may have no bill in force: bills may be cancelled; and that a
-- reading may be superseded: readings may be corrected.
GRANT EXECUTE ON FUNCTION evergrid.cancel_bill TO evergrid_api;
GRANT EXECUTE ON FUNCTION evergrid.correct_reading TO evergrid_api;
