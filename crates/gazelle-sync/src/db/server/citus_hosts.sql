-- The nodes that hold the tables of the schema $1.
SELECT DISTINCT node.nodename || ':' || node.nodeport
  FROM pg_catalog.pg_dist_shard shard
  JOIN pg_catalog.pg_dist_placement placement ON placement.shardid = shard.shardid
  JOIN pg_catalog.pg_dist_node node ON node.groupid = placement.groupid AND node.noderole = 'primary'
  JOIN pg_catalog.pg_class c ON c.oid = shard.logicalrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = $1
 ORDER BY 1
