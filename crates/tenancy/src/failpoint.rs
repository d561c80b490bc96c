//! Places where a test may have the process killed, as a crash or `kill -9` would: without unwinding, flushing or farewell.

/// Kills this process when `CLOISTER_KILL_AT` names this place and the `failpoints` feature is on; else does nothing.
///
/// `CLOISTER_KILL_AT=relay/after_insert` kills at the first time the place is reached, `relay/after_insert:3` at the third.
#[cfg(feature = "failpoints")]
pub(crate) fn reach(place: &str) {
    use std::sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    };

    static WANTED: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let text = std::env::var("CLOISTER_KILL_AT").ok()?;
        match text.rsplit_once(':') {
            Some((place, time)) => Some((place.to_owned(), time.parse().ok()?)),
            None => Some((text, 1)),
        }
    });
    static REACHED: AtomicU32 = AtomicU32::new(0);

    let Some((wanted, time)) = &*WANTED else { return };
    if wanted == place && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *time {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        // The signal cannot be caught; this line is only for the moment until it is delivered.
        std::process::abort();
    }
}

/// Nothing: this program was built without the `failpoints` feature.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub(crate) fn reach(_place: &str) {}
