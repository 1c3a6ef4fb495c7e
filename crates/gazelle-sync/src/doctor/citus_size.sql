SELECT coalesce(sum(pg_catalog.citus_total_relation_size(shard.logicalrelid)), 0)::bigint
  FROM (SELECT DISTINCT s.logicalrelid
          FROM pg_catalog.pg_dist_shard s
          JOIN pg_catalog.pg_class c ON c.oid = s.logicalrelid
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = {schema_text} AND c.relname = ANY ($1::text[])) AS shard
