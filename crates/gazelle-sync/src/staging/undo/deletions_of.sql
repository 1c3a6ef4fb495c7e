d.entity = $1
   AND (d.run_id = $2 AND d.state = 'deleted'
        OR d.state = 'approved'
       AND EXISTS (SELECT 1 FROM {schema}.{staging_table} s
                    WHERE s.external_id = d.external_id
                      AND s.withdrawn_by = $3
                      AND s.operation = 'delete'))
