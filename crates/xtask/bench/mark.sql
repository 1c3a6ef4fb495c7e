UPDATE raw.staging_users SET sync_status = 'processed';
UPDATE raw.staging_clients SET sync_status = 'processed';
UPDATE raw.staging_pianos SET sync_status = 'processed';
UPDATE raw.staging_appointments
   SET sync_status = CASE WHEN raw_data ->> 'start' IS NULL THEN 'error' ELSE 'processed' END,
       error_message = CASE WHEN raw_data ->> 'start' IS NULL THEN 'Missing required field: start' END;
