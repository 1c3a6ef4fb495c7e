-- Expression: the size of a distributed staging table.
(SELECT sum(node.result::bigint)::bigint
          FROM pg_catalog.run_command_on_shards('{schema}.{staging_table}'::regclass,
                                                'SELECT pg_catalog.pg_total_relation_size(''%s'')') AS node
         WHERE node.success)
