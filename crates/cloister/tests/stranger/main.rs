//! The stranger: every operation of the API document, sent by everybody who should get nothing from it.
//!
//! First the rightful actor sends an operation and gets what it is for. Then the same request comes from nobody, with a
//! token that is old or forged, from a member without the permission, from another tenant's owner, from another family, from
//! another class, from the owner of a suspended tenant and from an operator who has stated no reason. Each must get the
//! answer that a request about nothing gets, and write nothing.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod answer;
mod ask;
mod choices;
mod coverage;
mod crowd;
mod document;
mod fill;
mod forged;
mod ledger;
mod lists;
mod matrix;
mod open;
mod people;
mod probe;
mod recipe;
mod recipe_account;
mod recipe_behavior;
mod recipe_documents;
mod recipe_platform;
mod recipe_roster;
mod recipe_school;
mod recipe_tables;
mod recipe_years;
mod town;
mod walk;
mod wishes;
mod world;
