-- Inserts warnings of the run $1: codes, subjects and messages. A code and subject that the run has already is
-- skipped.
INSERT INTO {schema}.sync_run_warnings (run_id, code, subject, message)
SELECT $1, code, subject, message
  FROM unnest($2::text[], $3::text[], $4::text[]) AS warning (code, subject, message)
ON CONFLICT DO NOTHING
RETURNING 1
