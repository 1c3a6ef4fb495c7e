-- Rows that do not exist; those that do meet no trigger or constraint by it. Which those are is found in a WITH, by a join:
-- Citus sends an INSERT … WHERE NOT EXISTS … ON CONFLICT on to the node in a form that is a syntax error there.
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
