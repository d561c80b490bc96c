//! What records of somebody's health have in common, whatever they tell: they are kept sealed, and whoever is shown one is written
//! down in the same transaction. A record that cannot be noted is not shown.

mod listing;
mod sealed;
mod store;

use cloister_http::{IdempotencyKey, IfMatch, Listing, MergePatch, Op, Page, Problem, Versioned, words};
use cloister_ids::{Id, Kind, PersonId};
use cloister_tenancy::{
    Action, Changes, Error, OpContext, Resource, Result, Tenancy, TenantTx,
    sql::{Row, ToSql},
};
use garde::Validate;
use jiff::civil::Date;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub(crate) use listing::{HealthFilter, HealthOrder, HealthSort};
pub(crate) use sealed::{seal, told_of};
pub(crate) use store::{Table, health_get, health_page, health_page_within, health_table};

use crate::{
    access_log_entry::{self, Seen},
    listing::{Key, Position, Span},
    presence_store::check_return,
    record::{Record, Status, check_change, check_new},
    scope::{Sight, authorize_change},
};

/// Characters of what somebody writes at length.
pub(crate) const NOTES: usize = 2000;

words! {
    /// How bad it can become.
    pub enum HealthSeverity {
        /// A nuisance.
        Mild = "mild",
        /// It needs looking after.
        Moderate = "moderate",
        /// It needs help at once.
        Severe = "severe",
        /// Without help at once, somebody may die.
        LifeThreatening = "life_threatening",
    }
}

/// What a kind of health record tells: the body of a creation, and what a patch changes.
pub(crate) trait HealthFields:
    Clone + PartialEq + Serialize + DeserializeOwned + Validate<Context = ()> + Send + Sync + 'static
{
    /// Of its ids.
    type Kind: Kind;
    /// What permissions are about.
    const RESOURCE: Resource;

    /// Where it is kept.
    fn table() -> &'static Table;
    /// Whether it counts.
    fn status(&self) -> Status;
    /// Whose it is.
    fn student(&self) -> PersonId;
    /// The day it is about.
    fn date(&self) -> Date;
    /// Columns in clear, in the order of the table's statements. Everything else is sealed.
    fn clear(&self) -> Vec<(&'static str, &(dyn ToSql + Sync))>;
    /// The same of a row, as they are in JSON.
    fn clear_of(row: &Row) -> Result<Vec<(&'static str, Value)>>;
}

/// A record as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept<F: HealthFields> {
    pub(crate) id: Id<F::Kind>,
    pub(crate) fields: F,
    pub(crate) record: Record,
}

impl<F: HealthFields> Versioned for Kept<F> {
    fn version(&self) -> i64 {
        self.record.version
    }
}

/// Declares a kind of record: the type that is shown, and what it has in common with the others. `$date` is the day it is about;
/// behind it are the other columns in clear, in the order of the table's statements.
macro_rules! health_record {
    ($(#[$doc:meta])* $shown:ident of $fields:ident, $id:ident, $resource:ident, $date:ident $(, $clear:ident: $type:ty)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::utoipa::ToSchema)]
        pub struct $shown {
            /// Which one.
            pub id: ::cloister_ids::$id,
            /// What is known.
            #[serde(flatten)]
            pub fields: $fields,
            /// Who made and changed it, and when.
            #[serde(flatten)]
            pub record: $crate::record::Record,
        }

        impl ::cloister_http::Versioned for $shown {
            fn version(&self) -> i64 {
                self.record.version
            }
        }

        impl From<$crate::health::Kept<$fields>> for $shown {
            fn from(kept: $crate::health::Kept<$fields>) -> Self {
                let $crate::health::Kept { id, fields, record } = kept;
                Self { id, fields, record }
            }
        }

        impl $crate::health::HealthFields for $fields {
            type Kind = ::cloister_ids::kind::$shown;
            const RESOURCE: ::cloister_tenancy::Resource = $resource;

            fn table() -> &'static $crate::health::Table {
                &store::TABLE
            }

            fn status(&self) -> $crate::record::Status {
                self.status
            }

            fn student(&self) -> ::cloister_ids::PersonId {
                self.student_id
            }

            fn date(&self) -> ::jiff::civil::Date {
                self.$date
            }

            fn clear(&self) -> Vec<(&'static str, &(dyn ::cloister_tenancy::sql::ToSql + Sync))> {
                vec![(stringify!($date), &self.$date) $(, (stringify!($clear), &self.$clear))*]
            }

            fn clear_of(
                row: &::cloister_tenancy::sql::Row,
            ) -> ::cloister_tenancy::Result<Vec<(&'static str, ::serde_json::Value)>> {
                let json = |value: ::serde_json::Result<::serde_json::Value>| {
                    value.map_err(::cloister_tenancy::Error::internal)
                };
                Ok(vec![
                    (
                        stringify!($date),
                        json(::serde_json::to_value(row.get::<_, ::jiff::civil::Date>(stringify!($date))))?,
                    )
                    $(, (stringify!($clear), json(::serde_json::to_value(row.get::<_, $type>(stringify!($clear))))?))*
                ])
            }
        }

        fn sample() -> $shown {
            $shown { id: $crate::sample_id(), fields: sample_fields(), record: $crate::record::Record::sample() }
        }
    };
}

pub(crate) use health_record;

/// Makes a record, as part of `tx`. Two round trips with the commit.
pub(crate) async fn create<F: HealthFields>(
    tx: &mut TenantTx,
    key: Option<&IdempotencyKey>,
    fields: F,
) -> Result<Kept<F>> {
    tx.cx().authorize(Action::Create, &F::RESOURCE)?;
    check_new(fields.status())?;
    let made = Kept { id: Id::generate(tx.cx().clock()), fields, record: Record::new(tx.cx()) };
    store::insert(tx, key, &made).await?;
    tx.audit(Action::Create, &F::RESOURCE, made.id, None);
    Ok(made)
}

/// One record, deleted or not, and that it was seen. Two round trips.
pub(crate) async fn read<F: HealthFields>(tenancy: &Tenancy, cx: &OpContext, id: Id<F::Kind>) -> Result<Kept<F>> {
    let sight = Sight::of(cx, &F::RESOURCE)?;
    let mut tx = tenancy.write(cx).await?;
    let kept = store::get::<F>(&mut tx, &sight, id).await?;
    let seen = Seen::of(cx, Action::Read, &F::RESOURCE, [(id.to_string(), kept.fields.student())]);
    access_log_entry::commit(tx, seen).await?;
    Ok(kept)
}

/// A page of records, and that each was seen. Two round trips.
pub(crate) async fn list<F: HealthFields, T: From<Kept<F>>>(
    op: &Op,
    listing: &Listing<HealthFilter, HealthSort>,
) -> Result<Page<T>, Problem> {
    let Op { tenancy, cx, .. } = op;
    let sight = Sight::of(cx, &F::RESOURCE)?;
    let (tenant, what, filter) = (cx.tenant_id(), F::RESOURCE.name, &listing.filter);
    let selection = store::Selection {
        span: Span::of(listing, filter.status, tenant, what)?.on_days(filter.from, filter.until),
        sort: listing.sort,
        student_id: filter.student_id,
        from: filter.from,
        until: filter.until,
    };
    let mut tx = tenancy.write(cx).await?;
    let rows = store::list::<F>(&mut tx, &sight, &selection).await?;
    let Page { items, next_cursor } = listing.page(tenant, what, rows, |last| {
        let key = match listing.sort {
            HealthSort::Date => Key::Date(last.fields.date()),
            HealthSort::DateLastModified => Key::Time(last.record.date_last_modified),
        };
        Position { key, id: last.id.uuid() }
    });
    let shown = items.iter().map(|kept| (kept.id.to_string(), kept.fields.student()));
    access_log_entry::commit(tx, Seen::of(cx, Action::Read, &F::RESOURCE, shown)).await?;
    Ok(Page { items: items.into_iter().map(T::from).collect(), next_cursor })
}

async fn exists<F: HealthFields>(tenancy: &Tenancy, cx: &OpContext, id: Id<F::Kind>) -> Result<()> {
    let sight = Sight::of(cx, &F::RESOURCE)?;
    store::exists::<F>(tenancy, cx, &sight, id).await
}

/// Changes a record that is still as the caller knows it. Two round trips.
pub(crate) async fn update<F: HealthFields>(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: Id<F::Kind>,
    known: &IfMatch,
    patch: &MergePatch<F>,
) -> Result<Kept<F>> {
    authorize_change(cx, Action::Update, &F::RESOURCE, exists::<F>(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, student) = store::lock::<F>(&mut tx, id).await?;
    known.check(&before)?;
    let fields = patch.apply(&before.fields)?;
    check_change((None, before.fields.status()), (None, fields.status()))?;
    check_return(&student, before.fields.student(), "student_id", before.fields.status(), fields.status())?;
    if fields.student() != before.fields.student() {
        let message = "What is known of another student is another record.";
        return Err(Error::field("student_id", "health_record_moved", message));
    }
    if fields == before.fields {
        // Nothing changes, and yet it is shown.
        let seen = Seen::of(cx, Action::Read, &F::RESOURCE, [(id.to_string(), fields.student())]);
        access_log_entry::commit(tx, seen).await?;
        return Ok(before);
    }
    // The audit log tells which fields changed, and of none what it says.
    let changes = Changes::between(&before.fields, &fields)?.showing_only(&["status"]);
    let after = Kept { id, fields, record: before.record.changed(cx) };
    tx.audit(Action::Update, &F::RESOURCE, id, Some(changes.into()));
    store::update(tx, &after).await?;
    Ok(after)
}

/// Deletes a record that is still as the caller knows it. Two round trips.
pub(crate) async fn delete<F: HealthFields>(
    tenancy: &Tenancy,
    cx: &OpContext,
    id: Id<F::Kind>,
    known: &IfMatch,
) -> Result<()> {
    authorize_change(cx, Action::Delete, &F::RESOURCE, exists::<F>(tenancy, cx, id)).await?;
    let mut tx = tenancy.write(cx).await?;
    let (before, _) = store::lock::<F>(&mut tx, id).await?;
    known.check(&before)?;
    if before.fields.status() == Status::ToBeDeleted {
        return tx.rollback().await;
    }
    tx.audit(Action::Delete, &F::RESOURCE, id, None);
    store::delete::<F>(tx, id).await
}
