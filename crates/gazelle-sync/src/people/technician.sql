-- Whether there is a user of Gazelle's with the id $1, and whether any user is stored.
SELECT EXISTS (SELECT 1 FROM {schema}.gazelle_users WHERE external_id = $1) AS is_known,
       EXISTS (SELECT 1 FROM {schema}.gazelle_users) AS any_is
