//! Two tenants at one front door, doing whatever chance has them do: each is answered as if it were alone, and no word of the
//! one is found in anything of the other. And a tenant whose every text is marked, looked for in all that another can ask.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod asking;
mod canaries;
mod fill;
mod marking;
mod model;
mod operation;
mod player;
mod roster;
mod scan;
mod stage;

use cloister_tenancy::Tier;
use stage::play;

const SCHOOL: &str = "school";
const COMPANY: &str = "company";

#[test]
fn two_tenants_in_the_shared_tables_are_each_alone() {
    play(1, &[(SCHOOL, Tier::Shared), (SCHOOL, Tier::Shared)]);
    play(2, &[(COMPANY, Tier::Shared), (COMPANY, Tier::Shared)]);
}

#[test]
fn two_tenants_in_schemas_are_each_alone() {
    play(3, &[(SCHOOL, Tier::Schema), (SCHOOL, Tier::Schema)]);
    play(4, &[(COMPANY, Tier::Schema), (COMPANY, Tier::Schema)]);
}

#[test]
fn tenants_of_different_tiers_are_each_alone() {
    play(5, &[(SCHOOL, Tier::Shared), (SCHOOL, Tier::Schema)]);
    play(6, &[(SCHOOL, Tier::Database), (SCHOOL, Tier::Shared)]);
    play(7, &[(COMPANY, Tier::Schema), (COMPANY, Tier::Database)]);
}
