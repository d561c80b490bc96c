//! Counts what comes out of a file and stops where the limits are.

use std::{
    io::{self, Read},
    sync::atomic::{AtomicU64, Ordering},
};

use super::{Limits, PackageError};

/// A file of a package being read.
pub(crate) struct Metered<'a> {
    pub(super) input: Box<dyn Read + 'a>,
    pub(super) name: &'a str,
    /// Bytes in the archive, when compressed.
    pub(super) stored: Option<u64>,
    /// What other files of the package gave.
    pub(super) elsewhere: u64,
    /// What this file gave in its longest reading.
    pub(super) longest: &'a mut u64,
    pub(super) read: u64,
    pub(super) limits: &'a Limits,
    pub(super) progress: &'a AtomicU64,
}

impl<'a> Metered<'a> {
    pub(crate) const fn name(&self) -> &'a str {
        self.name
    }

    pub(crate) const fn limits(&self) -> &'a Limits {
        self.limits
    }

    fn check(&self) -> Result<(), PackageError> {
        let name = || self.name.to_owned();
        if self.read > self.limits.entry {
            return Err(PackageError::EntryTooLarge { name: name(), limit: self.limits.entry });
        }
        if self.elsewhere.saturating_add(self.read) > self.limits.total {
            return Err(PackageError::TotalTooLarge { limit: self.limits.total });
        }
        if let Some(stored) = self.stored
            && self.read > Limits::RATIO_FROM
            && self.read / self.limits.ratio > stored
        {
            return Err(PackageError::RatioTooLarge { name: name(), limit: self.limits.ratio });
        }
        Ok(())
    }
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.read += count as u64;
        *self.longest = self.read.max(*self.longest);
        self.progress.fetch_add(count as u64, Ordering::Relaxed);
        self.check().map_err(io::Error::other)?;
        Ok(count)
    }
}
