//! All SQL about roles of persons.

use cloister_ids::PersonId;
use cloister_tenancy::sql::{Row, Statement, ToSql, statements};

use super::role::{Role, RoleChanges, RoleDetails};
use crate::{
    record::{Head, Stamp},
    store::{delete, head, insert, update},
    vocabulary::{RoleName, RoleType},
};

macro_rules! fields {
    () => {
        "org_id, role, role_type, begin_date, end_date, user_profile_sourced_id"
    };
}

statements! {
    /// Those of a person that count.
    OF_PERSON = concat!("select id, ", head!(), ", ", fields!(), " from person_role
        where tenant_id = $1 and person_id = $2 and status = 'active' order by role_type, id");
    /// A new one.
    INSERT = insert!("person_role", concat!("person_id, ", fields!()), "$8, $9, $10, $11, $12, $13, $14");
    /// New values.
    UPDATE = update!(
        "person_role",
        "org_id = $7, role = $8, role_type = $9, begin_date = $10, end_date = $11, user_profile_sourced_id = $12"
    );
    /// Marked as deleted.
    DELETE = delete!("person_role", "id = $2");
    /// Marks all of a person as deleted.
    DELETE_OF_PERSON = delete!("person_role", "person_id = $2");
    /// Students, for plans.
    COUNT_STUDENTS = "select count(distinct person_id) from person_role
        where tenant_id = $1 and role = 'student' and status = 'active'";
    /// Staff, for plans.
    COUNT_STAFF = "select count(distinct person_id) from person_role
        where tenant_id = $1 and status = 'active'
        and role not in ('student', 'guardian', 'parent', 'relative')";
}

pub(super) fn from_row(row: &Row) -> Role {
    Role {
        head: Head::from_row(row),
        details: RoleDetails {
            role: RoleName::from_column(row.get("role")),
            role_type: RoleType::from_column(row.get("role_type")),
            org_id: row.get("org_id"),
            begin_date: row.get("begin_date"),
            end_date: row.get("end_date"),
            user_profile_sourced_id: row.get("user_profile_sourced_id"),
            metadata: row.get("metadata"),
        },
    }
}

/// A statement with its parameters, to be sent with others.
pub(super) type Item<'a> = (&'static Statement, Vec<&'a (dyn ToSql + Sync)>);

/// What writes new roles.
pub(super) fn inserts<'a>(person: &'a PersonId, roles: &'a [Role]) -> impl Iterator<Item = Item<'a>> {
    roles.iter().map(move |Role { head, details }| {
        let parameters: Vec<&(dyn ToSql + Sync)> = vec![
            &head.id,
            &head.sourced_id,
            &head.created_at,
            head.source.column(),
            &details.metadata,
            &head.created_by,
            person,
            &details.org_id,
            details.role.column(),
            details.role_type.column(),
            &details.begin_date,
            &details.end_date,
            &details.user_profile_sourced_id,
        ];
        (&INSERT, parameters)
    })
}

/// What writes changes: first what makes room, then what takes it.
pub(super) fn changes<'a>(
    person: &'a PersonId,
    changes: &'a RoleChanges,
    stamp: &'a Stamp,
) -> impl Iterator<Item = Item<'a>> {
    let gone = changes.gone.iter().map(|id| {
        let parameters: Vec<&(dyn ToSql + Sync)> = vec![id, &stamp.at, &stamp.by];
        (&DELETE, parameters)
    });
    let changed = changes.changed.iter().map(|Role { head, details }| {
        let parameters: Vec<&(dyn ToSql + Sync)> = vec![
            &head.id,
            head.status.column(),
            &head.updated_at,
            &head.updated_by,
            &details.metadata,
            &details.org_id,
            details.role.column(),
            details.role_type.column(),
            &details.begin_date,
            &details.end_date,
            &details.user_profile_sourced_id,
        ];
        (&UPDATE, parameters)
    });
    gone.chain(changed).chain(inserts(person, &changes.come))
}
