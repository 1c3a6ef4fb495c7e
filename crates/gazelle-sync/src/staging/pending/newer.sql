-- Of the versions with the ids $1, records $2 and times $3, those with a newer processed version; `has_content` is
-- false if all newer ones are tombstones. Written in the order of the index, so that each version is one lookup, even
-- without statistics.
SELECT asked.id,
       held.operation = 'upsert'
       OR EXISTS (SELECT 1
                    FROM {schema}.{staging_table} content
                   WHERE content.external_id = asked.external_id
                     AND content.fetched_at > asked.fetched_at
                     AND content.operation = 'upsert'
                     AND content.sync_status = 'processed'
                     AND content.withdrawn_by IS NULL
                     AND content.error_code IS NULL) AS has_content
  FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS asked (id, external_id, fetched_at)
 CROSS JOIN LATERAL (
       SELECT newer.operation
         FROM {schema}.{staging_table} newer
        WHERE newer.external_id = asked.external_id
          AND newer.fetched_at > asked.fetched_at
          AND newer.sync_status = 'processed'
          AND newer.withdrawn_by IS NULL
          AND newer.error_code IS NULL
        ORDER BY newer.fetched_at DESC
        LIMIT 1) AS held
