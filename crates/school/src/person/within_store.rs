//! All SQL that reads persons within scopes. There are few of them: they are found first, and then sorted.
//!
//! Which account somebody has is not told here. Of whom a person is related to, a reader is told those who are themselves
//! within the scopes; and of a person in an own class everybody who acts for them, because a teacher must reach parents, while
//! one parent need not learn the address of the other. Whoever has no custody acts for nobody, and a relation counts on its days.

use cloister_ids::PersonId;
use cloister_tenancy::{
    OpContext, Result, Tenancy,
    sql::{Parameters, Row, Statement, statements},
};

use super::{
    Person, PersonSummary, Relations,
    list_store::{Scope, Selection, columns, summary},
    role_store,
    store::{self, has_photo, person, written},
};
use crate::{
    record::found,
    scope::Within,
    scope_store::{in_force, many_within, one_within, persons_within, places_asked_for, students_taught},
    store::{by_sourced_id, get, page},
};

macro_rules! fields {
    () => {
        concat!(
            written!(),
            ", null::uuid as account_id, null::uuid as merged_into_id, ",
            has_photo!(),
            ", array(select a.contact_id from contact a
                where a.tenant_id = $1 and a.student_id = person.id and a.custody is distinct from 'none' and ",
            in_force!("a", "$4"),
            " and (exists (select from (",
            students_taught!("$3", "$4", "$5"),
            ") taught where taught.id = $2) or exists (select from (",
            persons_within!("$3", "$4", "$5"),
            ") reach where reach.id = a.contact_id)) order by 1) as agent_ids"
        )
    };
}

macro_rules! relations {
    ($of:literal, $with:literal, $taught:expr) => {
        concat!(
            "select p.id, p.sourced_id, p.status, p.given_name, p.family_name, p.email, p.sms, p.phone
             from contact a join person p on p.tenant_id = $1 and p.id = a.",
            $with,
            " where a.tenant_id = $1 and a.",
            $of,
            " = $2 and p.status = 'active' and a.custody is distinct from 'none' and ",
            in_force!("a", "$4"),
            " and (",
            $taught,
            " exists (select from (",
            persons_within!("$3", "$4", "$5"),
            ") reach where reach.id = p.id)) order by p.name_search, p.id"
        )
    };
}

/// The names of those who are within, one of the two. They are few, and are looked up one by one: an index over the names of the
/// whole school would be gone through for each of them, so these are made something that is in no index.
macro_rules! named_among_few {
    ($from:literal, $below:literal) => {
        concat!(
            " and ((name_search || '' >= ",
            $from,
            " and name_search || '' < ",
            $below,
            ")
                or (given_search || '' >= ",
            $from,
            " and given_search || '' < ",
            $below,
            "))"
        )
    };
}

/// `$6` role and `$7` organisation, or with `$13` a class the role in it; `$8` and `$9` the bounds of a name.
macro_rules! list {
    ($key:tt $direction:ident) => {
        page!(
            "person",
            concat!("null::uuid as account_id, ", columns!()),
            concat!(
                " and ($13::uuid is not null or ($6::text is null and $7::uuid is null) or exists (
                    select from person_role r where r.tenant_id = $1 and r.person_id = person.id and r.status = 'active'
                    and ($6::text is null or r.role = $6) and ($7::uuid is null or r.org_id = $7)))
                  and ($13::uuid is null or exists (select from enrollment e
                    where e.tenant_id = $1 and e.person_id = person.id and e.class_id = $13 and e.status = 'active'
                    and ($6::text is null or e.role = $6)", places_asked_for!("$10", "$11", "$14"), "))
                  and ($8::text is null or (true", named_among_few!("$8", "$9"), "))",
                many_within!(persons_within!("$10", "$11", "$12"))
            ),
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = concat!(get!("person", fields!()), one_within!(persons_within!("$3", "$4", "$5")));
    /// Whether one is there, and in which version.
    VERSION = concat!(
        "select version from person where tenant_id = $1 and id = $2",
        one_within!(persons_within!("$3", "$4", "$5"))
    );
    /// Who acts for one.
    AGENTS = relations!("student_id", "contact_id",
        concat!("exists (select from (", students_taught!("$3", "$4", "$5"), ") taught where taught.id = $2) or"));
    /// For whom one acts.
    AGENT_OF = relations!("contact_id", "student_id", "");
    /// One by the name in the system that feeds it.
    BY_SOURCED_ID = concat!(
        by_sourced_id!("person", concat!("null::uuid as account_id, ", columns!())),
        many_within!(persons_within!("$3", "$4", "$5"))
    );
    /// By name.
    BY_NAME = list!("name_search" asc);
    /// By name, from the last.
    BY_NAME_DESC = list!("name_search" desc);
    /// By last change.
    BY_CHANGE = list!("date_last_modified" asc);
    /// By last change, newest first.
    BY_CHANGE_DESC = list!("date_last_modified" desc);
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, within: &Within, id: PersonId) -> Result<Person> {
    let Within { account, on, scopes, .. } = within;
    let rows = tenancy.fetch_all(cx, &[(&GET, &[&id, account, on, scopes]), (&role_store::OF_PERSON, &[&id])]).await?;
    // The roles of somebody who is not seen came too, and go no further than here.
    person(found(&rows[0])?, &rows[1])
}

pub(super) async fn relations(tenancy: &Tenancy, cx: &OpContext, within: &Within, id: PersonId) -> Result<Relations> {
    let Within { account, on, scopes, .. } = within;
    let one: &Parameters<'_> = &[&id, account, on, scopes];
    let rows = tenancy.fetch_all(cx, &[(&VERSION, one), (&AGENTS, one), (&AGENT_OF, one)]).await?;
    store::related(&rows)
}

pub(super) async fn by_sourced_id(
    tenancy: &Tenancy,
    cx: &OpContext,
    within: &Within,
    sourced_id: &str,
) -> Result<Vec<PersonSummary>> {
    let Within { account, on, scopes, .. } = within;
    summaries(&tenancy.fetch(cx, &BY_SOURCED_ID, &[&sourced_id, account, on, scopes]).await?)
}

pub(super) async fn list_by_name(
    tenancy: &Tenancy,
    cx: &OpContext,
    within: &Within,
    selection: &Selection,
) -> Result<Vec<PersonSummary>> {
    list(tenancy, cx, within, [&BY_NAME, &BY_NAME_DESC], selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    within: &Within,
    selection: &Selection,
) -> Result<Vec<PersonSummary>> {
    list(tenancy, cx, within, [&BY_CHANGE, &BY_CHANGE_DESC], selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    within: &Within,
    statements: [&'static Statement; 2],
    Selection { span, scope, name: (from, below) }: &Selection,
) -> Result<Vec<PersonSummary>> {
    let Within { account, on, scopes, places } = within;
    let (role, org_id, class_id) = match scope {
        Scope::Everybody => (None, None, None),
        Scope::WithRole { role, org_id } => (role.as_ref(), *org_id, None),
        Scope::InClass { class_id, role } => (role.as_ref(), None, Some(*class_id)),
    };
    let rows = tenancy
        .fetch(
            cx,
            span.pick(statements),
            &[
                &span.status,
                span.key(),
                &span.after.id,
                &span.limit,
                &role,
                &org_id,
                from,
                below,
                account,
                on,
                scopes,
                &class_id,
                places,
            ],
        )
        .await?;
    summaries(&rows)
}

fn summaries(rows: &[Row]) -> Result<Vec<PersonSummary>> {
    rows.iter().map(|row| summary(row, true)).collect()
}
