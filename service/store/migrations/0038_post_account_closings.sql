-- Every program knows by now that an account may be closed.
ALTER TABLE evergrid.account_closing DROP CONSTRAINT account_closing_upgrade_check;
