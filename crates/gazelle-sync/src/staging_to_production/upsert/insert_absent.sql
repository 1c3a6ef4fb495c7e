-- Inserts the rows that do not exist, so that existing ones meet no trigger or constraint for inserts. Returns their
-- keys. The absent rows are found by a join in a WITH, because Citus turns INSERT … WHERE NOT EXISTS … ON CONFLICT
-- into a statement that is a syntax error on the node.
WITH incoming AS (
    SELECT {typed}, i.staging_id, i.synced_from_gazelle_at{derived_values}
      FROM unnest({parameters}) AS i ({columns}, staging_id, synced_from_gazelle_at)
      {derived_join}
), absent AS (
    SELECT i.*
      FROM incoming i
      LEFT JOIN LATERAL (
           SELECT * FROM {prefix}{table} h WHERE {key_match} LIMIT 1) AS held ON true
     WHERE held.{first_key} IS NULL
)
INSERT INTO {prefix}{table}
       ({all_columns}, staging_id, synced_from_gazelle_at, reconciler_version, deleted_at)
SELECT {all_columns}, staging_id, synced_from_gazelle_at, $1, NULL
  FROM absent
ON CONFLICT ({key}) DO NOTHING
RETURNING {key_text}
