-- Records of an entity that refer to the record $1: the latest, or if they have no time, those in use first.
(SELECT {place} AS place, '{entity}' AS entity, child.external_id, {start_at} AS start_at
   FROM {schema}.{records} child
  WHERE {condition}
  ORDER BY {order}
  LIMIT {most})
