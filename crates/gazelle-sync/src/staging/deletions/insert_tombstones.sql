-- Inserts tombstones that are newer than every version of their record, whatever the clocks say. If $6 is true,
-- records with a version seen after $4 are left out.
--
-- The microsecond is added to a timestamp without time zone, which is an immutable operation: Citus cannot forward an
-- INSERT … SELECT with a function that is only stable.
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
