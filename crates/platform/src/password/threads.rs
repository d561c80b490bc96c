//! Threads for work that keeps a core busy, behind everything else that wants to run.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use cloister_tenancy::{Error, Result};

/// Work for a thread.
pub(super) type Task = Box<dyn FnOnce() + Send>;

/// The kernel gives a thread this nice about a third of what it gives one of the runtime's.
const NICENESS: i32 = 5;

/// Some threads and what they are given. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Threads(mpsc::Sender<Task>);

impl Threads {
    pub(super) fn start(count: usize) -> Result<Self> {
        let (give, given) = mpsc::channel::<Task>();
        let given = Arc::new(Mutex::new(given));
        for _ in 0..count {
            let given = Arc::clone(&given);
            thread::Builder::new()
                .name("passwords".to_owned())
                .spawn(move || work(&given))
                .map_err(|error| Error::internal(format!("a password thread could not start: {error}")))?;
        }
        Ok(Self(give))
    }

    /// The caller bounds how much is given.
    pub(super) fn give(&self, task: Task) -> Result<()> {
        self.0.send(task).map_err(|_| Error::internal("the password threads have ended"))
    }
}

fn work(given: &Mutex<mpsc::Receiver<Task>>) {
    // On Linux this is about the calling thread alone; elsewhere it would slow the whole process.
    if cfg!(target_os = "linux")
        && let Err(error) = rustix::process::setpriority_process(None, NICENESS)
    {
        tracing::debug!(%error, "password threads run at normal priority");
    }
    loop {
        let task = given.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = task else { return };
        // A thread that is lost would never come back; the caller hears of it by getting no answer.
        if catch_unwind(AssertUnwindSafe(task)).is_err() {
            tracing::error!("a password thread panicked");
        }
    }
}
