-- Fills gazelle-sync's production tables from raw.staging_*, one set-based statement a table, parents first.

INSERT INTO gazelle_users
       (external_id, first_name, last_name, email, status, timezone, access_level, color, region,
        is_schedulable, has_limited_access, source_created_at, source_updated_at, staging_id,
        reconciler_version, synced_from_gazelle_at)
SELECT s.raw_data ->> 'id', s.raw_data ->> 'firstName', s.raw_data ->> 'lastName',
       s.raw_data ->> 'email', s.raw_data ->> 'status', s.raw_data ->> 'timezone',
       s.raw_data ->> 'accessLevel', s.raw_data ->> 'color', s.raw_data ->> 'region',
       (s.raw_data ->> 'isSchedulable')::boolean, (s.raw_data ->> 'hasLimitedAccess')::boolean,
       (s.raw_data ->> 'createdAt')::timestamptz, (s.raw_data ->> 'updatedAt')::timestamptz, s.id, 1,
       s.fetched_at
  FROM raw.staging_users s
ON CONFLICT (external_id) DO UPDATE
   SET first_name = EXCLUDED.first_name, last_name = EXCLUDED.last_name, email = EXCLUDED.email,
       status = EXCLUDED.status, timezone = EXCLUDED.timezone, access_level = EXCLUDED.access_level,
       color = EXCLUDED.color, region = EXCLUDED.region, is_schedulable = EXCLUDED.is_schedulable,
       has_limited_access = EXCLUDED.has_limited_access,
       source_created_at = EXCLUDED.source_created_at, source_updated_at = EXCLUDED.source_updated_at,
       staging_id = EXCLUDED.staging_id, reconciler_version = EXCLUDED.reconciler_version,
       synced_from_gazelle_at = EXCLUDED.synced_from_gazelle_at;

INSERT INTO gazelle_clients
       (external_id, company_name, status, client_type, tags, region, reference_id, locale,
        preferred_technician_external_id, no_contact_until, no_contact_reason, reason_inactive,
        reason_inactive_details, preference_notes, personal_notes, last_result_notes, lifecycle_state,
        referred_by, referred_by_notes, custom1, custom2, custom3, custom4, custom5, custom6, custom7,
        custom8, custom9, custom10, default_contact_external_id, default_location_external_id,
        source_created_at, source_updated_at, staging_id, reconciler_version, synced_from_gazelle_at)
SELECT s.raw_data ->> 'id', s.raw_data ->> 'companyName', s.raw_data ->> 'status',
       s.raw_data ->> 'clientType',
       CASE WHEN jsonb_typeof(s.raw_data -> 'tags') = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(s.raw_data -> 'tags')) END,
       s.raw_data ->> 'region', s.raw_data ->> 'referenceId',
       s.raw_data #>> '{defaultClientLocalization,locale}',
       coalesce(nullif(s.raw_data ->> 'preferredTechnicianId', ''), s.raw_data #>> '{preferredTechnician,id}'),
       (s.raw_data ->> 'noContactUntil')::date, s.raw_data ->> 'noContactReason',
       s.raw_data ->> 'reasonInactiveCode', s.raw_data ->> 'reasonInactiveDetails',
       s.raw_data ->> 'preferenceNotes', s.raw_data ->> 'personalNotes',
       s.raw_data ->> 'lastResultNotes', s.raw_data ->> 'lifecycleState', s.raw_data ->> 'referredBy',
       s.raw_data ->> 'referredByNotes', s.raw_data ->> 'custom1', s.raw_data ->> 'custom2',
       s.raw_data ->> 'custom3', s.raw_data ->> 'custom4', s.raw_data ->> 'custom5',
       s.raw_data ->> 'custom6', s.raw_data ->> 'custom7', s.raw_data ->> 'custom8',
       s.raw_data ->> 'custom9', s.raw_data ->> 'custom10', k.id, v.id,
       (s.raw_data ->> 'createdAt')::timestamptz, (s.raw_data ->> 'updatedAt')::timestamptz, s.id, 1,
       s.fetched_at
  FROM raw.staging_clients s
  LEFT JOIN LATERAL (
       SELECT c.node ->> 'id' AS id, c.node
         FROM jsonb_array_elements(s.raw_data #> '{allContacts,nodes}') AS c (node)
        WHERE CASE WHEN s.raw_data #>> '{defaultContact,id}' IS NULL THEN (c.node ->> 'isDefault')::boolean
                   ELSE c.node ->> 'id' = s.raw_data #>> '{defaultContact,id}' END
        LIMIT 1) AS k ON true
  LEFT JOIN LATERAL (
       SELECT l.node ->> 'id' AS id
         FROM jsonb_array_elements(k.node #> '{allLocations,nodes}') AS l (node)
        WHERE l.node ->> 'id' = coalesce(s.raw_data #>> '{defaultContact,defaultLocation,id}',
                                         k.node #>> '{defaultLocation,id}')
        LIMIT 1) AS v ON true
ON CONFLICT (external_id) DO UPDATE
   SET company_name = EXCLUDED.company_name, status = EXCLUDED.status,
       client_type = EXCLUDED.client_type, tags = EXCLUDED.tags, region = EXCLUDED.region,
       reference_id = EXCLUDED.reference_id, locale = EXCLUDED.locale,
       preferred_technician_external_id = EXCLUDED.preferred_technician_external_id,
       no_contact_until = EXCLUDED.no_contact_until, no_contact_reason = EXCLUDED.no_contact_reason,
       reason_inactive = EXCLUDED.reason_inactive,
       reason_inactive_details = EXCLUDED.reason_inactive_details,
       preference_notes = EXCLUDED.preference_notes, personal_notes = EXCLUDED.personal_notes,
       last_result_notes = EXCLUDED.last_result_notes, lifecycle_state = EXCLUDED.lifecycle_state,
       referred_by = EXCLUDED.referred_by, referred_by_notes = EXCLUDED.referred_by_notes,
       custom1 = EXCLUDED.custom1, custom2 = EXCLUDED.custom2, custom3 = EXCLUDED.custom3,
       custom4 = EXCLUDED.custom4, custom5 = EXCLUDED.custom5, custom6 = EXCLUDED.custom6,
       custom7 = EXCLUDED.custom7, custom8 = EXCLUDED.custom8, custom9 = EXCLUDED.custom9,
       custom10 = EXCLUDED.custom10,
       default_contact_external_id = EXCLUDED.default_contact_external_id,
       default_location_external_id = EXCLUDED.default_location_external_id,
       source_created_at = EXCLUDED.source_created_at, source_updated_at = EXCLUDED.source_updated_at,
       staging_id = EXCLUDED.staging_id, reconciler_version = EXCLUDED.reconciler_version,
       synced_from_gazelle_at = EXCLUDED.synced_from_gazelle_at;

INSERT INTO gazelle_contacts
       (external_id, client_external_id, title, first_name, middle_name, last_name, suffix, role,
        email, phone, mobile_phone, wants_email, wants_phone, wants_text, is_default,
        is_billing_default, archived, sort_order, source_created_at, source_updated_at, staging_id,
        reconciler_version, synced_from_gazelle_at)
SELECT c.node ->> 'id', s.raw_data ->> 'id', c.node ->> 'title', c.node ->> 'firstName',
       c.node ->> 'middleName', c.node ->> 'lastName', c.node ->> 'suffix', c.node ->> 'role',
       c.node #>> '{defaultEmail,email}',
       coalesce(c.node #>> '{defaultPhone,phoneNumber}', c.node #>> '{defaultConfirmedMobilePhone,phoneNumber}'),
       c.node #>> '{defaultConfirmedMobilePhone,phoneNumber}', (c.node ->> 'wantsEmail')::boolean,
       (c.node ->> 'wantsPhone')::boolean, (c.node ->> 'wantsText')::boolean,
       (c.node ->> 'isDefault')::boolean, (c.node ->> 'isBillingDefault')::boolean,
       (c.node ->> 'archived')::boolean, (c.node ->> 'sortOrder')::int,
       (c.node ->> 'createdAt')::timestamptz, (c.node ->> 'updatedAt')::timestamptz, s.id, 1,
       s.fetched_at
  FROM raw.staging_clients s
 CROSS JOIN LATERAL jsonb_array_elements(s.raw_data #> '{allContacts,nodes}') AS c (node)
ON CONFLICT (external_id) DO UPDATE
   SET client_external_id = EXCLUDED.client_external_id, title = EXCLUDED.title,
       first_name = EXCLUDED.first_name, middle_name = EXCLUDED.middle_name,
       last_name = EXCLUDED.last_name, suffix = EXCLUDED.suffix, role = EXCLUDED.role,
       email = EXCLUDED.email, phone = EXCLUDED.phone, mobile_phone = EXCLUDED.mobile_phone,
       wants_email = EXCLUDED.wants_email, wants_phone = EXCLUDED.wants_phone,
       wants_text = EXCLUDED.wants_text, is_default = EXCLUDED.is_default,
       is_billing_default = EXCLUDED.is_billing_default, archived = EXCLUDED.archived,
       sort_order = EXCLUDED.sort_order, source_created_at = EXCLUDED.source_created_at,
       source_updated_at = EXCLUDED.source_updated_at, staging_id = EXCLUDED.staging_id,
       reconciler_version = EXCLUDED.reconciler_version,
       synced_from_gazelle_at = EXCLUDED.synced_from_gazelle_at;

INSERT INTO gazelle_locations
       (external_id, contact_external_id, client_external_id, usage_type, location_type, address_line1,
        address_line2, city, province, postal_code, country_code, latitude, longitude, what3words,
        geocode_type, is_bad_address, is_default, source_created_at, source_updated_at, staging_id,
        reconciler_version, synced_from_gazelle_at)
SELECT coalesce(l.node ->> 'id', concat(c.node ->> 'id', '/location/', l.position - 1)),
       c.node ->> 'id', s.raw_data ->> 'id', l.node ->> 'usageType', l.node ->> 'locationType',
       l.node ->> 'street1', l.node ->> 'street2', l.node ->> 'municipality', l.node ->> 'region',
       l.node ->> 'postalCode', l.node ->> 'countryCode', l.node ->> 'latitude',
       l.node ->> 'longitude', l.node ->> 'what3words', l.node ->> 'geocodeType',
       (l.node ->> 'isBadAddress')::boolean,
       coalesce(l.node ->> 'id' = c.node #>> '{defaultLocation,id}', false),
       (l.node ->> 'createdAt')::timestamptz, (l.node ->> 'updatedAt')::timestamptz, s.id, 1,
       s.fetched_at
  FROM raw.staging_clients s
 CROSS JOIN LATERAL jsonb_array_elements(s.raw_data #> '{allContacts,nodes}') AS c (node)
 CROSS JOIN LATERAL jsonb_array_elements(c.node #> '{allLocations,nodes}') WITH ORDINALITY AS l (node, position)
ON CONFLICT (external_id) DO UPDATE
   SET contact_external_id = EXCLUDED.contact_external_id,
       client_external_id = EXCLUDED.client_external_id, usage_type = EXCLUDED.usage_type,
       location_type = EXCLUDED.location_type, address_line1 = EXCLUDED.address_line1,
       address_line2 = EXCLUDED.address_line2, city = EXCLUDED.city, province = EXCLUDED.province,
       postal_code = EXCLUDED.postal_code, country_code = EXCLUDED.country_code,
       latitude = EXCLUDED.latitude, longitude = EXCLUDED.longitude, what3words = EXCLUDED.what3words,
       geocode_type = EXCLUDED.geocode_type, is_bad_address = EXCLUDED.is_bad_address,
       is_default = EXCLUDED.is_default, source_created_at = EXCLUDED.source_created_at,
       source_updated_at = EXCLUDED.source_updated_at, staging_id = EXCLUDED.staging_id,
       reconciler_version = EXCLUDED.reconciler_version,
       synced_from_gazelle_at = EXCLUDED.synced_from_gazelle_at;

INSERT INTO gazelle_pianos
       (external_id, client_external_id, make, model, serial_number, piano_type, manufacture_year,
        location_text, status, tags, notes, size, use_type, case_color, case_finish, reference_id,
        consignment, rental, rental_contract_ends_on, has_ivory, needs_repair_or_rebuilding,
        total_loss, potential_performance_level, player_installed, player_make, player_model,
        player_serial_number, dampp_chaser_installed, dampp_chaser_humidistat_model,
        dampp_chaser_mfg_date, service_interval_months, calculated_last_service,
        calculated_next_service, event_last_service, manual_last_service, next_service_override,
        lifecycle_state, source_created_at, source_updated_at, staging_id, reconciler_version,
        synced_from_gazelle_at)
SELECT s.raw_data ->> 'id', nullif(s.raw_data #>> '{client,id}', ''), s.raw_data ->> 'make',
       s.raw_data ->> 'model', s.raw_data ->> 'serialNumber', s.raw_data ->> 'type',
       (s.raw_data ->> 'year')::int, s.raw_data ->> 'location', s.raw_data ->> 'status',
       CASE WHEN jsonb_typeof(s.raw_data -> 'tags') = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(s.raw_data -> 'tags')) END,
       s.raw_data ->> 'notes', s.raw_data ->> 'size', s.raw_data ->> 'useType',
       s.raw_data ->> 'caseColor', s.raw_data ->> 'caseFinish', s.raw_data ->> 'referenceId',
       (s.raw_data ->> 'consignment')::boolean, (s.raw_data ->> 'rental')::boolean,
       (s.raw_data ->> 'rentalContractEndsOn')::date, (s.raw_data ->> 'hasIvory')::boolean,
       (s.raw_data ->> 'needsRepairOrRebuilding')::boolean, (s.raw_data ->> 'totalLoss')::boolean,
       (s.raw_data ->> 'potentialPerformanceLevel')::int, (s.raw_data ->> 'playerInstalled')::boolean,
       s.raw_data ->> 'playerMake', s.raw_data ->> 'playerModel', s.raw_data ->> 'playerSerialNumber',
       (s.raw_data ->> 'damppChaserInstalled')::boolean, s.raw_data ->> 'damppChaserHumidistatModel',
       (s.raw_data ->> 'damppChaserMfgDate')::date, (s.raw_data ->> 'serviceIntervalMonths')::int,
       (s.raw_data ->> 'calculatedLastService')::date, (s.raw_data ->> 'calculatedNextService')::date,
       (s.raw_data ->> 'eventLastService')::date, (s.raw_data ->> 'manualLastService')::date,
       (s.raw_data ->> 'nextServiceOverride')::date, s.raw_data ->> 'lifecycleState',
       (s.raw_data ->> 'createdAt')::timestamptz, (s.raw_data ->> 'updatedAt')::timestamptz, s.id, 1,
       s.fetched_at
  FROM raw.staging_pianos s
ON CONFLICT (external_id) DO UPDATE
   SET client_external_id = EXCLUDED.client_external_id, make = EXCLUDED.make, model = EXCLUDED.model,
       serial_number = EXCLUDED.serial_number, piano_type = EXCLUDED.piano_type,
       manufacture_year = EXCLUDED.manufacture_year, location_text = EXCLUDED.location_text,
       status = EXCLUDED.status, tags = EXCLUDED.tags, notes = EXCLUDED.notes, size = EXCLUDED.size,
       use_type = EXCLUDED.use_type, case_color = EXCLUDED.case_color,
       case_finish = EXCLUDED.case_finish, reference_id = EXCLUDED.reference_id,
       consignment = EXCLUDED.consignment, rental = EXCLUDED.rental,
       rental_contract_ends_on = EXCLUDED.rental_contract_ends_on, has_ivory = EXCLUDED.has_ivory,
       needs_repair_or_rebuilding = EXCLUDED.needs_repair_or_rebuilding,
       total_loss = EXCLUDED.total_loss,
       potential_performance_level = EXCLUDED.potential_performance_level,
       player_installed = EXCLUDED.player_installed, player_make = EXCLUDED.player_make,
       player_model = EXCLUDED.player_model, player_serial_number = EXCLUDED.player_serial_number,
       dampp_chaser_installed = EXCLUDED.dampp_chaser_installed,
       dampp_chaser_humidistat_model = EXCLUDED.dampp_chaser_humidistat_model,
       dampp_chaser_mfg_date = EXCLUDED.dampp_chaser_mfg_date,
       service_interval_months = EXCLUDED.service_interval_months,
       calculated_last_service = EXCLUDED.calculated_last_service,
       calculated_next_service = EXCLUDED.calculated_next_service,
       event_last_service = EXCLUDED.event_last_service,
       manual_last_service = EXCLUDED.manual_last_service,
       next_service_override = EXCLUDED.next_service_override,
       lifecycle_state = EXCLUDED.lifecycle_state, source_created_at = EXCLUDED.source_created_at,
       source_updated_at = EXCLUDED.source_updated_at, staging_id = EXCLUDED.staging_id,
       reconciler_version = EXCLUDED.reconciler_version,
       synced_from_gazelle_at = EXCLUDED.synced_from_gazelle_at;

INSERT INTO gazelle_appointments
       (external_id, appointment_date, appointment_time, duration_minutes, buffer_minutes, is_all_day,
        title, description, notes, status, event_type, client_external_id, contact_external_id,
        location_external_id, technician_external_id, confirmed_by_client, confirmed_at,
        confirmation_warning, lifecycle_state, source, event_timezone, travel_mode, address_line,
        latitude, longitude, recurrence_id, recurrence_type, recurrence_interval,
        recurrence_ending_date, created_by_external_id, source_created_at, source_updated_at,
        staging_id, reconciler_version, synced_from_gazelle_at)
SELECT s.raw_data ->> 'id', ((s.raw_data ->> 'start')::timestamptz AT TIME ZONE 'UTC')::date,
       ((s.raw_data ->> 'start')::timestamptz AT TIME ZONE 'UTC')::time,
       (s.raw_data ->> 'duration')::int, (s.raw_data ->> 'buffer')::int,
       (s.raw_data ->> 'isAllDay')::boolean, s.raw_data ->> 'title', s.raw_data ->> 'description',
       s.raw_data ->> 'notes', s.raw_data ->> 'status', s.raw_data ->> 'type',
       nullif(s.raw_data #>> '{client,id}', ''), client.default_contact_external_id,
       client.default_location_external_id, nullif(s.raw_data #>> '{user,id}', ''),
       (s.raw_data ->> 'confirmedByClient')::boolean, (s.raw_data ->> 'confirmedAt')::timestamptz,
       s.raw_data ->> 'confirmationWarning', s.raw_data ->> 'lifecycleState', s.raw_data ->> 'source',
       s.raw_data ->> 'timezone', s.raw_data ->> 'travelMode', s.raw_data ->> 'addressLine',
       (s.raw_data ->> 'lat')::float8, (s.raw_data ->> 'lng')::float8, s.raw_data ->> 'recurrenceId',
       s.raw_data ->> 'recurrenceType', (s.raw_data ->> 'recurrenceInterval')::int,
       (s.raw_data ->> 'recurrenceEndingDate')::date, nullif(s.raw_data #>> '{createdBy,id}', ''),
       (s.raw_data ->> 'createdAt')::timestamptz, (s.raw_data ->> 'updatedAt')::timestamptz, s.id, 1,
       s.fetched_at
  FROM raw.staging_appointments s
  LEFT JOIN gazelle_clients client ON client.external_id = s.raw_data #>> '{client,id}'
 WHERE s.raw_data ->> 'start' IS NOT NULL
ON CONFLICT (external_id) DO UPDATE
   SET appointment_date = EXCLUDED.appointment_date, appointment_time = EXCLUDED.appointment_time,
       duration_minutes = EXCLUDED.duration_minutes, buffer_minutes = EXCLUDED.buffer_minutes,
       is_all_day = EXCLUDED.is_all_day, title = EXCLUDED.title, description = EXCLUDED.description,
       notes = EXCLUDED.notes, status = EXCLUDED.status, event_type = EXCLUDED.event_type,
       client_external_id = EXCLUDED.client_external_id,
       contact_external_id = EXCLUDED.contact_external_id,
       location_external_id = EXCLUDED.location_external_id,
       technician_external_id = EXCLUDED.technician_external_id,
       confirmed_by_client = EXCLUDED.confirmed_by_client, confirmed_at = EXCLUDED.confirmed_at,
       confirmation_warning = EXCLUDED.confirmation_warning,
       lifecycle_state = EXCLUDED.lifecycle_state, source = EXCLUDED.source,
       event_timezone = EXCLUDED.event_timezone, travel_mode = EXCLUDED.travel_mode,
       address_line = EXCLUDED.address_line, latitude = EXCLUDED.latitude,
       longitude = EXCLUDED.longitude, recurrence_id = EXCLUDED.recurrence_id,
       recurrence_type = EXCLUDED.recurrence_type, recurrence_interval = EXCLUDED.recurrence_interval,
       recurrence_ending_date = EXCLUDED.recurrence_ending_date,
       created_by_external_id = EXCLUDED.created_by_external_id,
       source_created_at = EXCLUDED.source_created_at, source_updated_at = EXCLUDED.source_updated_at,
       staging_id = EXCLUDED.staging_id, reconciler_version = EXCLUDED.reconciler_version,
       synced_from_gazelle_at = EXCLUDED.synced_from_gazelle_at;

INSERT INTO gazelle_appointment_pianos
       (appointment_external_id, piano_external_id, is_tuning, source_updated_at, staging_id,
        reconciler_version, synced_from_gazelle_at)
SELECT s.raw_data ->> 'id', nullif(p.node #>> '{piano,id}', ''), (p.node ->> 'isTuning')::boolean,
       (s.raw_data ->> 'updatedAt')::timestamptz, s.id, 1, s.fetched_at
  FROM raw.staging_appointments s
 CROSS JOIN LATERAL jsonb_array_elements(s.raw_data #> '{allEventPianos,nodes}') AS p (node)
 WHERE s.raw_data ->> 'start' IS NOT NULL
ON CONFLICT (appointment_external_id, piano_external_id) DO UPDATE
   SET is_tuning = EXCLUDED.is_tuning, source_updated_at = EXCLUDED.source_updated_at,
       staging_id = EXCLUDED.staging_id, reconciler_version = EXCLUDED.reconciler_version,
       synced_from_gazelle_at = EXCLUDED.synced_from_gazelle_at;
