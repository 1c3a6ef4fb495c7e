NOT EXISTS (
       SELECT 1
         FROM {schema}.sync_runs r
        WHERE r.run_id = s.withdrawn_by AND r.started_at <= $1)
