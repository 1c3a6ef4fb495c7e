SELECT s.name, s.setting
  FROM pg_catalog.pg_settings s
 WHERE s.source OPERATOR(pg_catalog.=) ANY ('{database,user,"database user",client}'::pg_catalog.text[])
