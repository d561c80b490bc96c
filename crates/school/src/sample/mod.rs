//! Sample packages.
