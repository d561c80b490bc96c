//! Who may do what in a catalog.

use cloister_tenancy::{Action, Grant, Role};

use crate::component::COMPONENT;

const KEEP: &[Action] = &[Action::Create, Action::Read, Action::Update, Action::Delete];
const EDIT: &[Action] = &[Action::Create, Action::Read, Action::Update];

/// The roles of a company, besides owner and administrator, which every tenant has.
pub(crate) const ROLES: &[Role] =
    &[Role { name: "staff", title: "Staff", description: "Works here: adds components and keeps them up to date." }];

/// What each role may do. What is not here is denied.
pub(crate) const GRANTS: &[Grant] =
    &[Grant::all("owner", COMPONENT, KEEP), Grant::all("admin", COMPONENT, KEEP), Grant::all("staff", COMPONENT, EDIT)];
