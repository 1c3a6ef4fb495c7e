//! Splits a query that the API refuses into several with fewer fields or levels, as few as possible. What is
//! too deep for a query of the list is requested by the id of the record, or by the id of an object inside it.

use super::fields::{self, Field, Place};
use crate::entities::{ApiList, Entity, Getter, Nested};

/// Below this number a query has no room for the fields of a page (`pageInfo`, `totalCount`) and a record's id.
const FEWEST_FIELDS: u32 = 10;
/// The same for a list without pages: its name, a record's id and time of change, and one field.
const FEWEST_FIELDS_OF_PLAIN_LIST: u32 = 4;

/// The smallest limit of field names for an entity's queries.
pub(crate) fn fewest_fields(entity: &Entity) -> u32 {
    match entity.walk.shape {
        ApiList::PlainList => FEWEST_FIELDS_OF_PLAIN_LIST,
        ApiList::Connection { .. } => FEWEST_FIELDS,
    }
}

/// The path of the records in the answer to an entity's page query.
pub(crate) fn path_of_records(entity: &Entity) -> Vec<&'static str> {
    match entity.walk.shape {
        ApiList::PlainList => vec![entity.walk.root],
        ApiList::Connection { .. } => vec![entity.walk.root, "nodes"],
    }
}

/// The largest query that may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Number of field names.
    pub fields: u32,
    /// Depth of the selection.
    pub levels: u32,
}

impl Bounds {
    /// No limit is known.
    pub const NONE: Bounds = Bounds { fields: u32::MAX, levels: u32::MAX };

    /// A quarter of the entity's fields, for a query that took too long; none if the limit is that low already.
    pub fn quarter_of_fields(self, entity: &Entity) -> Option<Bounds> {
        let fields = (usual_fields(entity) / 4).max(fewest_fields(entity));
        (fields < self.fields).then_some(Bounds { fields, ..self })
    }
}

/// How to query one object by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ById {
    /// The root field with its arguments, such as `contact(id: $id)`.
    pub root: String,
    /// The root field's name, such as `contact`.
    pub name: String,
    pub operation: String,
}

impl ById {
    fn of_query(query: &str, operation: &str) -> Option<ById> {
        let root = fields::of_query(query).into_iter().next()?;
        Some(ById { root: root.head(), name: root.name, operation: format!("{operation}Part") })
    }
}

/// The queries for objects inside a record, each by its own id.
#[derive(Debug)]
pub(crate) struct ObjectsInside {
    /// The connection that holds the objects.
    pub list: &'static str,
    pub by_id: ById,
    /// All fields that the record's query selects of such an object.
    pub all: Vec<Field>,
    pub parts: Vec<Vec<Field>>,
}

/// The queries that replace one query.
#[derive(Debug)]
pub(crate) struct PartPlan {
    /// All fields that the one query selects of a record.
    pub all: Vec<Field>,
    /// The fields of each query that replaces the one; at least one query.
    pub parts: Vec<Vec<Field>>,
    /// The fields of each query by the record's own id.
    pub of_record: Option<(ById, Vec<Vec<Field>>)>,
    /// The queries for objects inside the record, by the list that holds them.
    pub inside: Vec<ObjectsInside>,
}

/// Why there is no plan.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoPlan {
    /// The query needs no splitting.
    Fits,
    /// No split makes the query shallow enough.
    TooDeep,
}

/// One kind of query that can fetch a leaf.
struct LeafQuery {
    /// Fields and levels that the query needs around the selection.
    around: (usize, usize),
    /// The position in the record of the object that this kind of query returns.
    from: Place,
}

impl LeafQuery {
    /// The number of fields and levels of a query for this leaf alone; none if this kind of query does not
    /// reach the leaf.
    fn cost(&self, all: &[Field], (place, levels): &(Place, usize)) -> Option<(usize, usize)> {
        let inside = place.strip_prefix(self.from.as_slice())?;
        let fields = self.from.iter().fold(all, |fields, index| &fields[*index].inside);
        // The list must have given the ids by which these objects are queried.
        if !self.from.is_empty() && inside.len() == 1 && fields[inside[0]].name == "id" {
            return None;
        }
        let asked = fields::only(fields, &[inside]);
        Some((self.around.0 + fields::count(&asked), self.around.1 + levels - self.from.len()))
    }
}

impl PartPlan {
    /// Splits the query for a page of a walk.
    ///
    /// # Errors
    /// [`NoPlan`]: the query fits as it is, or no split makes it shallow enough.
    pub fn of_page(entity: &Entity, bounds: Bounds) -> Result<PartPlan, NoPlan> {
        let own = entity.getter.as_ref().and_then(|getter| ById::of_query(&getter.query, getter.operation));
        Self::of(&entity.walk.page_query, &path_of_records(entity), own, holders(entity), bounds)
    }

    /// Splits the query for a list without pages, of which only some fields are requested.
    pub fn of_plain_list(fields: Vec<Field>, bounds: Bounds) -> PartPlan {
        let around = LeafQuery { around: (1, 1), from: Vec::new() };
        let leaves: Vec<Place> = fields::leaves(&fields).into_iter().map(|(place, _)| place).collect();
        let parts = match fields::count(&fields) < bounds.fields as usize {
            true => vec![fields.clone()],
            false => group_leaves(&fields, &around, &leaves, bounds.fields as usize),
        };
        PartPlan { all: fields, parts, of_record: None, inside: Vec::new() }
    }

    /// Splits the query of a getter.
    ///
    /// # Errors
    /// [`NoPlan`]: the query fits as it is, or no split makes it shallow enough.
    pub fn of_getter(entity: &Entity, getter: &Getter, bounds: Bounds) -> Result<PartPlan, NoPlan> {
        Self::of(&getter.query, getter.path, None, holders(entity), bounds)
    }

    /// Splits the query for a page of a connection inside a record.
    ///
    /// # Errors
    /// [`NoPlan`]: the query fits as it is, or no split makes it shallow enough.
    pub fn of_nested(entity: &Entity, nested: &Nested, bounds: Bounds) -> Result<PartPlan, NoPlan> {
        let own = holders(entity).into_iter().find(|(list, _)| nested.path == [*list]);
        let own = own.map(|(_, by_id)| by_id);
        let path = [nested.answer, &["nodes"]].concat();
        Self::of(&nested.query, &path, own, Vec::new(), bounds)
    }

    fn of(
        query: &str,
        path: &[&str],
        own: Option<ById>,
        holders: Vec<(&'static str, ById)>,
        bounds: Bounds,
    ) -> Result<PartPlan, NoPlan> {
        if bounds == Bounds::NONE {
            return Err(NoPlan::Fits);
        }
        let whole = fields::of_query(query);
        let all = fields::at(&whole, path).to_vec();
        let most = (bounds.fields as usize, bounds.levels as usize);
        let size = (fields::count(&whole), fields::levels(&whole));
        if size.0 <= most.0 && size.1 <= most.1 || all.is_empty() {
            return Err(NoPlan::Fits);
        }
        let mut ways =
            vec![LeafQuery { around: (size.0 - fields::count(&all), path.len()), from: Vec::new() }];
        if own.is_some() {
            ways.push(LeafQuery { around: (1, 1), from: Vec::new() });
        }
        let first_inside = ways.len();
        let mut inside = Vec::new();
        for (list, by_id) in holders {
            let Some(from) = fields::place_of(&all, &[list, "nodes"]) else { continue };
            ways.push(LeafQuery { around: (1, 1), from });
            inside.push((list, by_id));
        }

        let mut chosen: Vec<Vec<Place>> = ways.iter().map(|_| Vec::new()).collect();
        for leaf in fields::leaves(&all) {
            let costs = ways.iter().enumerate().filter_map(|(way, of)| Some((way, of.cost(&all, &leaf)?)));
            let bearable: Vec<(usize, usize)> =
                costs.filter(|(_, cost)| cost.1 <= most.1).map(|(way, cost)| (way, cost.0)).collect();
            let small = bearable.iter().find(|(_, fields)| *fields <= most.0);
            let cheapest = || bearable.iter().min_by_key(|(_, fields)| *fields);
            let (way, _) = small.or_else(cheapest).ok_or(NoPlan::TooDeep)?;
            chosen[*way].push(leaf.0);
        }
        let group = |way: usize| group_leaves(&all, &ways[way], &chosen[way], most.0);
        let mut parts = group(0);
        if parts.is_empty() {
            parts.push(fields::only(&all, &[]));
        }
        let of_record = own.map(|by_id| (by_id, group(1))).filter(|(_, parts)| !parts.is_empty());
        let inside = inside.into_iter().zip(first_inside..).map(|((list, by_id), way)| {
            let all = fields::at(&all, &[list, "nodes"]).to_vec();
            ObjectsInside { list, by_id, all, parts: group(way) }
        });
        let inside = inside.filter(|inside| !inside.parts.is_empty()).collect();
        Ok(PartPlan { all, parts, of_record, inside })
    }
}

/// Groups leaves, in their order, into queries within the limit of fields. A leaf that exceeds it gets a query
/// of its own.
fn group_leaves(all: &[Field], way: &LeafQuery, leaves: &[Place], most: usize) -> Vec<Vec<Field>> {
    let fields = way.from.iter().fold(all, |fields, index| &fields[*index].inside);
    let mut groups: Vec<Vec<Field>> = Vec::new();
    let mut group: Vec<&[usize]> = Vec::new();
    for leaf in leaves {
        let leaf = leaf.strip_prefix(way.from.as_slice()).unwrap_or_default();
        let with = [group.as_slice(), &[leaf]].concat();
        if group.is_empty() || way.around.0 + fields::count(&fields::only(fields, &with)) <= most {
            group = with;
        } else {
            groups.push(fields::only(fields, &group));
            group = vec![leaf];
        }
    }
    if !group.is_empty() {
        groups.push(fields::only(fields, &group));
    }
    groups
}

/// The connections whose nodes hold connections themselves, and so have a query by their own id.
fn holders(entity: &Entity) -> Vec<(&'static str, ById)> {
    let mut holders: Vec<(&'static str, ById)> = Vec::new();
    for nested in entity.nested() {
        let [list, _] = nested.path else { continue };
        if holders.iter().all(|(known, _)| known != list)
            && let Some(by_id) = ById::of_query(&nested.query, nested.operation)
        {
            holders.push((list, by_id));
        }
    }
    holders
}

/// The smallest limit of levels with which every field of an entity can still be read.
pub fn fewest_levels(entity: &Entity) -> u32 {
    let is_enough = |levels: &u32| {
        let bounds = Bounds { levels: *levels, ..Bounds::NONE };
        let is_too_deep = |plan: Result<PartPlan, NoPlan>| matches!(plan, Err(NoPlan::TooDeep));
        !is_too_deep(PartPlan::of_page(entity, bounds))
            && entity.getter.iter().all(|getter| !is_too_deep(PartPlan::of_getter(entity, getter, bounds)))
            && entity.nested().all(|nested| !is_too_deep(PartPlan::of_nested(entity, nested, bounds)))
    };
    match entity.walk.shape {
        // A list without pages has no fields of its own to leave out.
        ApiList::PlainList => usual_levels(entity),
        ApiList::Connection { .. } => {
            (3..usual_levels(entity)).find(is_enough).unwrap_or(usual_levels(entity))
        }
    }
}

/// The number of levels of an entity's largest query.
pub fn usual_levels(entity: &Entity) -> u32 {
    u32::try_from(entity.walk.levels()).unwrap_or(u32::MAX)
}

/// The number of fields of an entity's largest query.
pub fn usual_fields(entity: &Entity) -> u32 {
    u32::try_from(fields::count(&fields::of_query(&entity.walk.page_query))).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::entities::made_up::ESTIMATES;
    use crate::entities::{appointments, clients, pianos, users};

    /// The paths of all scalars that these fields select.
    fn places(fields: &[Field], under: &str) -> BTreeSet<String> {
        let of = |field: &Field| {
            let place = format!("{under}.{}", field.name);
            if field.inside.is_empty() { BTreeSet::from([place]) } else { places(&field.inside, &place) }
        };
        fields.iter().flat_map(of).collect()
    }

    #[test]
    fn no_part_exceeds_its_bounds_and_together_they_ask_for_all() {
        for entity in [&users::ENTITY, &clients::ENTITY, &pianos::ENTITY, &appointments::ENTITY] {
            let (own, around) = match entity.walk.shape {
                ApiList::PlainList => (4, (1, 1)),
                ApiList::Connection { .. } => (14, (6, 2)),
            };
            for levels in fewest_levels(entity)..=7 {
                for fields in [own, 14, 20, 33, 50, 97, u32::MAX] {
                    let plan = match PartPlan::of_page(entity, Bounds { fields, levels }) {
                        Ok(plan) => plan,
                        Err(NoPlan::Fits) => continue,
                        Err(NoPlan::TooDeep) => panic!("{} at {levels}", entity.name),
                    };
                    let mut asked = BTreeSet::new();
                    let mut check = |parts: &[Vec<Field>], around: (usize, usize), under: &str| {
                        for part in parts {
                            let size = (around.0 + fields::count(part), around.1 + fields::levels(part));
                            assert!(
                                size.0 <= fields as usize && size.1 <= levels as usize,
                                "{size:?}: {part:?}"
                            );
                            asked.extend(places(part, under));
                        }
                    };
                    check(&plan.parts, around, "");
                    plan.of_record.iter().for_each(|(_, parts)| check(parts, (1, 1), ""));
                    plan.inside.iter().for_each(|inside| {
                        check(&inside.parts, (1, 1), &format!(".{}.nodes", inside.list));
                    });
                    assert_eq!(asked, places(&plan.all, ""), "{} at {levels}, {fields}", entity.name);
                }
            }
        }
    }

    #[test]
    fn the_fewest_levels_are_those_that_the_documents_name() {
        for (entity, fewest) in
            [(&users::ENTITY, 2), (&pianos::ENTITY, 3), (&clients::ENTITY, 4), (&appointments::ENTITY, 5)]
        {
            assert_eq!(fewest_levels(entity), fewest, "{}", entity.name);
        }
    }

    #[test]
    fn the_objects_of_every_list_that_holds_lists_are_asked_for_by_their_ids() {
        // Too deep for a query of the list, and not for one by the id of a tier or of an option.
        let plan = PartPlan::of_page(&ESTIMATES, Bounds { fields: u32::MAX, levels: 6 }).unwrap();
        let by_id: Vec<(&str, &str)> =
            plan.inside.iter().map(|inside| (inside.list, inside.by_id.root.as_str())).collect();
        assert_eq!(by_id, [("allTiers", "tier(id: $id)"), ("allOptions", "option(id: $id)")]);
        let mut asked: BTreeSet<String> = plan.parts.iter().flat_map(|part| places(part, "")).collect();
        for inside in &plan.inside {
            let under = format!(".{}.nodes", inside.list);
            asked.extend(inside.parts.iter().flat_map(|part| places(part, &under)));
        }
        assert_eq!(asked, places(&plan.all, ""));
    }
}
