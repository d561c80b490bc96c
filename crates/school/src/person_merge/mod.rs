//! Merges: two records turn out to be one person. Everything that is about the one is made to be about the other, and which rows
//! those were is written down, so that a merge can be taken back.

mod api;
mod behavior_move_store;
mod differ_store;
mod file_move_store;
mod health_move_store;
mod move_store;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, Versioned};
use cloister_ids::{AccountId, PersonId, PersonMergeId};
use cloister_tenancy::{
    Action, ConstraintRule, Error, ErrorKind, OpContext, Resource, Result, Tenancy, TenantTx, sql::Statement,
};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

pub(crate) use api::routes;

use crate::{
    presence_store::person_deleted,
    record::{Metadata, Record, Status},
    rules::{TEXT, clean, small},
    scope::authorize_change,
};

/// What permissions are about. Whoever may merge needs no permission for what is moved: it stays what it was.
pub const PERSON_MERGE: Resource = Resource { module: crate::MODULE, name: "person_merge" };

/// Every statement about merges.
pub(crate) const STATEMENTS: [&[&Statement]; 6] = [
    store::STATEMENTS,
    differ_store::STATEMENTS,
    move_store::STATEMENTS,
    file_move_store::STATEMENTS,
    behavior_move_store::STATEMENTS,
    health_move_store::STATEMENTS,
];

/// What refused constraints mean.
pub(crate) const CONSTRAINTS: &[ConstraintRule] = &[];

/// Which two, and why: the body of a creation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonMergeFields {
    /// The record that stays.
    #[garde(skip)]
    pub kept_id: PersonId,
    /// The record that becomes part of it, and is deleted.
    #[garde(skip)]
    pub merged_id: PersonId,
    /// Why, for whoever asks later.
    #[garde(inner(length(chars, max = TEXT), custom(clean)))]
    #[schema(min_length = 1, max_length = 512, example = "Entered twice at enrolment.")]
    pub reason: Option<String>,
    /// Fields of other systems: at most 16 KiB of JSON.
    #[garde(custom(small))]
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Metadata,
}

/// A merge as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PersonMerge {
    /// Which one.
    pub id: PersonMergeId,
    /// `active` while it holds, `tobedeleted` once it was taken back.
    pub status: Status,
    /// Which two, and why.
    #[serde(flatten)]
    pub fields: PersonMergeFields,
    /// How many records it moved or set aside.
    #[schema(example = 7)]
    pub row_count: i64,
    /// Who made and took it back, and when.
    #[serde(flatten)]
    pub record: Record,
}

impl Versioned for PersonMerge {
    fn version(&self) -> i64 {
        self.record.version
    }
}

/// One of the two, as far as a merge must know them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Side {
    status: Status,
    account: Option<AccountId>,
}

/// Which sign-in goes from the merged record to the one that stays.
fn account_to_move(kept: &Side, merged: &Side) -> Result<Option<AccountId>> {
    match (kept.account, merged.account) {
        (Some(_), Some(_)) => Err(Error::new(
            ErrorKind::Conflict,
            "both_have_accounts",
            "Both records have an account, and a person has one. Untie the account that is not used first.",
        )),
        (None, account) => Ok(account),
        (Some(_), None) => Ok(None),
    }
}

fn check_side(field: &str, side: Option<Side>) -> Result<Side> {
    match side {
        None => Err(Error::field(field, "person_unknown", "There is no such person.")),
        Some(Side { status: Status::ToBeDeleted, .. }) => Err(person_deleted(field)),
        Some(side) => Ok(side),
    }
}

/// Merges two persons, as part of `tx`.
async fn create(tx: &mut TenantTx, key: Option<&IdempotencyKey>, fields: PersonMergeFields) -> Result<PersonMerge> {
    tx.cx().authorize(Action::Create, &PERSON_MERGE)?;
    if fields.kept_id == fields.merged_id {
        return Err(Error::field("merged_id", "merged_with_self", "Name two records: the one that stays and another."));
    }
    let locked = store::lock_sides(tx, key, &fields).await?;
    let kept = check_side("kept_id", locked.kept)?;
    let merged = check_side("merged_id", locked.merged)?;
    if locked.contacts_differ {
        return Err(Error::new(
            ErrorKind::Conflict,
            "contacts_differ",
            "Both records have a contact with the same person, and the two do not say the same: custody, access, restrictions, \
             days, whether they are guardian, live with the child or are called first, or how they are reached differ, or one \
             is deleted. Make them alike first, so that a merge decides nothing about a child.",
        ));
    }
    if locked.places_differ {
        return Err(Error::new(
            ErrorKind::Conflict,
            "places_differ",
            "Both records have a place with the same role in the same class on some of the same days, and the place of the one that \
             stays does not have all days of the other. Give it those days first, so that none is lost.",
        ));
    }
    let account = account_to_move(&kept, &merged)?;
    let id = PersonMergeId::generate(tx.cx().clock());
    let record = Record::new(tx.cx());
    let mut merge = PersonMerge { id, status: Status::Active, fields, row_count: 0, record };
    merge.row_count = store::merge(tx, &merge, account).await?;
    let rows = merge.row_count;
    let about = json!({ "kept_id": merge.fields.kept_id, "merged_id": merge.fields.merged_id, "rows": rows });
    tx.audit(Action::Create, &PERSON_MERGE, id, Some(about));
    Ok(merge)
}

/// One merge, taken back or not. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, id: PersonMergeId) -> Result<PersonMerge> {
    cx.authorize(Action::Read, &PERSON_MERGE)?;
    store::get(tenancy, cx, id).await
}

/// Takes a merge back that is still as the caller knows it.
async fn undo(tenancy: &Tenancy, cx: &OpContext, id: PersonMergeId, known: &IfMatch) -> Result<()> {
    authorize_change(cx, Action::Delete, &PERSON_MERGE, read(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let locked = store::lock(&mut tx, id).await?;
    known.check(&locked.merge)?;
    if locked.merge.status == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    if locked.merged_again {
        return Err(Error::new(
            ErrorKind::Conflict,
            "merged_again",
            "One of the two was merged once more since, or took in another record. Take the later merge back first.",
        ));
    }
    if !locked.kept_there {
        return Err(Error::new(
            ErrorKind::Conflict,
            "kept_deleted",
            "The record that stayed was deleted since, with all that was moved to it. Bring it back first, then take the merge back.",
        ));
    }
    // Whoever was given another account since keeps it.
    let back = locked.account.filter(|account| locked.kept_account == Some(*account));
    tx.audit(Action::Delete, &PERSON_MERGE, id, None);
    let record = locked.merge.record.clone().changed(cx);
    store::undo(tx, &PersonMerge { record, ..locked.merge }, back).await
}

fn sample_fields() -> PersonMergeFields {
    PersonMergeFields {
        kept_id: crate::sample_id(),
        merged_id: crate::contact::another_person(),
        reason: Some("Entered twice at enrolment.".to_owned()),
        metadata: Metadata::default(),
    }
}

fn sample() -> PersonMerge {
    PersonMerge {
        id: crate::sample_id(),
        status: Status::Active,
        fields: sample_fields(),
        row_count: 7,
        record: Record::sample(),
    }
}

#[cfg(test)]
mod tests {
    use cloister_ids::{AccountId, SystemClock};

    use super::{Side, account_to_move, move_store};
    use crate::record::Status;

    #[test]
    fn one_account_follows_and_two_are_refused() {
        let side = |account| Side { status: Status::Active, account };
        let account = AccountId::generate(&SystemClock);
        assert_eq!(account_to_move(&side(None), &side(Some(account))).ok(), Some(Some(account)));
        assert_eq!(account_to_move(&side(Some(account)), &side(None)).ok(), Some(None));
        let refused = account_to_move(&side(Some(account)), &side(Some(AccountId::generate(&SystemClock))));
        assert_eq!(refused.map_err(|error| error.code()), Err("both_have_accounts"));
    }

    /// A new table that is about persons must say what a merge does with its rows.
    #[test]
    fn every_reference_to_a_person_is_known_to_merges() {
        let found: Vec<_> = crate::schema::references()
            .into_iter()
            .filter_map(|(parent, table, column)| (parent == "person").then_some((table, column)))
            .collect();
        let mut known = move_store::REFERENCES.to_vec();
        known.sort_unstable();
        assert_eq!(found, known, "say in move_store.rs what a merge does with these, then list them in REFERENCES");
    }
}
