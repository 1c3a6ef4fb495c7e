-- Rows that production lacks. Counted by what is returned: where the tables are distributed, the number that the
-- statement itself reports is that of the rows selected.
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
