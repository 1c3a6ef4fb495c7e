//! Remembers the highest counter of encrypted tokens seen by this machine, in a file of the data folder. Someone
//! with write access to the table could restore an older row, but cannot write this file.

use std::io;
use std::path::{Path, PathBuf};

use crate::private_files::{self, beside};

/// The counter of one store. If the folder is unusable nothing is remembered, and that is logged.
pub(super) struct LastSeen {
    path: PathBuf,
}

impl LastSeen {
    /// In the data folder; `of` identifies the store, including the key.
    pub fn new(data_dir: &Path, of: &[&str]) -> LastSeen {
        let of =
            blake3::derive_key("gazelle-sync 2026 where sealed tokens were seen", of.join("\0").as_bytes());
        let name = blake3::Hash::from_bytes(of).to_hex();
        LastSeen { path: data_dir.join(format!("tokens-{}.seen", &name[..16])) }
    }

    /// The highest counter seen; `None` if none was seen or the file is unreadable.
    pub async fn counter(&self) -> Option<u64> {
        self.try_to("read", |path| read(&path)).await.flatten()
    }

    /// Stores a counter, unless a higher one is stored.
    pub async fn note(&self, counter: u64) {
        let noted = self.try_to("write", move |path| {
            let lock = private_files::open_lock(&beside(&path, ".lock"))?;
            lock.lock()?;
            match read(&path)? {
                Some(seen) if seen >= counter => Ok(()),
                _ => private_files::replace(&path, format!("{counter}\n").as_bytes()),
            }
        });
        noted.await;
    }

    async fn try_to<T: Send + 'static>(
        &self,
        what: &str,
        work: impl FnOnce(PathBuf) -> io::Result<T> + Send + 'static,
    ) -> Option<T> {
        let path = self.path.clone();
        let outcome = tokio::task::spawn_blocking(move || work(path)).await;
        match outcome.map_err(io::Error::other).and_then(|outcome| outcome) {
            Ok(done) => Some(done),
            Err(error) => {
                tracing::warn!(
                    "cannot {what} {}, where the age of the sealed tokens is kept ({error}): older ones put back into the \
                     database would not be noticed",
                    self.path.display()
                );
                None
            }
        }
    }
}

/// A file without a number counts as empty; it is rewritten with the next tokens.
fn read(path: &Path) -> io::Result<Option<u64>> {
    let bytes = private_files::read(path)?;
    Ok(bytes.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_highest_counter_of_each_place_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let (one, other) = (LastSeen::new(&data, &["a", "b"]), LastSeen::new(&data, &["a", "c"]));
        assert_eq!(one.counter().await, None);
        for (noted, kept) in [(5, 5), (4, 5), (u64::MAX, u64::MAX), (7, u64::MAX)] {
            one.note(noted).await;
            assert_eq!(one.counter().await, Some(kept), "{noted}");
        }
        assert_eq!(other.counter().await, None);
        std::fs::write(&one.path, "nonsense").unwrap();
        assert_eq!(one.counter().await, None);
        one.note(8).await;
        assert_eq!(one.counter().await, Some(8));
    }
}
