//! All SQL about values of custom fields.

use cloister_ids::{CustomFieldId, Uuid};
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};

use super::value::{CustomMatch, CustomValues, Field, Kept, Owner};
use crate::{
    listing::{Key, Position, Span},
    presence_store::check_subject,
    record::found,
    vocabulary::CustomType,
};

macro_rules! version {
    ($table:literal) => {
        concat!("select id, status, version from ", $table, " where tenant_id = $1 and id = $2")
    };
}

macro_rules! touch {
    ($table:literal) => {
        concat!(
            "update ",
            $table,
            " set version = version + 1, date_last_modified = $3, updated_at = $3, updated_by = $4
             where tenant_id = $1 and id = $2"
        )
    };
}

/// Values of the field `$2` behind `$3` and `$4`, at most `$5`.
macro_rules! matches {
    ($beginning:literal, $beyond:literal, $direction:literal) => {
        concat!(
            "select v.record_id, v.text_value, v.value_search, f.resource from custom_value v
            join custom_field f on f.tenant_id = $1 and f.id = v.custom_field_id
            left join person p on p.tenant_id = $1 and p.id = v.person_id
            left join org o on o.tenant_id = $1 and o.id = v.org_id
            left join course c on c.tenant_id = $1 and c.id = v.course_id
            left join class k on k.tenant_id = $1 and k.id = v.class_id
            where v.tenant_id = $1 and v.custom_field_id = $2 and (v.value_search, v.record_id)",
            $beyond,
            "($3, $4)",
            $beginning,
            " and coalesce(p.status, o.status, c.status, k.status) = 'active'
            order by v.value_search",
            $direction,
            ", v.record_id",
            $direction,
            " limit $5"
        )
    };
}

statements! {
    /// Whether a person is there, and in which version.
    PERSON = version!("person");
    /// The same of an organisation.
    ORG = version!("org");
    /// The same of a course.
    COURSE = version!("course");
    /// The same of a class.
    CLASS = version!("class");
    /// A person, to be changed.
    LOCK_PERSON = concat!(version!("person"), " for no key update");
    /// An organisation, to be changed.
    LOCK_ORG = concat!(version!("org"), " for no key update");
    /// A course, to be changed.
    LOCK_COURSE = concat!(version!("course"), " for no key update");
    /// A class, to be changed.
    LOCK_CLASS = concat!(version!("class"), " for no key update");
    /// A person has other values.
    TOUCH_PERSON = touch!("person");
    /// An organisation has other values.
    TOUCH_ORG = touch!("org");
    /// A course has other values.
    TOUCH_COURSE = touch!("course");
    /// A class has other values.
    TOUCH_CLASS = touch!("class");
    /// The values of a record.
    VALUES = "select f.name, v.text_value, v.number_value, v.date_value, v.boolean_value from custom_value v
        join custom_field f on f.tenant_id = $1 and f.id = v.custom_field_id and f.status = 'active'
        where v.tenant_id = $1 and v.record_id = $2 order by f.name";
    /// The fields of a kind of record.
    FIELDS = "select id, name, type, choices, required, searchable from custom_field
        where tenant_id = $1 and resource = $2 and status = 'active' order by name";
    /// The values of a record go; those of deleted fields stay.
    CLEAR = "delete from custom_value v using custom_field f where v.tenant_id = $1 and v.record_id = $2
        and f.tenant_id = $1 and f.id = v.custom_field_id and f.status = 'active'";
    /// A value comes.
    INSERT = "insert into custom_value (tenant_id, custom_field_id, record_id, person_id, org_id, course_id, class_id,
            text_value, number_value, date_value, boolean_value, value_search)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    /// Whether records are found by a field.
    SEARCHABLE = "select searchable from custom_field where tenant_id = $1 and id = $2 and status = 'active'";
    /// Records that are there and have a value, by value.
    MATCHES = matches!("", " > ", "");
    /// The same from the last.
    MATCHES_DESC = matches!("", " < ", " desc");
    /// Those whose value is from `$6` on and below `$7`: they begin so.
    MATCHES_BEGINNING = matches!(" and v.value_search >= $6 and v.value_search < $7", " > ", "");
    /// The same from the last.
    MATCHES_BEGINNING_DESC = matches!(" and v.value_search >= $6 and v.value_search < $7", " < ", " desc");
}

/// The statements about one kind of record: read, lock, touch.
fn about(of: Owner) -> [&'static Statement; 3] {
    match of {
        Owner::Person(_) => [&PERSON, &LOCK_PERSON, &TOUCH_PERSON],
        Owner::Org(_) => [&ORG, &LOCK_ORG, &TOUCH_ORG],
        Owner::Course(_) => [&COURSE, &LOCK_COURSE, &TOUCH_COURSE],
        Owner::Class(_) => [&CLASS, &LOCK_CLASS, &TOUCH_CLASS],
    }
}

fn values(version: &[Row], values: &[Row]) -> Result<CustomValues> {
    let one = |row: &Row| {
        let kept = Kept {
            text: row.get("text_value"),
            number: row.get("number_value"),
            date: row.get("date_value"),
            boolean: row.get("boolean_value"),
            search: None,
        };
        (row.get("name"), kept.value())
    };
    Ok(CustomValues { version: found(version)?.get("version"), values: values.iter().map(one).collect() })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, of: Owner) -> Result<CustomValues> {
    let id: Uuid = of.uuid();
    let [read, ..] = about(of);
    let rows = tenancy.fetch_all(cx, &[(read, &[&id]), (&VALUES, &[&id])]).await?;
    values(&rows[0], &rows[1])
}

/// The values of a record that is kept from changing, and the fields it has.
pub(super) async fn lock(tx: &mut TenantTx, of: Owner) -> Result<(CustomValues, Vec<Field>)> {
    let id: Uuid = of.uuid();
    let [_, lock, _] = about(of);
    let resource = of.resource();
    let rows = tx.query_all(&[(lock, &[&id]), (&VALUES, &[&id]), (&FIELDS, &[resource.column()])]).await?;
    found(&rows[0])?;
    if let Owner::Person(_) = of {
        check_subject(&rows[0])?;
    }
    let field = |row: &Row| Field {
        id: row.get("id"),
        name: row.get("name"),
        kind: CustomType::from_column(row.get("type")),
        choices: row.get("choices"),
        required: row.get("required"),
        searchable: row.get("searchable"),
    };
    Ok((values(&rows[0], &rows[1])?, rows[2].iter().map(field).collect()))
}

/// Replaces the values and commits, in one round trip.
pub(super) async fn put(tx: TenantTx, of: Owner, kept: &[(CustomFieldId, Kept)]) -> Result<()> {
    let (now, by) = (tx.cx().clock().now(), tx.cx().actor().to_string());
    let id: Uuid = of.uuid();
    let [_, _, touch] = about(of);
    // One of the four is the record.
    let owners: [Option<Uuid>; 4] = match of {
        Owner::Person(_) => [Some(id), None, None, None],
        Owner::Org(_) => [None, Some(id), None, None],
        Owner::Course(_) => [None, None, Some(id), None],
        Owner::Class(_) => [None, None, None, Some(id)],
    };
    let [person, org, course, class] = &owners;
    let mut items: Vec<(&'static Statement, Vec<&(dyn ToSql + Sync)>)> =
        vec![(&CLEAR, vec![&id]), (touch, vec![&id, &now, &by])];
    for (field, Kept { text, number, date, boolean, search }) in kept {
        items.push((&INSERT, vec![field, &id, person, org, course, class, text, number, date, boolean, search]));
    }
    let borrowed: Vec<(&'static Statement, &Parameters<'_>)> =
        items.iter().map(|(statement, parameters)| (*statement, parameters.as_slice())).collect();
    tx.commit_with(&borrowed).await.map(drop)
}

/// Which matches.
pub(super) struct Selection {
    pub(super) field: CustomFieldId,
    pub(super) span: Span,
    pub(super) value: (Option<String>, Option<String>),
}

/// Records that have a value; none where the field is not searchable.
pub(super) async fn matches(
    tenancy: &Tenancy,
    cx: &OpContext,
    Selection { field, span, value }: &Selection,
) -> Result<Option<Vec<(CustomMatch, Position)>>> {
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![field, span.key(), &span.after.id, &span.limit];
    let statements = match value {
        (Some(from), Some(below)) => {
            parameters.extend([from as &(dyn ToSql + Sync), below]);
            [&MATCHES_BEGINNING, &MATCHES_BEGINNING_DESC]
        }
        _ => [&MATCHES, &MATCHES_DESC],
    };
    let rows = tenancy.fetch_all(cx, &[(&SEARCHABLE, &[field]), (span.pick(statements), &parameters)]).await?;
    if !found(&rows[0])?.get::<_, bool>("searchable") {
        return Ok(None);
    }
    let one = |row: &Row| {
        let id: Uuid = row.get("record_id");
        let shown = CustomMatch { record_id: Owner::text(row.get("resource"), id), value: row.get("text_value") };
        (shown, Position { key: Key::Text(row.get("value_search")), id })
    };
    Ok(Some(rows[1].iter().map(one).collect()))
}
