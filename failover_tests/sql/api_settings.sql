-- The settings that PostgreSQL gives a session of the API, each as name=value.
SELECT unnest(setting.setconfig) AS setting
  FROM pg_db_role_setting AS setting
  JOIN pg_roles AS role ON role.oid = setting.setrole
 WHERE role.rolname = 'evergrid_api'
