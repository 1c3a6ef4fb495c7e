//! Splits the fields of a query where the API refuses a query with all of them: at most so many fields and levels a query,
//! as few queries as that takes. What is too deep in a list is asked for by the id of the record, or of what it holds.

use super::fields::{self, Field, Place};
use crate::entities::{Entity, Getter, Nested};

/// With fewer fields a query does not even have what makes it a page, and a record's id.
pub(crate) const FEWEST_FIELDS: u32 = 10;

/// As much as one query may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Names of fields.
    pub fields: u32,
    /// Levels of fields.
    pub levels: u32,
}

impl Bounds {
    /// No limit is known.
    pub const NONE: Bounds = Bounds { fields: u32::MAX, levels: u32::MAX };

    /// What is tried where a query for one record takes too long: a quarter of the fields at once. None where it is no less.
    pub fn a_quarter_of(self, entity: &Entity) -> Option<Bounds> {
        let fields = (usual_fields(entity) / 4).max(FEWEST_FIELDS);
        (fields < self.fields).then_some(Bounds { fields, ..self })
    }
}

/// How one object is asked for by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ById {
    /// `contact(id: $id)`
    pub root: String,
    /// `contact`
    pub name: String,
    pub operation: String,
}

impl ById {
    fn of_query(query: &str, operation: &str) -> Option<ById> {
        let root = fields::of_query(query).into_iter().next()?;
        Some(ById { root: root.head(), name: root.name, operation: format!("{operation}Part") })
    }
}

/// What is asked for of objects inside a record by their own ids.
#[derive(Debug)]
pub(crate) struct Inside {
    /// The connection whose nodes they are.
    pub list: &'static str,
    pub by_id: ById,
    /// All that the record's query asks of one.
    pub all: Vec<Field>,
    pub parts: Vec<Vec<Field>>,
}

/// Several queries in place of one.
#[derive(Debug)]
pub(crate) struct PartPlan {
    /// All that the one query asks of a record.
    pub all: Vec<Field>,
    /// What is asked for in its place; at least one part.
    pub parts: Vec<Vec<Field>>,
    /// What is asked for of each record by its id.
    pub of_record: Option<(ById, Vec<Vec<Field>>)>,
    /// What is asked for of what it holds.
    pub inside: Option<Inside>,
}

/// Why there is no plan.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoPlan {
    /// The query as it is keeps within the bounds.
    Fits,
    /// No query would.
    TooDeep,
}

/// A way to ask for a leaf.
struct LeafQuery {
    /// Fields and levels of the query around what is asked.
    around: (usize, usize),
    /// Where its objects are in the record.
    from: Place,
}

impl LeafQuery {
    /// How many fields and levels it takes to ask for this leaf alone; none where it is no way to it.
    fn cost(&self, all: &[Field], (place, levels): &(Place, usize)) -> Option<(usize, usize)> {
        let inside = place.strip_prefix(self.from.as_slice())?;
        let fields = self.from.iter().fold(all, |fields, index| &fields[*index].inside);
        // What the objects are found by must have come before.
        if !self.from.is_empty() && inside.len() == 1 && fields[inside[0]].name == "id" {
            return None;
        }
        let asked = fields::only(fields, &[inside]);
        Some((self.around.0 + fields::count(&asked), self.around.1 + levels - self.from.len()))
    }
}

impl PartPlan {
    /// For a page of a walk.
    pub fn of_page(entity: &Entity, bounds: Bounds) -> Result<PartPlan, NoPlan> {
        let own = entity.getter.as_ref().and_then(|getter| ById::of_query(&getter.query, getter.operation));
        Self::of(&entity.walk.page_query, &[entity.walk.root, "nodes"], own, holder(entity), bounds)
    }

    /// For a getter.
    pub fn of_getter(entity: &Entity, getter: &Getter, bounds: Bounds) -> Result<PartPlan, NoPlan> {
        Self::of(&getter.query, getter.path, None, holder(entity), bounds)
    }

    /// For a page of a connection inside a record.
    pub fn of_nested(entity: &Entity, nested: &Nested, bounds: Bounds) -> Result<PartPlan, NoPlan> {
        let own = holder(entity).filter(|(list, _)| nested.path == [*list]).map(|(_, by_id)| by_id);
        let path = [nested.answer, &["nodes"]].concat();
        Self::of(&nested.query, &path, own, None, bounds)
    }

    fn of(
        query: &str,
        path: &[&str],
        own: Option<ById>,
        holder: Option<(&'static str, ById)>,
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
        let inside = holder.as_ref().and_then(|(list, _)| fields::place_of(&all, &[list, "nodes"]));
        let first_inside = ways.len();
        ways.extend(inside.map(|from| LeafQuery { around: (1, 1), from }));

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
        let group = |way: usize| together(&all, &ways[way], &chosen[way], most.0);
        let mut parts = group(0);
        if parts.is_empty() {
            parts.push(fields::only(&all, &[]));
        }
        let of_record = own.map(|by_id| (by_id, group(1))).filter(|(_, parts)| !parts.is_empty());
        let inside = holder.filter(|_| ways.len() > first_inside).map(|(list, by_id)| Inside {
            list,
            by_id,
            all: fields::at(&all, &[list, "nodes"]).to_vec(),
            parts: group(first_inside),
        });
        Ok(PartPlan { all, parts, of_record, inside: inside.filter(|inside| !inside.parts.is_empty()) })
    }
}

/// Groups leaves, in their order, so that a query for a group keeps within the number of fields; a leaf that does not is alone.
fn together(all: &[Field], way: &LeafQuery, leaves: &[Place], most: usize) -> Vec<Vec<Field>> {
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

/// The connection of a record whose nodes can be asked for by ids of their own, since they hold connections themselves.
fn holder(entity: &Entity) -> Option<(&'static str, ById)> {
    entity.nested().find_map(|nested| match nested.path {
        [list, _] => Some((*list, ById::of_query(&nested.query, nested.operation)?)),
        _ => None,
    })
}

/// The fewest levels with which all of an entity can be read.
pub fn fewest_levels(entity: &Entity) -> u32 {
    let is_enough = |levels: &u32| {
        let bounds = Bounds { levels: *levels, ..Bounds::NONE };
        let is_too_deep = |plan: Result<PartPlan, NoPlan>| matches!(plan, Err(NoPlan::TooDeep));
        !is_too_deep(PartPlan::of_page(entity, bounds))
            && entity.getter.iter().all(|getter| !is_too_deep(PartPlan::of_getter(entity, getter, bounds)))
            && entity.nested().all(|nested| !is_too_deep(PartPlan::of_nested(entity, nested, bounds)))
    };
    match entity.walk.shape {
        // It has no way but the one.
        crate::entities::Shape::PlainList => usual_levels(entity),
        crate::entities::Shape::Connection { .. } => {
            (3..usual_levels(entity)).find(is_enough).unwrap_or(usual_levels(entity))
        }
    }
}

/// The levels of an entity's largest query.
pub fn usual_levels(entity: &Entity) -> u32 {
    u32::try_from(entity.walk.levels()).unwrap_or(u32::MAX)
}

/// The fields of an entity's largest query.
pub fn usual_fields(entity: &Entity) -> u32 {
    u32::try_from(fields::count(&fields::of_query(&entity.walk.page_query))).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::entities::{appointments, clients, pianos, users};

    /// Where the plain values are that these fields ask for.
    fn places(fields: &[Field], under: &str) -> BTreeSet<String> {
        let of = |field: &Field| {
            let place = format!("{under}.{}", field.name);
            if field.inside.is_empty() { BTreeSet::from([place]) } else { places(&field.inside, &place) }
        };
        fields.iter().flat_map(of).collect()
    }

    #[test]
    fn no_part_exceeds_its_bounds_and_together_they_ask_for_all() {
        for entity in [&clients::ENTITY, &pianos::ENTITY, &appointments::ENTITY] {
            for levels in fewest_levels(entity)..=7 {
                for fields in [14, 20, 33, 50, 97, u32::MAX] {
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
                    check(&plan.parts, (6, 2), "");
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
}
