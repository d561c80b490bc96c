//! What the roles of every tenant may do with what this room keeps. An owner may do everything; it is said here all the same,
//! for the page that people read.

use cloister_tenancy::{
    Action::{self, Create, Delete, Read, Update},
    Grant, Resource,
};

use crate::{
    audit::AUDIT,
    invitation::INVITATION,
    isolation::ISOLATION,
    mail,
    membership::MEMBER,
    operator::{ENTRY, OPERATOR, OPERATOR_ENTRY},
    plan::PLAN,
    role::ROLE,
    signup::SIGNUP,
    tenant::{SETTING, TENANT},
};

/// What permissions can be about.
pub(crate) const RESOURCES: &[Resource] = &[
    AUDIT,
    ENTRY,
    INVITATION,
    ISOLATION,
    mail::MAIL,
    mail::MAIL_BODY,
    MEMBER,
    OPERATOR,
    OPERATOR_ENTRY,
    PLAN,
    ROLE,
    SIGNUP,
    SETTING,
    TENANT,
];

const KEEP: &[Action] = &[Create, Read, Update, Delete];

/// What is not here is denied.
pub(crate) const GRANTS: &[Grant] = &[
    Grant::all("owner", AUDIT, &[Read]),
    Grant::all("owner", INVITATION, KEEP),
    Grant::all("owner", MEMBER, KEEP),
    Grant::all("owner", ROLE, KEEP),
    Grant::all("owner", OPERATOR_ENTRY, &[Read]),
    Grant::all("owner", SETTING, &[Read, Update]),
    Grant::all("owner", TENANT, &[Read, Update]),
    Grant::all("admin", AUDIT, &[Read]),
    Grant::all("admin", INVITATION, KEEP),
    Grant::all("admin", MEMBER, KEEP),
    Grant::all("admin", ROLE, KEEP),
    Grant::all("admin", OPERATOR_ENTRY, &[Read]),
    Grant::all("admin", SETTING, &[Read, Update]),
    Grant::all("admin", TENANT, &[Read, Update]),
];
