//! All SQL that lists persons: one statement for each scope, kind of search, order and direction.
//!
//! Each has an index that brings its rows in order or finds the few that match, whatever the parameters are.

use cloister_tenancy::{
    OpContext, Result, Tenancy,
    sql::{Row, ToSql, statements},
};

use super::{PersonList, PersonScope, PersonSort, PersonSummary};
use crate::{
    listing::Span,
    record::Head,
    store::{get, head, page},
    vocabulary::RoleName,
};

macro_rules! fields {
    () => {
        "account_id, given_name, family_name, preferred_given_name, preferred_family_name, username, enabled_user,
         identifier, email, primary_org_id, grades, name_search,
         array(select distinct r.role from person_role r
            where r.tenant_id = $1 and r.person_id = person.id and r.status = 'active' order by 1) as roles"
    };
}

macro_rules! with_role {
    () => {
        " and exists (select from person_role r where r.tenant_id = $1 and r.person_id = person.id
            and r.status = 'active' and ($6::text is null or r.role = $6) and ($7::uuid is null or r.org_id = $7))"
    };
}

macro_rules! in_class {
    () => {
        " and exists (select from enrollment e where e.tenant_id = $1 and e.person_id = person.id
            and e.class_id = $6 and e.status = 'active' and ($7::text is null or e.role = $7))"
    };
}

macro_rules! named {
    ($from:literal, $below:literal) => {
        concat!(
            " and ((name_search >= ", $from, " and name_search < ", $below, ")
                or (given_search >= ", $from, " and given_search < ", $below, "))"
        )
    };
}

macro_rules! list {
    ($filters:expr, $key:literal $direction:ident) => {
        page!("person", fields!(), $filters, $key $direction)
    };
}

statements! {
    /// Everybody by name, and so on through the four orders.
    ALL_BY_NAME = list!("", "name_search" asc);
    ALL_BY_NAME_DESCENDING = list!("", "name_search" desc);
    ALL_BY_MODIFICATION = list!("", "date_last_modified" asc);
    ALL_BY_MODIFICATION_DESCENDING = list!("", "date_last_modified" desc);
}
