//! Random orders of arrival, and after which arrivals stage 2 runs.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::made::{APPOINTMENT, CLIENT, EntityFixture, SHARING, VersionContent, arrive, held, stage_pianos};
use crate::support::TestInstallation;

/// Versions of three ids: which id, what it says; the position is the time at which it was seen.
type Versions = Vec<(u8, VersionContent)>;

fn version_content() -> impl Strategy<Value = VersionContent> {
    prop_oneof![6 => (0u8..8).prop_map(VersionContent::Good), 2 => Just(VersionContent::Faulty), 2 => Just(VersionContent::Gone)]
}

/// Versions, the order in which they arrive, and after which arrivals stage 2 runs.
fn histories() -> impl Strategy<Value = (Versions, Vec<usize>, Vec<bool>)> {
    prop::collection::vec((0u8..3, version_content()), 1..12).prop_flat_map(|versions| {
        let order: Vec<usize> = (0..versions.len()).collect();
        let runs = prop::collection::vec(prop::bool::weighted(0.3), versions.len());
        (Just(versions), Just(order).prop_shuffle(), runs)
    })
}
/// What production must hold once these have arrived: the title of each id that exists.
fn model(versions: &Versions, arrived: &[usize]) -> BTreeMap<String, String> {
    let mut newest: BTreeMap<u8, (usize, VersionContent)> = BTreeMap::new();
    for &position in arrived {
        let (id, says) = versions[position];
        if says != VersionContent::Faulty && newest.get(&id).is_none_or(|(held, _)| *held < position) {
            newest.insert(id, (position, says));
        }
    }
    newest
        .into_iter()
        .filter_map(|(id, (_, says))| match says {
            VersionContent::Good(title) => Some((format!("rec_{id}"), format!("title {title}"))),
            _ => None,
        })
        .collect()
}
async fn check(
    place: &TestInstallation,
    kind: &EntityFixture,
    (versions, order, runs): (Versions, Vec<usize>, Vec<bool>),
) -> Result<(), TestCaseError> {
    let entity = kind.entity;
    let truncate = format!("TRUNCATE gazelle_{entity} CASCADE");
    place.execute(&format!("{truncate}; TRUNCATE staging_{entity}, sync_quarantine")).await;
    for (count, &position) in order.iter().enumerate() {
        arrive(place, kind, count, position, versions[position]).await;
        if runs[count] || count + 1 == order.len() {
            place.run(&["reconcile"]).await.success();
            prop_assert_eq!(
                held(place, kind).await,
                model(&versions, &order[..=count]),
                "after {} arrivals",
                count + 1
            );
        }
    }
    let pending: i64 =
        place.one(&format!("SELECT count(*) FROM staging_{entity} WHERE sync_status = 'pending'"), &[]).await;
    prop_assert_eq!(pending, 0);
    // Members that came and went, times of deletion and lineage included.
    let last = place.production(kind.without).await;
    let verified = place.run(&["verify", "--offline"]).await;
    prop_assert_eq!(verified.code, 0, "{}", verified);

    place.run(&["replay"]).await.success();
    prop_assert_eq!(&place.production(kind.without).await, &last, "a replay changes nothing");
    place
        .execute(&format!(
            "{truncate};
             UPDATE staging_{entity} SET sync_status = 'pending' WHERE sync_status = 'processed'"
        ))
        .await;
    place.run(&["reconcile"]).await.success();
    prop_assert_eq!(&place.production(kind.without).await, &last, "the rollback gives the same");
    place.execute(&truncate).await;
    place.run(&["replay"]).await.success();
    prop_assert_eq!(&place.production(kind.without).await, &last, "a replay from nothing gives the same");

    // The quarantine holds the faulty versions that no newer good one has made moot, and no others.
    let open: i64 = place
        .one(
            &format!(
                "SELECT count(*) FROM sync_quarantine q JOIN staging_{entity} s ON s.id = q.staging_id
                  WHERE q.state = 'open' AND EXISTS (
                        SELECT 1 FROM staging_{entity} newer
                         WHERE newer.external_id = s.external_id AND newer.fetched_at > s.fetched_at
                           AND newer.sync_status = 'processed' AND newer.error_code IS NULL)"
            ),
            &[],
        )
        .await;
    prop_assert_eq!(open, 0, "moot cases are still open");
    Ok(())
}

fn whatever_the_order_of_arrival(kind: &EntityFixture) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let place = runtime.block_on(async {
        let place = TestInstallation::new().await;
        place.run(&["migrate"]).await.success();
        if kind.entity == APPOINTMENT.entity {
            stage_pianos(&place).await;
        }
        place
    });
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 40, ..Config::default() };
    let outcome =
        TestRunner::new(config).run(&histories(), |history| runtime.block_on(check(&place, kind, history)));
    runtime.block_on(async { drop(place) });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn whatever_the_order_of_arrival_production_holds_the_newest_good_version() {
    whatever_the_order_of_arrival(&APPOINTMENT);
}

#[test]
fn whatever_the_order_of_arrival_contacts_belong_to_the_client_seen_last_with_them() {
    whatever_the_order_of_arrival(&SHARING);
}

#[test]
fn whatever_the_order_of_arrival_contacts_are_as_the_versions_of_their_client_say() {
    whatever_the_order_of_arrival(&CLIENT);
}
