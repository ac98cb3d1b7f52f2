-- Every worker knows by now that a month may have no bill in force: bills may be cancelled.
GRANT EXECUTE ON FUNCTION evergrid.cancel_bill TO evergrid_api;
