//! The viewer of a page and the viewer's permissions.

use uuid::Uuid;

use crate::people::{Person, SignedIn};
use crate::states::Role;

/// Who a route is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteAccess {
    /// A file that every page loads; the database is not asked who wants it.
    File,
    /// Whoever has the link: its secret is in the address, and the handler looks it up.
    Link,
    /// Anybody, once somebody is invited: these are the pages to sign in with.
    Anyone,
    /// Whoever is signed in and has at least this role.
    Role(Role),
}

/// Who sent a request.
#[derive(Debug, Clone)]
pub(crate) enum Viewer {
    /// The database is the demonstration's, which is shown without sign-in.
    Demo,
    /// Nobody signed in.
    Nobody,
    /// Somebody signed in.
    Person(SignedIn),
}

impl Viewer {
    /// Whether a route is for this viewer. Without people, the demonstration is shown whole.
    pub(crate) fn may(&self, access: RouteAccess) -> bool {
        match (self, access) {
            (_, RouteAccess::File | RouteAccess::Link | RouteAccess::Anyone) | (Viewer::Demo, _) => true,
            (Viewer::Nobody, RouteAccess::Role(_)) => false,
            (Viewer::Person(signed), RouteAccess::Role(role)) => signed.person.role >= role,
        }
    }

    /// The person who is signed in.
    pub(crate) fn person(&self) -> Option<&Person> {
        match self {
            Viewer::Person(signed) => Some(&signed.person),
            Viewer::Demo | Viewer::Nobody => None,
        }
    }

    /// The session of the person who is signed in.
    pub(crate) fn session(&self) -> Option<Uuid> {
        match self {
            Viewer::Person(signed) => Some(signed.session()),
            Viewer::Demo | Viewer::Nobody => None,
        }
    }

    /// The id at Gazelle of a technician, who sees what is their own alone; none for whoever sees everything.
    pub(crate) fn own(&self) -> Option<&str> {
        let person = self.person().filter(|person| person.role == Role::Technician)?;
        // A constraint of the table: a technician has an id. Without one there is nothing to see.
        Some(person.technician.as_deref().unwrap_or("usr_nobody"))
    }

    pub(crate) fn is_demo(&self) -> bool {
        matches!(self, Viewer::Demo)
    }
}
