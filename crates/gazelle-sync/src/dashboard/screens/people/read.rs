//! Reads the people, with the technicians that one of them may be.

use jiff::Timestamp;
use uuid::Uuid;

use crate::dashboard::page::Asked;
use crate::dashboard::screens::today::read::technicians;
use crate::dashboard::site::{Site, Trouble};
use crate::people::{self, Listed};

pub(super) use crate::dashboard::screens::today::read::Technician;

/// All people, the technicians, and the database's time.
pub(super) async fn all(
    site: &Site,
    asked: &Asked,
) -> Result<(Vec<Listed>, Vec<Technician>, Timestamp), Trouble> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let people = people::list(&snapshot.tx).await.map_err(|error| site.failed(&error))?;
    let technicians = technicians(&snapshot.tx).await.map_err(|error| site.failed(&error))?;
    Ok((people, technicians, snapshot.now))
}

/// The same of one person; none without such a person.
pub(super) async fn one(
    site: &Site,
    asked: &Asked,
    id: Uuid,
) -> Result<Option<(Listed, Vec<Technician>, Timestamp)>, Trouble> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let one = people::list_one(&snapshot.tx, id).await.map_err(|error| site.failed(&error))?;
    let technicians = technicians(&snapshot.tx).await.map_err(|error| site.failed(&error))?;
    Ok(one.map(|one| (one, technicians, snapshot.now)))
}
