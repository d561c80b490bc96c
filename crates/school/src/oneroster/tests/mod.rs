//! Tests of the reader.

mod any;
mod dates;
mod fixture;
mod hostile;
mod lenient;
mod published;
mod strict;
