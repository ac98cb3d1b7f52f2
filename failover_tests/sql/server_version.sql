-- The version of the primary.
SELECT current_setting('server_version') AS version
