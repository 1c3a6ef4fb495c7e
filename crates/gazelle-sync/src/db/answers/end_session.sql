-- Ends a session of ours of which nobody waits for the answer any more, so that it does not work on and hold its locks for
-- nobody; to cancel its statement would not reach a session that waits for the rest of one. Only while the process ($1) is
-- still at that statement ($2), or in its transaction after it: a pooler may have given it to somebody else.
SELECT pg_catalog.pg_terminate_backend(a.pid)
  FROM pg_catalog.pg_stat_activity a
 WHERE a.pid = $1 AND a.state <> 'idle' AND a.usename = session_user
   AND pg_catalog.left(a.query, 200) = pg_catalog.left($2, 200)
