-- Nearly every version is added as processed and never changed. The few that wait for stage 2, that it could not read,
-- or that an undo withdrew are found by indexes that hold them alone. Changing sync_status or withdrawn_by therefore
-- writes a row's other index entries anew, and keeping half of each page free for it gains nothing.
CREATE INDEX {staging_table}_pending ON {schema}.{staging_table} (id)
 WHERE sync_status = 'pending' AND withdrawn_by IS NULL;

CREATE INDEX {staging_table}_error ON {schema}.{staging_table} (id)
 WHERE sync_status = 'error' AND withdrawn_by IS NULL;

CREATE INDEX {staging_table}_withdrawn ON {schema}.{staging_table} (external_id)
 WHERE withdrawn_by IS NOT NULL;

ALTER TABLE {schema}.{staging_table} RESET (fillfactor);
