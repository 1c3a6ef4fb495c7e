-- The next $5 runs after the position ($2, $3) that have ended, began before $1 and are not among the last $4, each
-- with whether it can be deleted: a bookmark, a withheld or dismissed deletion and an undo keep their run.
SELECT r.run_id, r.started_at,
       NOT EXISTS (SELECT 1 FROM {schema}.sync_deletions d
                    WHERE d.run_id = r.run_id AND d.state IN ('withheld', 'dismissed'))
       AND NOT EXISTS (SELECT 1 FROM {schema}.sync_bookmarks b WHERE b.run_id = r.run_id)
       AND NOT EXISTS (SELECT 1 FROM {schema}.sync_undos u WHERE u.run_id = r.run_id OR u.undo_id = r.run_id)
           AS goes
  FROM {schema}.sync_runs r
 WHERE r.started_at < $1
   AND r.status <> 'running'
   AND (r.started_at, r.run_id) > ($2, $3)
   AND r.run_id NOT IN (SELECT last.run_id FROM {schema}.sync_runs last
                         WHERE last.started_at <= clock_timestamp() ORDER BY last.started_at DESC LIMIT $4)
 ORDER BY r.started_at, r.run_id
 LIMIT $5
