-- Reads each of our relations as the role in force, and leaves the names of those that let it in a setting of this
-- transaction, which is rolled back.
DO $$
DECLARE
    name text;
    open text := '';
BEGIN
    FOREACH name IN ARRAY ARRAY[{names}]::text[]
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('SELECT 1 FROM %I.%I LIMIT 1', {schema_text}, name);
            open := open || ' ' || name;
        EXCEPTION
            WHEN insufficient_privilege OR undefined_table OR invalid_schema_name THEN NULL;
        END;
    END LOOP;
    PERFORM pg_catalog.set_config('gazelle_sync.open', open, true);
END
$$;
