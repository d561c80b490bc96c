//! A turn to read a table. A small file may need hundreds of megabytes while it is read, so a node reads few at once.

use cloister_tenancy::{Error, Result};
use tokio::sync::Semaphore;

use super::sheet::{self, Sheet, refused};

/// Tables that a node reads at once, whether they are looked at or brought in.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Reads a table when its turn comes. `bytes` are fetched then, and `place` is kept until it has been read, whatever became of
/// whoever asked for it.
pub(super) async fn read(
    bytes: impl FnOnce() -> Result<Vec<u8>> + Send + 'static,
    wanted: Option<String>,
    place: impl Send + 'static,
) -> Result<Sheet> {
    let turn = TURNS.acquire().await.map_err(Error::internal)?;
    let reading = tokio::task::spawn_blocking(move || {
        let _kept = (turn, place);
        sheet::read(bytes()?, wanted.as_deref())
    });
    // Whatever a file does to its reader, it is the file's fault.
    reading.await.unwrap_or_else(|_| Err(refused("table_unreadable", "This file cannot be read.")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::{TURNS, read};

    #[tokio::test]
    async fn a_table_waits_for_its_turn_and_gives_it_back() {
        let all = TURNS.acquire_many(2).await.unwrap();
        let mut waits = Box::pin(read(|| Ok(b"name\nMila\n".to_vec()), None, ()));
        assert!(timeout(Duration::from_millis(50), &mut waits).await.is_err(), "it had no turn");
        drop(all);
        assert_eq!(waits.await.unwrap().headers, ["name"]);
        let broken = read(|| panic!("as a reader may"), None, ()).await;
        assert_eq!(broken.unwrap_err().code(), "table_unreadable");
        assert_eq!(TURNS.available_permits(), 2);
    }
}
