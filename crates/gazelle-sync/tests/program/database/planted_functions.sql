SET search_path = pg_catalog;
CREATE SEQUENCE public.called;
GRANT ALL ON SEQUENCE public.called TO PUBLIC;
CREATE SCHEMA shop AUTHORIZATION administrator;
ALTER DATABASE {database} SET search_path = "$user", shop, public, extensions, pg_catalog;

DO $plant$
DECLARE
    place text; real record; op record; args text; exact text[]; kinds oid[]; n int; l text; r text;
    body CONSTANT text :=
        'LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_catalog.nextval(''public.called''); RAISE ''planted''; END $$';
    types CONSTANT text[] := ARRAY[{types}];
    -- Where a path of a role or of the database leads too: there with the very arguments alone, which win before the server's.
    others CONSTANT text[] := ARRAY[{others}];
    -- What a function in PL/pgSQL cannot take or return.
    odd CONSTANT regtype[] := '{"\"any\"", internal, cstring, trigger, event_trigger, language_handler, index_am_handler,
                                table_am_handler, fdw_handler, tsm_handler, pg_ddl_command}';
BEGIN
    FOREACH place IN ARRAY others LOOP
        EXECUTE format('CREATE SCHEMA %1$I; GRANT USAGE ON SCHEMA %1$I TO PUBLIC', place);
    END LOOP;

    -- With the very arguments that each has, their names and how many may be left out.
    FOR real IN
        SELECT p.proname, p.pronargs, p.pronargdefaults, p.provariadic <> 0 AS is_variadic, p.proargtypes::oid[] AS taken,
               (SELECT string_agg(concat_ws(' ', CASE WHEN a.mode = 'v' THEN 'VARIADIC' END,
                                            quote_ident(nullif(a.name, '')), format_type(a.type, NULL),
                                            CASE WHEN a.place > p.pronargs - p.pronargdefaults THEN 'DEFAULT NULL' END),
                                  ', ' ORDER BY a.place)
                  FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes)
                       WITH ORDINALITY AS a (type, name, mode, place)
                 WHERE coalesce(a.mode, 'i') IN ('i', 'b', 'v')) AS declared,
               CASE WHEN p.prorettype = ANY (odd::oid[]) OR p.prorettype = 'void'::regtype THEN 'text'
                    ELSE CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END || format_type(p.prorettype, NULL) END AS returned
          FROM pg_proc p
         WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname IN ({functions})
           AND NOT p.proargtypes::oid[] && ARRAY['internal'::regtype::oid, 'cstring'::regtype::oid]
    LOOP
        FOREACH place IN ARRAY ARRAY['shop', 'public'] || others LOOP
            EXECUTE format('CREATE FUNCTION %I.%I(%s) RETURNS %s %s', place, real.proname, real.declared, real.returned,
                           CASE WHEN real.taken && odd::oid[] THEN 'LANGUAGE internal AS ''trigger_in''' ELSE body END);
        END LOOP;
    END LOOP;

    -- With as many arguments, of types that fit better.
    FOR real IN
        SELECT p.oid, p.proname, p.proargtypes::oid[] AS taken, p.provariadic <> 0 AS is_variadic, given.n
          FROM pg_proc p,
               generate_series(p.pronargs - p.pronargdefaults - (p.provariadic <> 0)::int,
                               p.pronargs + CASE WHEN p.provariadic <> 0 THEN 3 ELSE 0 END) AS given (n)
         WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname IN ({functions})
           AND NOT p.proargtypes::oid[] && ARRAY['internal'::regtype::oid, 'cstring'::regtype::oid]
           AND given.n > 0
    LOOP
        -- As it is declared; what takes anything takes text here.
        SELECT array_agg(CASE WHEN t.typtype = 'p' OR t.oid IS NULL THEN 'text' ELSE format_type(t.oid, NULL) END
                         ORDER BY i)
          INTO exact
          FROM generate_series(1, real.n) AS i
          LEFT JOIN pg_type t ON t.oid = (ARRAY(SELECT unnest(real.taken)))[i];
        FOR args IN
            SELECT a FROM unnest(types) AS a WHERE real.n = 1
            UNION SELECT a || ', ' || b FROM unnest(types) AS a, unnest(types) AS b WHERE real.n = 2
            UNION SELECT array_to_string(array_fill(a, ARRAY[real.n]), ', ') FROM unnest(types) AS a WHERE real.n > 2
            UNION SELECT array_to_string(exact[:i - 1] || a || exact[i + 1:], ', ')
                    FROM unnest(types) AS a, generate_series(1, real.n) AS i WHERE real.n > 2
        LOOP
            FOREACH place IN ARRAY ARRAY['shop', 'public'] LOOP
                IF to_regprocedure(format('%I.%I(%s)', place, real.proname, args)) IS NULL THEN
                    EXECUTE format('CREATE FUNCTION %I.%I(%s) RETURNS text %s', place, real.proname, args, body);
                END IF;
            END LOOP;
        END LOOP;
    END LOOP;

    -- Operators: between those types, and between what each is for.
    FOR l, r IN
        SELECT a, b FROM unnest(types) AS a, unnest(types) AS b
        UNION SELECT NULL, a FROM unnest(types) AS a
        UNION SELECT format_type(nullif(oprleft, 0), NULL), format_type(oprright, NULL) FROM pg_operator
               WHERE oprname IN ({operators}) AND oprnamespace = 'pg_catalog'::regnamespace
                 AND NOT ARRAY[oprleft, oprright] && odd::oid[]
    LOOP
        FOREACH place IN ARRAY ARRAY['shop', 'public'] LOOP
            args := concat_ws(', ', l, r);
            IF to_regprocedure(format('%I.planted(%s)', place, args)) IS NULL THEN
                EXECUTE format('CREATE FUNCTION %I.planted(%s) RETURNS bool %s', place, args, body);
            END IF;
            FOR op IN SELECT DISTINCT oprname FROM pg_operator
                       WHERE oprname IN ({operators}) AND oprnamespace = 'pg_catalog'::regnamespace
                         AND (oprleft = 0) = (l IS NULL)
                         -- Between two of one type only where the server has that too: a literal without a type would be taken
                         -- as that type, fail there, and hide that the other plant is called.
                         AND (l IS DISTINCT FROM r
                              OR EXISTS (SELECT 1 FROM pg_operator same
                                          WHERE same.oprname = pg_operator.oprname AND same.oprnamespace = 'pg_catalog'::regnamespace
                                            AND same.oprleft = l::regtype AND same.oprright = l::regtype))
                         AND (l IS NULL OR l = ANY (types) AND r = ANY (types)
                              OR oprleft = l::regtype AND oprright = r::regtype)
            LOOP
                IF to_regoperator(format('%I.%s(%s, %s)', place, op.oprname, coalesce(l, 'NONE'), r)) IS NULL THEN
                    EXECUTE format('CREATE OPERATOR %I.%s (%sRIGHTARG = %s, FUNCTION = %I.planted)', place, op.oprname,
                                   coalesce('LEFTARG = ' || l || ', ', ''), r, place);
                END IF;
            END LOOP;
        END LOOP;
    END LOOP;

    FOR op IN SELECT oprname, format_type(nullif(oprleft, 0), NULL) AS l, format_type(oprright, NULL) AS r FROM pg_operator
               WHERE oprname IN ({operators}) AND oprnamespace = 'pg_catalog'::regnamespace
                 AND NOT ARRAY[oprleft, oprright] && odd::oid[]
    LOOP
        FOREACH place IN ARRAY others LOOP
            args := concat_ws(', ', op.l, op.r);
            IF to_regprocedure(format('%I.planted(%s)', place, args)) IS NULL THEN
                EXECUTE format('CREATE FUNCTION %I.planted(%s) RETURNS bool %s', place, args, body);
            END IF;
            EXECUTE format('CREATE OPERATOR %I.%s (%sRIGHTARG = %s, FUNCTION = %I.planted)', place, op.oprname,
                           coalesce('LEFTARG = ' || op.l || ', ', ''), op.r, place);
        END LOOP;
    END LOOP;
END
$plant$;
RESET search_path;
