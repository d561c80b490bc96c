//! The school module.

pub mod oneroster;
pub mod sample;
