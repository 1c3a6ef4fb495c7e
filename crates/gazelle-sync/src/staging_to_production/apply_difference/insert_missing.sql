-- Inserts the rows that production lacks, and counts those returned: on Citus, the row count of the statement is that
-- of the rows selected.
WITH added AS (
    INSERT INTO {schema}.{table} ({all})
    SELECT {rebuilt_all}
      FROM {prefix}{table} rebuilt
      LEFT JOIN {schema}.{table} held ON {key_match}
     WHERE held.{first_key} IS NULL
       AND {is_meant}
    RETURNING 1
)
SELECT count(*) FROM added
