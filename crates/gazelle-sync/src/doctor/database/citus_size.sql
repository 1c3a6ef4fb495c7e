-- The size of our tables ($1) in bytes, and the number of tables whose size no node reports. Requested only from
-- the node that holds each table.
SELECT coalesce(sum(node.result::bigint) FILTER (WHERE node.success), 0)::bigint AS bytes,
       count(*) FILTER (WHERE NOT coalesce(node.success, false)) AS unknown
  FROM (SELECT DISTINCT s.logicalrelid
          FROM pg_catalog.pg_dist_shard s
          JOIN pg_catalog.pg_class c ON c.oid = s.logicalrelid
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = {schema_text} AND c.relname = ANY ($1::text[])) AS shard
  LEFT JOIN LATERAL pg_catalog.run_command_on_shards(shard.logicalrelid,
                                                     'SELECT pg_catalog.pg_total_relation_size(''%s'')') AS node ON true
