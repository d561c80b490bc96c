//! Progress bars on stderr, where a person watches.

use cloister_postgres::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that shows only on a terminal.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// `what` stands in front of it.
    pub(crate) fn new(what: &str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) =
            ProgressStyle::with_template("{prefix:16} [{bar:30}] {human_pos}/{human_len} {msg} {elapsed}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what.to_owned());
        Self(bar)
    }

    /// Where it is.
    pub(crate) fn set(&self, done: u64, total: u64, message: &str) {
        self.0.set_length(total);
        self.0.set_position(done);
        self.0.set_message(message.to_owned());
    }

    /// Leaves the line free.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn advance(&self, done: usize, total: usize) {
        self.set(done as u64, total as u64, "");
    }
}
