//! All SQL that lists persons: one statement for each scope, with and without a name, in each order and direction.
//!
//! So each has an index that brings its rows in order or finds the few that match, whatever the parameters are. Where that
//! depends on the parameters, as with roles, the statement has both ways and takes one.

use cloister_ids::{ClassId, OrgId};
use cloister_tenancy::{
    OpContext, Result, Tenancy,
    sql::{Row, Statement, ToSql, statements},
};

use super::{PersonSummary, shows_accounts};
use crate::{
    listing::Span,
    record::{Record, status},
    store::{by_sourced_id, head, page},
    vocabulary::RoleName,
};

macro_rules! columns {
    () => {
        "given_name, family_name, preferred_given_name, preferred_family_name, username, enabled_user,
         identifier, email, primary_org_id, grades,
         array(select distinct r.role from person_role r
            where r.tenant_id = $1 and r.person_id = person.id and r.status = 'active' order by 1) as roles"
    };
}

macro_rules! fields {
    () => {
        concat!("account_id, ", columns!())
    };
}

/// Of somebody who is deleted the roles are too, and are what they were found by.
macro_rules! with_role {
    () => {
        " and exists (select from person_role r where r.tenant_id = $1 and r.person_id = person.id
            and (r.status = 'active' or person.status = 'tobedeleted') and ($6::text is null or r.role = $6) and ($7::uuid is null or r.org_id = $7))"
    };
}

/// Those with a role, when they are few: the list is then sorted from them. Nearly all of a school are students: they are
/// found soonest by going through everybody in order, and a principal would be found there last.
///
/// Each way to them brings its rows in the order of an index, so that looking ends behind the most there may be.
macro_rules! few_with_role {
    () => {
        "with few as materialized (select person_id from (
            (select r.person_id from person_role r where $7::uuid is null
                and r.tenant_id = $1 and r.role = $6 and r.status = 'active' order by r.person_id limit 1001)
            union all
            (select r.person_id from person_role r where $6::text is null
                and r.tenant_id = $1 and r.org_id = $7 and r.status = 'active' order by r.role, r.person_id limit 1001)
            union all
            (select r.person_id from person_role r
                where r.tenant_id = $1 and r.org_id = $7 and r.role = $6 and r.status = 'active'
                order by r.person_id limit 1001)) every_way),
            known as materialized (select count(*) <= 1000 and $2::text is not distinct from 'active' as few from few) "
    };
}

/// One of the two finds nothing and costs nothing: whether they are few is known before either begins.
macro_rules! list_with_role {
    ($name:expr, $key:tt asc) => {
        list_with_role!(@ $name, $key, asc, " > ", "")
    };
    ($name:expr, $key:tt desc) => {
        list_with_role!(@ $name, $key, desc, " < ", " desc")
    };
    (@ $name:expr, $key:tt, $order:ident, $beyond:literal, $direction:literal) => {
        concat!(
            few_with_role!(),
            "select * from ((select id, ", head!(), ", ", fields!(), ", ", $key, " as sort_key
                from (select distinct person_id from few) f cross join lateral
                    (select p.* from person p where p.tenant_id = $1 and p.id = f.person_id offset 0) person
                where (select k.few from known k) and ($2::text is null or status = $2)
                    and (", $key, ", id)", $beyond, "($3, $4)", $name,
                " order by ", $key, $direction, ", id", $direction, " limit $5) union all (",
            page!(
                "person",
                concat!(fields!(), ", ", $key, " as sort_key"),
                concat!(with_role!(), $name, " and not (select k.few from known k)"),
                $key $order
            ),
            ")) page order by sort_key", $direction, ", id", $direction, " limit $5"
        )
    };
}

macro_rules! in_class {
    () => {
        " and exists (select from enrollment e where e.tenant_id = $1 and e.person_id = person.id
            and e.class_id = $6 and e.status = 'active' and ($7::text is null or e.role = $7))"
    };
}

/// From either side: "muller z" and "zoe m" both find Zoë Müller.
macro_rules! named {
    ($from:literal, $below:literal) => {
        concat!(
            " and ((name_search >= ",
            $from,
            " and name_search < ",
            $below,
            ")
                or (given_search >= ",
            $from,
            " and given_search < ",
            $below,
            "))"
        )
    };
}

macro_rules! list {
    ($filters:expr, $key:tt $direction:ident) => {
        page!("person", fields!(), $filters, $key $direction)
    };
}

statements! {
    /// One by the name in the system that feeds it.
    BY_SOURCED_ID = by_sourced_id!("person", fields!());
    /// Everybody.
    ALL_BY_NAME = list!("", "name_search" asc);
    /// Everybody.
    ALL_BY_NAME_DESC = list!("", "name_search" desc);
    /// Everybody.
    ALL_BY_CHANGE = list!("", "date_last_modified" asc);
    /// Everybody.
    ALL_BY_CHANGE_DESC = list!("", "date_last_modified" desc);
    /// Everybody and a name that begins so. The position is made something that is in no index: one that begins there would be
    /// gone through from there to the name.
    ALL_NAMED_BY_NAME = list!(named!("$6", "$7"), "(name_search || '')" asc);
    /// Everybody and a name that begins so.
    ALL_NAMED_BY_NAME_DESC = list!(named!("$6", "$7"), "(name_search || '')" desc);
    /// Everybody and a name that begins so.
    ALL_NAMED_BY_CHANGE = list!(named!("$6", "$7"), "date_last_modified" asc);
    /// Everybody and a name that begins so.
    ALL_NAMED_BY_CHANGE_DESC = list!(named!("$6", "$7"), "date_last_modified" desc);
    /// Those with a role.
    ROLE_BY_NAME = list_with_role!("", "name_search" asc);
    /// Those with a role.
    ROLE_BY_NAME_DESC = list_with_role!("", "name_search" desc);
    /// Those with a role.
    ROLE_BY_CHANGE = list_with_role!("", "date_last_modified" asc);
    /// Those with a role.
    ROLE_BY_CHANGE_DESC = list_with_role!("", "date_last_modified" desc);
    /// Those with a role and a name that begins so.
    ROLE_NAMED_BY_NAME = list_with_role!(named!("$8", "$9"), "name_search" asc);
    /// Those with a role and a name that begins so.
    ROLE_NAMED_BY_NAME_DESC = list_with_role!(named!("$8", "$9"), "name_search" desc);
    /// Those with a role and a name that begins so.
    ROLE_NAMED_BY_CHANGE = list_with_role!(named!("$8", "$9"), "date_last_modified" asc);
    /// Those with a role and a name that begins so.
    ROLE_NAMED_BY_CHANGE_DESC = list_with_role!(named!("$8", "$9"), "date_last_modified" desc);
    /// Those with a place in a class.
    CLASS_BY_NAME = list!(in_class!(), "name_search" asc);
    /// Those with a place in a class.
    CLASS_BY_NAME_DESC = list!(in_class!(), "name_search" desc);
    /// Those with a place in a class.
    CLASS_BY_CHANGE = list!(in_class!(), "date_last_modified" asc);
    /// Those with a place in a class.
    CLASS_BY_CHANGE_DESC = list!(in_class!(), "date_last_modified" desc);
    /// Those with a place in a class and a name that begins so.
    CLASS_NAMED_BY_NAME = list!(concat!(in_class!(), named!("$8", "$9")), "name_search" asc);
    /// Those with a place in a class and a name that begins so.
    CLASS_NAMED_BY_NAME_DESC = list!(concat!(in_class!(), named!("$8", "$9")), "name_search" desc);
    /// Those with a place in a class and a name that begins so.
    CLASS_NAMED_BY_CHANGE = list!(concat!(in_class!(), named!("$8", "$9")), "date_last_modified" asc);
    /// Those with a place in a class and a name that begins so.
    CLASS_NAMED_BY_CHANGE_DESC = list!(concat!(in_class!(), named!("$8", "$9")), "date_last_modified" desc);
}

pub(super) use columns;

/// `accounts`: whether the reader is told who has which.
pub(super) fn summary(row: &Row, accounts: bool) -> Result<PersonSummary> {
    let roles: Vec<String> = row.get("roles");
    Ok(PersonSummary {
        id: row.get("id"),
        sourced_id: row.get("sourced_id"),
        status: status(row)?,
        account_id: if accounts { row.get("account_id") } else { None },
        given_name: row.get("given_name"),
        family_name: row.get("family_name"),
        preferred_given_name: row.get("preferred_given_name"),
        preferred_family_name: row.get("preferred_family_name"),
        username: row.get("username"),
        enabled_user: row.get("enabled_user"),
        identifier: row.get("identifier"),
        email: row.get("email"),
        primary_org_id: row.get("primary_org_id"),
        grades: row.get("grades"),
        roles: roles.into_iter().map(RoleName::from_column).collect(),
        record: Record::from_row(row)?,
    })
}

pub(super) async fn by_sourced_id(tenancy: &Tenancy, cx: &OpContext, sourced_id: &str) -> Result<Vec<PersonSummary>> {
    tenancy
        .fetch(cx, &BY_SOURCED_ID, &[&sourced_id])
        .await?
        .iter()
        .map(|row| summary(row, shows_accounts(cx)))
        .collect()
}

/// Among whom a list looks.
pub(super) enum Scope {
    /// All.
    Everybody,
    /// Those with such a role.
    WithRole { role: Option<String>, org_id: Option<OrgId> },
    /// Those with such a place in a class.
    InClass { class_id: ClassId, role: Option<String> },
}

/// Which persons.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) scope: Scope,
    pub(super) name: (Option<String>, Option<String>),
}

/// The statements of one order, in both directions: for each scope without and with a name.
type Statements = [[[&'static Statement; 2]; 2]; 3];

pub(super) async fn list_by_name(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<PersonSummary>> {
    let statements = [
        [[&ALL_BY_NAME, &ALL_BY_NAME_DESC], [&ALL_NAMED_BY_NAME, &ALL_NAMED_BY_NAME_DESC]],
        [[&ROLE_BY_NAME, &ROLE_BY_NAME_DESC], [&ROLE_NAMED_BY_NAME, &ROLE_NAMED_BY_NAME_DESC]],
        [[&CLASS_BY_NAME, &CLASS_BY_NAME_DESC], [&CLASS_NAMED_BY_NAME, &CLASS_NAMED_BY_NAME_DESC]],
    ];
    list(tenancy, cx, statements, selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    selection: &Selection,
) -> Result<Vec<PersonSummary>> {
    let statements = [
        [[&ALL_BY_CHANGE, &ALL_BY_CHANGE_DESC], [&ALL_NAMED_BY_CHANGE, &ALL_NAMED_BY_CHANGE_DESC]],
        [[&ROLE_BY_CHANGE, &ROLE_BY_CHANGE_DESC], [&ROLE_NAMED_BY_CHANGE, &ROLE_NAMED_BY_CHANGE_DESC]],
        [[&CLASS_BY_CHANGE, &CLASS_BY_CHANGE_DESC], [&CLASS_NAMED_BY_CHANGE, &CLASS_NAMED_BY_CHANGE_DESC]],
    ];
    list(tenancy, cx, statements, selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    [everybody, with_role, in_class]: Statements,
    selection: &Selection,
) -> Result<Vec<PersonSummary>> {
    let Selection { span, scope, name } = selection;
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&span.status, span.key(), &span.after.id, &span.limit];
    let [plain, named] = match scope {
        Scope::Everybody => everybody,
        Scope::WithRole { role, org_id } => {
            parameters.extend([role as &(dyn ToSql + Sync), org_id]);
            with_role
        }
        Scope::InClass { class_id, role } => {
            parameters.extend([class_id as &(dyn ToSql + Sync), role]);
            in_class
        }
    };
    let statements = match name {
        (Some(from), Some(below)) => {
            parameters.extend([from as &(dyn ToSql + Sync), below]);
            named
        }
        _ => plain,
    };
    tenancy
        .fetch(cx, span.pick(statements), &parameters)
        .await?
        .iter()
        .map(|row| summary(row, shows_accounts(cx)))
        .collect()
}
