-- The sessions that hold the lock for which a session ($1) waits: those at the end of the queue, which wait for
-- nobody. Of another role's session, the server shows a plain role only that it exists.
WITH RECURSIVE queue (pid, depth) AS (
    SELECT b.pid, 1 FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1)) AS b (pid)
    UNION
    SELECT b.pid, q.depth + 1
      FROM queue q CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(q.pid)) AS b (pid)
     WHERE q.pid <> 0 AND q.depth < 8
)
SELECT DISTINCT q.pid,
       a.usename::text,
       a.xact_start,
       a.state,
       -- After comments, with which our own statements begin.
       pg_catalog.upper(pg_catalog.substring(a.query, '(?p)^(?:[[:space:]]|--.*' || pg_catalog.chr(10)
                                                      || ')*([A-Za-z]{1,20})')) AS first_word
  FROM queue q LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = q.pid
 WHERE q.pid = 0 OR pg_catalog.cardinality(pg_catalog.pg_blocking_pids(q.pid)) = 0
 ORDER BY q.pid
 LIMIT 3
