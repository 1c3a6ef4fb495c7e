-- Inserts a run with the status running.
INSERT INTO {schema}.sync_runs (run_id, command, mode, trigger, status, started_at, fencing_token, program)
VALUES ($1, $2, $3, $4, 'running', $5, $6, $7)
RETURNING 1
