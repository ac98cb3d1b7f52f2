-- Whether WAL is archived, whether the newest attempt failed, on which segment.
SELECT current_setting('archive_mode') <> 'off',
       coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false),
       coalesce(last_failed_wal, '')
  FROM pg_stat_archiver
