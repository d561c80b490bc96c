//! All SQL about contacts, but for that of agents.
//!
//! Who acts for a person is part of what is read as that person: when a contact comes or goes, the person's version grows.
//! Writers lock persons first, in the order of their ids, and then the contact, as a merge of persons does: so they never wait
//! for each other in a circle.

use cloister_http::IdempotencyKey;
use cloister_ids::{ContactId, PersonId};
use cloister_tenancy::{
    Error, OpContext, Result, Tenancy, TenantTx,
    sql::{Parameters, Row, Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{Contact, ContactFields, NO_COURT_ORDER};
use crate::{
    listing::Span,
    presence_store::{self, check_present},
    record::{Metadata, Record, found, status},
    scope::{Sight, Within},
    scope_store::{contacts_within, many_within, one_within, staff_sees},
    unnamed_store::{get, insert, lock, page},
    vocabulary::{ContactRelation, Custody},
};

macro_rules! written {
    () => {
        written!("court_order_document_id")
    };
    ($order:literal) => {
        concat!(
            "student_id, contact_id, relation, legal_guardian, lives_with, primary_contact, emergency_contact,
             contact_priority, custody, child_data_access, contact_by_call, contact_by_sms, contact_by_email,
             contact_by_mail, contact_restrictions, begin_date, end_date, ",
            $order
        )
    };
}

/// Who the contact, `$person`, is.
macro_rules! named {
    ($person:literal) => {
        concat!(
            "(select p.given_name from person p where p.tenant_id = $1 and p.id = ",
            $person,
            ") as contact_given_name, (select p.family_name from person p where p.tenant_id = $1 and p.id = ",
            $person,
            ") as contact_family_name"
        )
    };
}

macro_rules! fields {
    () => {
        concat!(written!(), ", true as staff_sees, ", named!("contact.contact_id"))
    };
}

/// What staff noted is for whoever teaches the student, and not for the contact whom it is about: `staff_sees`. What a court
/// decided is for the office.
macro_rules! fields_within {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            written!("null::uuid as court_order_document_id"),
            ", ",
            staff_sees!("student_id", $account, $on, $scopes),
            " as staff_sees, ",
            named!("contact.contact_id")
        )
    };
}

macro_rules! list {
    ($scope:expr, $key:tt $direction:ident) => {
        list!(fields!(), $scope, $key $direction)
    };
    ($fields:expr, $scope:expr, $key:tt $direction:ident) => {
        page!(
            "contact",
            $fields,
            concat!(
                " and ($6::text is null or relation = $6)
                  and ($7::date is null or ((begin_date is null or begin_date <= $7)
                    and (end_date is null or end_date > $7)))
                  and ($8::uuid is null or contact_id = $8)",
                $scope
            ),
            $key $direction
        )
    };
}

/// The same within scopes, of which there are few: they are found first, and then sorted. `$9` the student.
macro_rules! list_within {
    ($key:tt $direction:ident) => {
        list!(
            fields_within!("$10", "$11", "$12"),
            concat!(
                " and ($9::uuid is null or student_id = $9)",
                many_within!(contacts_within!("$10", "$11", "$12"))
            ),
            $key $direction
        )
    };
}

statements! {
    /// One.
    GET = get!("contact", fields!());
    /// One within scopes.
    GET_WITHIN = concat!(
        get!("contact", fields_within!("$3", "$4", "$5")),
        one_within!(contacts_within!("$3", "$4", "$5"))
    );
    /// One, to be changed.
    LOCK = lock!("contact", fields!());
    /// Keeps others from writing contacts of the two persons of a contact, and these from leaving.
    LOCK_BOTH_OF = "select p.id, p.status from person p where p.tenant_id = $1 and p.id = any(array(
            select unnest(array[c.student_id, c.contact_id]) from contact c where c.tenant_id = $1 and c.id = $2))
        order by p.id for no key update";
    /// A new one.
    INSERT = concat!(
        insert!(
            "contact",
            written!(),
            "$7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24"
        ),
        " returning ",
        named!("contact.contact_id")
    );
    /// New values, and who keeps it from now on.
    UPDATE = "update contact set status = $3, date_last_modified = $4, updated_at = $4, updated_by = $5, metadata = $6,
            version = version + 1, source = $7, relation = $8, legal_guardian = $9, lives_with = $10,
            primary_contact = $11, emergency_contact = $12, contact_priority = $13, custody = $14,
            child_data_access = $15, contact_by_call = $16, contact_by_sms = $17, contact_by_email = $18,
            contact_by_mail = $19, contact_restrictions = $20, begin_date = $21, end_date = $22,
            court_order_document_id = $23
        where tenant_id = $1 and id = $2";
    /// The order of a court, if it is one of the student and counts; kept from becoming something else.
    COURT_ORDER = "select id from document where tenant_id = $1 and id = $2 and person_id = $3
        and document_type = 'court_order' and status = 'active' for share";
    /// The student has other agents than before.
    TOUCH_STUDENT = "update person set version = version + 1, date_last_modified = $3, updated_at = $3, updated_by = $4
        where tenant_id = $1 and id = $2";
    /// All by age.
    ALL_BY_AGE = list!("", "id" asc);
    /// All by age, backwards.
    ALL_BY_AGE_DESC = list!("", "id" desc);
    /// All by last change.
    ALL_BY_CHANGE = list!("", "date_last_modified" asc);
    /// All by last change, backwards.
    ALL_BY_CHANGE_DESC = list!("", "date_last_modified" desc);
    /// Those of a student by age.
    STUDENT_BY_AGE = list!(" and student_id = $9", "id" asc);
    /// Those of a student by age, backwards.
    STUDENT_BY_AGE_DESC = list!(" and student_id = $9", "id" desc);
    /// Those of a student by last change.
    STUDENT_BY_CHANGE = list!(" and student_id = $9", "date_last_modified" asc);
    /// Those of a student by last change, backwards.
    STUDENT_BY_CHANGE_DESC = list!(" and student_id = $9", "date_last_modified" desc);
    /// Those that a person is, by age.
    CONTACT_BY_AGE = list!(" and contact_id = $9", "id" asc);
    /// Those that a person is, by age, backwards.
    CONTACT_BY_AGE_DESC = list!(" and contact_id = $9", "id" desc);
    /// Those that a person is, by last change.
    CONTACT_BY_CHANGE = list!(" and contact_id = $9", "date_last_modified" asc);
    /// Those that a person is, by last change, backwards.
    CONTACT_BY_CHANGE_DESC = list!(" and contact_id = $9", "date_last_modified" desc);
    /// Those within scopes by age.
    WITHIN_BY_AGE = list_within!("id" asc);
    /// Those within scopes by age, backwards.
    WITHIN_BY_AGE_DESC = list_within!("id" desc);
    /// Those within scopes by last change.
    WITHIN_BY_CHANGE = list_within!("date_last_modified" asc);
    /// Those within scopes by last change, backwards.
    WITHIN_BY_CHANGE_DESC = list_within!("date_last_modified" desc);
}

fn contact(row: &Row) -> Result<Contact> {
    let staff_sees: bool = row.get("staff_sees");
    Ok(Contact {
        id: row.get("id"),
        contact_given_name: row.get("contact_given_name"),
        contact_family_name: row.get("contact_family_name"),
        fields: ContactFields {
            status: status(row)?,
            student_id: row.get("student_id"),
            contact_id: row.get("contact_id"),
            relation: ContactRelation::from_column(row.get("relation")),
            legal_guardian: row.get("legal_guardian"),
            lives_with: row.get("lives_with"),
            primary_contact: row.get("primary_contact"),
            emergency_contact: row.get("emergency_contact"),
            contact_priority: row.get("contact_priority"),
            custody: row.get::<_, Option<String>>("custody").map(Custody::from_column),
            child_data_access: row.get("child_data_access"),
            court_order_document_id: row.get("court_order_document_id"),
            contact_by_call: row.get("contact_by_call"),
            contact_by_sms: row.get("contact_by_sms"),
            contact_by_email: row.get("contact_by_email"),
            contact_by_mail: row.get("contact_by_mail"),
            contact_restrictions: row.get::<_, Option<String>>("contact_restrictions").filter(|_| staff_sees),
            begin_date: row.get("begin_date"),
            end_date: row.get("end_date"),
            metadata: if staff_sees { Metadata::from_row(row) } else { Metadata::default() },
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, sight: &Sight, id: ContactId) -> Result<Contact> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &GET, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &GET_WITHIN, &[&id, account, on, scopes]).await?
        }
    };
    contact(found(&rows)?)
}

/// The custody as a parameter.
struct Made<'a> {
    custody: Option<&'a std::borrow::Cow<'static, str>>,
}

impl<'a> Made<'a> {
    fn of(fields: &'a ContactFields) -> Self {
        Self { custody: fields.custody.as_ref().map(Custody::column) }
    }

    /// The columns that a change may write, from `relation` on.
    fn parameters(&'a self, fields: &'a ContactFields) -> [&'a (dyn ToSql + Sync); 16] {
        [
            fields.relation.column(),
            &fields.legal_guardian,
            &fields.lives_with,
            &fields.primary_contact,
            &fields.emergency_contact,
            &fields.contact_priority,
            &self.custody,
            &fields.child_data_access,
            &fields.contact_by_call,
            &fields.contact_by_sms,
            &fields.contact_by_email,
            &fields.contact_by_mail,
            &fields.contact_restrictions,
            &fields.begin_date,
            &fields.end_date,
            &fields.court_order_document_id,
        ]
    }
}

/// Returns the contact's given and family name.
pub(super) async fn insert(tx: &mut TenantTx, key: Option<&IdempotencyKey>, new: &Contact) -> Result<(String, String)> {
    let Contact { id, fields, record, .. } = new;
    let source = record.source.word();
    let made = Made::of(fields);
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![
        id,
        &record.created_at,
        &source,
        fields.metadata.column(),
        &record.created_by,
        &fields.student_id,
        &fields.contact_id,
    ];
    values.extend(made.parameters(fields));
    let touch: &Parameters<'_> = &[&fields.student_id, &record.updated_at, &record.updated_by];
    let both = vec![fields.student_id, fields.contact_id];
    let steps: [(&'static Statement, &Parameters<'_>); 3] =
        [(&presence_store::HELD, &[&both]), (&INSERT, &values), (&TOUCH_STUDENT, touch)];
    let rows = IdempotencyKey::query_all(key, tx, &steps).await?;
    check_present(&rows[0], fields.student_id, "student_id")?;
    check_present(&rows[0], fields.contact_id, "contact_id")?;
    let row = found(&rows[1])?;
    Ok((row.get("contact_given_name"), row.get("contact_family_name")))
}

/// Refuses what a contact cannot name as the order of a court.
pub(super) async fn check_court_order(tx: &mut TenantTx, fields: &ContactFields) -> Result<()> {
    let Some(order) = fields.court_order_document_id else { return Ok(()) };
    let rows = tx.query(&COURT_ORDER, &[&order, &fields.student_id]).await?;
    if rows.is_empty() {
        return Err(Error::field("court_order_document_id", "court_order_unknown", NO_COURT_ORDER));
    }
    Ok(())
}

/// One that is kept from changing, and its two persons, who are kept from getting other contacts and from leaving.
pub(super) async fn lock(tx: &mut TenantTx, id: ContactId) -> Result<(Contact, Vec<Row>)> {
    let mut rows = tx.query_all(&[(&LOCK_BOTH_OF, &[&id]), (&LOCK, &[&id])]).await?;
    Ok((contact(found(&rows[1])?)?, rows.swap_remove(0)))
}

/// The change and the commit, in one round trip. `counts_otherwise`: whether it came or went.
pub(super) async fn update(tx: TenantTx, changed: &Contact, counts_otherwise: bool) -> Result<()> {
    let Contact { id, fields, record, .. } = changed;
    let (status, source) = (fields.status.word(), record.source.word());
    let made = Made::of(fields);
    let mut values: Vec<&(dyn ToSql + Sync)> =
        vec![id, &status, &record.updated_at, &record.updated_by, fields.metadata.column(), &source];
    values.extend(made.parameters(fields));
    let touch: &Parameters<'_> = &[&fields.student_id, &record.updated_at, &record.updated_by];
    let mut steps: Vec<(&'static Statement, &Parameters<'_>)> = vec![(&UPDATE, &values)];
    if counts_otherwise {
        steps.push((&TOUCH_STUDENT, touch));
    }
    tx.commit_with(&steps).await.map(drop)
}

/// Which contacts.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) student_id: Option<PersonId>,
    pub(super) contact_id: Option<PersonId>,
    pub(super) relation: Option<ContactRelation>,
    pub(super) on: Option<Date>,
}

/// The statements of one order, in both directions: all, those of a student, those that a person is, those within scopes.
type Statements = [[&'static Statement; 2]; 4];

pub(super) async fn list_by_age(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<Contact>> {
    let statements = [
        [&ALL_BY_AGE, &ALL_BY_AGE_DESC],
        [&STUDENT_BY_AGE, &STUDENT_BY_AGE_DESC],
        [&CONTACT_BY_AGE, &CONTACT_BY_AGE_DESC],
        [&WITHIN_BY_AGE, &WITHIN_BY_AGE_DESC],
    ];
    list(tenancy, cx, statements, sight, selection).await
}

pub(super) async fn list_by_change(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<Contact>> {
    let statements = [
        [&ALL_BY_CHANGE, &ALL_BY_CHANGE_DESC],
        [&STUDENT_BY_CHANGE, &STUDENT_BY_CHANGE_DESC],
        [&CONTACT_BY_CHANGE, &CONTACT_BY_CHANGE_DESC],
        [&WITHIN_BY_CHANGE, &WITHIN_BY_CHANGE_DESC],
    ];
    list(tenancy, cx, statements, sight, selection).await
}

async fn list(
    tenancy: &Tenancy,
    cx: &OpContext,
    [all, of_student, of_contact, of_scopes]: Statements,
    sight: &Sight,
    selection: &Selection,
) -> Result<Vec<Contact>> {
    let Selection { span, student_id, contact_id, relation, on } = selection;
    let relation = relation.as_ref().map(ContactRelation::as_str);
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&span.status, span.key(), &span.after.id, &span.limit, &relation, on];
    let statements = match (sight, student_id, contact_id) {
        (Sight::Within(Within { account, on, scopes, .. }), student, contact) => {
            parameters.extend([contact as &(dyn ToSql + Sync), student, account, on, scopes]);
            of_scopes
        }
        // A student has few contacts: the student brings them, the contact is looked for among them.
        (Sight::All, Some(student), contact) => {
            parameters.extend([contact as &(dyn ToSql + Sync), student]);
            of_student
        }
        (Sight::All, None, Some(contact)) => {
            parameters.extend([&None::<PersonId> as &(dyn ToSql + Sync), contact]);
            of_contact
        }
        (Sight::All, None, None) => {
            parameters.push(&None::<PersonId>);
            all
        }
    };
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(contact).collect()
}
