//! All SQL of the import: rows lie side by side in temporary tables, and everything is done to all of them at once.
//!
//! The temporary tables go with the transaction. Ids and times come from the application; every scan of a table of the
//! tenant carries `tenant_id = $1`.

pub(super) mod attached;
pub(super) mod class;
pub(super) mod demographics;
pub(super) mod enrollment;
mod entity;
pub(super) mod frame;
pub(super) mod image;
mod merged;
pub(super) mod person;
pub(super) mod places;
pub(super) mod role;
pub(super) mod undo;

use cloister_tenancy::sql::Statement;

pub(super) use entity::Entity;

/// Every statement of the import.
pub(crate) static STATEMENTS: [&[&Statement]; 26] = [
    frame::STATEMENTS,
    undo::STATEMENTS,
    attached::STATEMENTS,
    places::org::image::STATEMENTS,
    places::academic_session::image::STATEMENTS,
    places::course::image::STATEMENTS,
    class::image::STATEMENTS,
    person::image::STATEMENTS,
    role::image::STATEMENTS,
    enrollment::image::STATEMENTS,
    demographics::image::STATEMENTS,
    places::STATEMENTS,
    places::org::STATEMENTS,
    places::academic_session::STATEMENTS,
    places::course::STATEMENTS,
    class::STATEMENTS,
    class::term::STATEMENTS,
    person::STATEMENTS,
    person::presence::STATEMENTS,
    person::agent::STATEMENTS,
    role::STATEMENTS,
    role::primary::STATEMENTS,
    enrollment::STATEMENTS,
    enrollment::overlap::STATEMENTS,
    demographics::STATEMENTS,
    demographics::reappearance::STATEMENTS,
];

/// Kinds of records in the order in which they are written: each refers to earlier ones and to its own.
pub(super) static ENTITIES: [&Entity; 8] = [
    &places::org::ENTITY,
    &places::academic_session::ENTITY,
    &places::course::ENTITY,
    &class::ENTITY,
    &person::ENTITY,
    &role::ENTITY,
    &enrollment::ENTITY,
    &demographics::ENTITY,
];
