-- Which replicas a commit waits for; empty means none.
SELECT current_setting('synchronous_standby_names') AS names
