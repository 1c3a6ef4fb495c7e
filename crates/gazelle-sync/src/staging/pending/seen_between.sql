EXISTS (
    -- A processed version of the record was seen between two times.
    SELECT 1
      FROM {schema}.{staging_table} v
     WHERE v.external_id = {id}
       AND v.fetched_at > {after}
       AND ({before} IS NULL OR v.fetched_at < {before})
       AND v.operation = 'upsert'
       AND v.sync_status = 'processed'
       AND v.error_code IS NULL
       AND v.withdrawn_by IS NULL)
