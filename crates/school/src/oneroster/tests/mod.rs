//! Tests of the reader.

mod fixture;
mod published;
