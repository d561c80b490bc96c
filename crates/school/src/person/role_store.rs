//! All SQL about roles of persons. They are read and written with their person.

use cloister_ids::PersonId;
use cloister_tenancy::sql::{Row, Statement, ToSql, statements};

use super::role::{Role, RoleChanges};
use crate::{
    record::{Metadata, Record},
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
    /// Those of a person who is deleted that left at the same moment.
    LEFT = concat!("select id, ", head!(), ", ", fields!(), " from person_role
        where tenant_id = $1 and person_id = $2 and status = 'tobedeleted' and updated_at = (select p.updated_at from person p
            where p.tenant_id = $1 and p.id = $2 and p.status = 'tobedeleted') order by role_type, id");
    /// Brings them back.
    RESTORE_LEFT = "update person_role r set status = 'active', date_last_modified = $3, updated_at = $3, updated_by = $4,
            version = r.version + 1
        from person p where p.tenant_id = $1 and p.id = $2 and p.status = 'tobedeleted'
        and r.tenant_id = $1 and r.person_id = $2 and r.status = 'tobedeleted' and r.updated_at = p.updated_at";
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

pub(super) fn role(row: &Row) -> Role {
    Role {
        id: row.get("id"),
        sourced_id: row.get("sourced_id"),
        role: RoleName::from_column(row.get("role")),
        role_type: RoleType::from_column(row.get("role_type")),
        org_id: row.get("org_id"),
        begin_date: row.get("begin_date"),
        end_date: row.get("end_date"),
        user_profile_sourced_id: row.get("user_profile_sourced_id"),
        metadata: Metadata::from_row(row),
    }
}

/// A statement with its parameters, to be sent with others.
pub(super) type Item<'a> = (&'static Statement, Vec<&'a (dyn ToSql + Sync)>);

/// What writes new roles of a person. `source` is the word of the record's source.
pub(super) fn inserts<'a>(
    person: &'a PersonId,
    roles: &'a [Role],
    record: &'a Record,
    source: &'a &'static str,
) -> impl Iterator<Item = Item<'a>> {
    roles.iter().map(move |role| {
        let parameters: Vec<&(dyn ToSql + Sync)> = vec![
            &role.id,
            &role.sourced_id,
            &record.updated_at,
            source,
            role.metadata.column(),
            &record.updated_by,
            person,
            &role.org_id,
            role.role.column(),
            role.role_type.column(),
            &role.begin_date,
            &role.end_date,
            &role.user_profile_sourced_id,
        ];
        (&INSERT, parameters)
    })
}

/// What writes changes: first what makes room, then what takes it. `record` is the person's after the change.
pub(super) fn changes<'a>(
    person: &'a PersonId,
    changes: &'a RoleChanges,
    record: &'a Record,
    source: &'a &'static str,
) -> impl Iterator<Item = Item<'a>> {
    let gone = changes.gone.iter().map(|id| {
        let parameters: Vec<&(dyn ToSql + Sync)> = vec![id, &record.updated_at, &record.updated_by];
        (&DELETE, parameters)
    });
    let changed = changes.changed.iter().map(|role| {
        let parameters: Vec<&(dyn ToSql + Sync)> = vec![
            &role.id,
            &"active",
            &record.updated_at,
            &record.updated_by,
            role.metadata.column(),
            &role.org_id,
            role.role.column(),
            role.role_type.column(),
            &role.begin_date,
            &role.end_date,
            &role.user_profile_sourced_id,
        ];
        (&UPDATE, parameters)
    });
    gone.chain(changed).chain(inserts(person, &changes.come, record, source))
}
