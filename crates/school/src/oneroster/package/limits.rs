//! How much of a package is read before it is refused.

/// Bounds on everything a package may make the reader spend. Sizes are in bytes.
///
/// Sizes are counted while reading: what an archive declares about itself is only a reason to refuse it sooner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The package file itself.
    pub archive: u64,
    /// Files in the package, the manifest and unknown files included.
    pub entries: usize,
    /// One file after decompression.
    pub entry: u64,
    /// All files together after decompression.
    pub total: u64,
    /// How many times larger than its compressed form a file may be. Applies beyond the first [`Limits::RATIO_FROM`] bytes.
    pub ratio: u64,
    /// Columns of a file.
    pub columns: usize,
    /// One field.
    pub field: usize,
    /// One row, all fields together.
    pub row: usize,
    /// Rows of one file, the header included.
    pub rows: u64,
}

impl Limits {
    /// Small files compress as they like; a bomb is large.
    pub const RATIO_FROM: u64 = 1024 * 1024;
}

impl Limits {
    /// Of School Data Sync, whose tables are held in memory until all of them are read.
    pub fn of_sds() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self { entry: 128 * MIB, total: 256 * MIB, columns: 64, rows: 1_000_000, ..Self::default() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            archive: 1024 * MIB,
            entries: 64,
            entry: 1024 * MIB,
            total: 3 * 1024 * MIB,
            ratio: 100,
            columns: 256,
            field: 64 * 1024,
            row: 256 * 1024,
            rows: 10_000_000,
        }
    }
}
