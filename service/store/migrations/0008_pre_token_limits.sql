-- Tokens that stand for less than their principal's role; when each was last used. A token from before
-- has no limits (NULL), as it always had, so it works on with either version of the code.
ALTER TABLE evergrid.api_token
    ADD COLUMN limited_to   text[] CHECK (cardinality(limited_to) > 0),
    ADD COLUMN last_used_at timestamptz;

-- The API notes a use; what a token is, or until when, it can never change.
GRANT UPDATE (last_used_at) ON evergrid.api_token TO evergrid_api;

-- Who looks after the staff. The version before knows no such role, so it lets it do nothing.
ALTER TABLE evergrid.principal
    DROP CONSTRAINT principal_role_check,
    ADD CONSTRAINT principal_role_check
        CHECK (role IN ('head_office', 'billing_officer', 'hall_clerk', 'reader', 'channel',
                        'auditor', 'data_migrator', 'administrator'));
