-- Newer than every version of the record, whatever the clocks say; with $6 none for a record seen since $4.
-- The microsecond is added to a time without zone, which is immutable: Citus cannot pass on an INSERT … SELECT that
-- holds a function which is only stable, as timestamptz + interval is.
INSERT INTO {schema}.{staging_table}
       (id, external_id, raw_data, operation, fetched_at, run_id, created_at)
SELECT gone.id, gone.external_id, gone.evidence, 'delete',
       greatest($4, (SELECT (max(s.fetched_at) AT TIME ZONE 'UTC' + interval '1 microsecond') AT TIME ZONE 'UTC'
                       FROM {schema}.{staging_table} s
                      WHERE s.external_id = gone.external_id)),
       $5, $4
  FROM unnest($1::uuid[], $2::text[], $3::jsonb[]) AS gone (id, external_id, evidence)
 WHERE NOT ($6 AND EXISTS (SELECT 1 FROM {schema}.{staging_table} since
                            WHERE since.external_id = gone.external_id AND since.fetched_at > $4))
RETURNING id
