-- Ends the session of a statement ($2) whose answer is no longer awaited, so that it does not continue and keep its
-- locks. A cancel request would not reach a session that waits for the rest of a statement. The process ($1) must
-- still execute that statement or be in its transaction, because a pooler may have given it to another client. While
-- the process is unknown, the statement is one whose text no other has, and must be shown whole.
SELECT pg_catalog.pg_terminate_backend(a.pid)
  FROM pg_catalog.pg_stat_activity a
 WHERE a.state <> 'idle' AND a.usename = session_user
   AND CASE WHEN $1 IS NOT NULL THEN a.pid = $1 AND pg_catalog.left(a.query, 200) = pg_catalog.left($2, 200)
            ELSE a.datname = pg_catalog.current_database() AND a.query = $2
       END
