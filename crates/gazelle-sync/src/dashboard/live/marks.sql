-- What tells whether a part of a page is old: the newest runs and actions with their states, how many cases and deletions wait, up to a
-- thousand, and those of the sessions $1 that have not ended. Each part is bounded and read by an index.
WITH runs AS (
  SELECT r.run_id, r.status, r.finished_at FROM {schema}.sync_runs r ORDER BY r.started_at DESC LIMIT 20
), actions AS (
  SELECT a.id, a.times_taken, a.run_id, a.outcome, a.ended_at FROM {schema}.sync_actions a ORDER BY a.id DESC LIMIT 20
)
SELECT (SELECT string_agg(concat_ws(' ', r.run_id, r.status, r.finished_at), ',' ORDER BY r.run_id) FROM runs r) AS runs,
       (SELECT string_agg(concat_ws(' ', r.run_id, r.status, r.finished_at), ',' ORDER BY r.run_id) FROM runs r
         WHERE r.finished_at IS NOT NULL) AS runs_ended,
       (SELECT string_agg(concat_ws(' ', a.id, a.times_taken, a.run_id, a.outcome), ',' ORDER BY a.id) FROM actions a) AS actions,
       (SELECT string_agg(concat_ws(' ', a.id, a.outcome), ',' ORDER BY a.id) FROM actions a
         WHERE a.ended_at IS NOT NULL) AS actions_ended,
       (SELECT count(*) FROM (SELECT FROM {schema}.sync_quarantine WHERE state IN ('open', 'waiting') LIMIT 1000) q) AS cases,
       (SELECT count(*) FROM (SELECT FROM {schema}.sync_deletions WHERE state = 'withheld' LIMIT 1000) d) AS deletions,
       ARRAY(SELECT s.id FROM {schema}.sync_sessions s JOIN {schema}.sync_people p ON p.id = s.person_id
              WHERE s.id = ANY ($1) AND s.ends_at > now() AND p.disabled_at IS NULL) AS sessions
