//! Reads the people, with the technicians that one of them may be.

use uuid::Uuid;

use crate::dashboard::page::{Frame, PageRequest, Screen};
use crate::dashboard::screens::today::read::technicians;
use crate::dashboard::site::{PageError, Site};
use crate::people::{self, ListedPerson};

pub(super) use crate::dashboard::screens::today::read::Technician;

/// All people, the technicians, and the frame of their page.
pub(super) async fn all(
    site: &Site,
    asked: &PageRequest,
) -> Result<(Vec<ListedPerson>, Vec<Technician>, Frame), PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let people = people::list(&snapshot.tx).await.map_err(|error| site.failed(&error))?;
    let technicians = technicians(&snapshot.tx).await.map_err(|error| site.failed(&error))?;
    Ok((people, technicians, site.frame(asked, Screen::People, &snapshot)))
}

/// The same of one person; none without such a person.
pub(super) async fn one(
    site: &Site,
    asked: &PageRequest,
    id: Uuid,
) -> Result<Option<(ListedPerson, Vec<Technician>, Frame)>, PageError> {
    let mut reader = site.reader(asked).await?;
    let snapshot = reader.snapshot(site).await?;
    let one = people::list_one(&snapshot.tx, id).await.map_err(|error| site.failed(&error))?;
    let technicians = technicians(&snapshot.tx).await.map_err(|error| site.failed(&error))?;
    let frame = site.frame(asked, Screen::People, &snapshot);
    Ok(one.map(|one| (one, technicians, frame)))
}
