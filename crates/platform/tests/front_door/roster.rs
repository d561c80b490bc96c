//! The smallest roster there can be: pupils, some of whom carry an account. Its roles are those of a school in little.

use std::sync::Arc;

use cloister_ids::{AccountId, PersonId, Uuid};
use cloister_tenancy::{
    Action, Error, ErrorKind, Grant, Module, OpContext, PersonAccount, PersonStanding, Resource, Result, Role,
    SchemaChange, Scope, Table, Tenancy, TenantEntry, TenantTx,
    sql::{Row, Statement, statements},
};
use futures_util::future::BoxFuture;

use crate::fixture::House;

const PUPIL: Resource = Resource { module: "roster", name: "pupil" };
const MARK: Resource = Resource { module: "roster", name: "mark" };

statements! {
    /// A pupil.
    INSERT = "insert into pupil (tenant_id, id, account_id) values ($1, $2, $3)";
    /// Ties or unties an account.
    TIE = "update pupil set account_id = $3, version = version + 1 where tenant_id = $1 and id = $2 returning true";
    /// Which account is tied.
    TIED = "select account_id, is_there from pupil where tenant_id = $1 and id = $2";
    /// How pupils stand.
    STANDINGS = "select id, account_id, is_there from pupil where tenant_id = $1 and (id = any($2) or account_id = $3)";
    /// A pupil leaves.
    REMOVE = "update pupil set is_there = false where tenant_id = $1 and id = $2";
    /// Which accounts are tied.
    ALL = "select id, account_id from pupil where tenant_id = $1 and account_id is not null and id > $2 order by id limit $3";
}

/// Keeps pupils.
#[derive(Debug)]
pub(crate) struct Roster;

impl Module for Roster {
    fn name(&self) -> &'static str {
        "roster"
    }

    fn kinds(&self) -> &'static [&'static str] {
        &["school"]
    }

    fn migrations(&self) -> &'static [SchemaChange] {
        const MIGRATIONS: &[SchemaChange] = &[SchemaChange {
            number: 1,
            name: "pupil",
            tables: "create table pupil (tenant_id uuid not null, id uuid not null, account_id uuid,
                is_there boolean not null default true, version bigint not null default 1, primary key (tenant_id, id));",
            foreign_keys: "",
            made: &[Table::tenant("pupil")],
        }];
        MIGRATIONS
    }

    fn statements(&self) -> &'static [&'static [&'static Statement]] {
        static OF_ALL: &[&[&Statement]] = &[STATEMENTS];
        OF_ALL
    }

    fn roles(&self) -> &'static [Role] {
        &[
            Role { name: "teacher", title: "Teacher", description: "Teaches." },
            Role { name: "examiner", title: "Examiner", description: "Marks, as nobody else may." },
        ]
    }

    fn grants(&self) -> &'static [Grant] {
        const ALL: &[Grant] = &[
            Grant::all("admin", PUPIL, &[Action::Create, Action::Read, Action::Update, Action::Delete]),
            Grant::within("own_classes", "teacher", PUPIL, &[Action::Read]),
            Grant::all("examiner", MARK, &[Action::Update]),
        ];
        ALL
    }

    fn scopes(&self) -> &'static [Scope] {
        const ON: &[(Resource, &[Action])] = &[(PUPIL, &[Action::Read])];
        &[Scope { name: "own_classes", title: "own classes", description: "Those one teaches.", on: ON }]
    }

    fn resources(&self) -> &'static [Resource] {
        &[PUPIL, MARK]
    }

    fn link_account<'a>(
        &'a self,
        tx: &'a mut TenantTx,
        person: Uuid,
        account: Option<AccountId>,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let rows = tx.query(&TIED, &[&person]).await?;
            let Some(row) = rows.first() else { return Ok(false) };
            let tied: Option<AccountId> = row.get("account_id");
            if account.is_some() && !row.get::<_, bool>("is_there") {
                return Ok(false);
            }
            if account.is_some() && tied.is_some() && tied != account {
                return Err(Error::new(ErrorKind::Conflict, "person_has_account", "Another account is tied here."));
            }
            if tied != account {
                tx.query(&TIE, &[&person, &account]).await?;
            }
            Ok(true)
        })
    }

    fn accounts<'a>(
        &'a self,
        tenancy: &'a Tenancy,
        cx: &'a OpContext,
        after: Option<Uuid>,
        limit: i64,
    ) -> BoxFuture<'a, Result<Vec<PersonAccount>>> {
        Box::pin(async move {
            let rows = tenancy.fetch(cx, &ALL, &[&after.unwrap_or_else(Uuid::nil), &limit]).await?;
            Ok(rows.iter().map(|row| PersonAccount { person: row.get("id"), account: row.get("account_id") }).collect())
        })
    }

    fn persons<'a>(
        &'a self,
        tenancy: &'a Tenancy,
        cx: &'a OpContext,
        persons: &'a [Uuid],
        account: Option<AccountId>,
    ) -> BoxFuture<'a, Result<Vec<PersonStanding>>> {
        Box::pin(async move {
            let rows = tenancy.fetch(cx, &STANDINGS, &[&persons, &account]).await?;
            let standing = |row: &Row| PersonStanding {
                person: row.get("id"),
                is_there: row.get("is_there"),
                account: row.get("account_id"),
            };
            Ok(rows.iter().map(standing).collect())
        })
    }
}

/// A pupil leaves the roster.
pub(crate) async fn remove(house: &House, tenant: &Arc<TenantEntry>, pupil: Uuid) {
    let cx = house.platform.cx(tenant);
    let mut tx = house.platform.tenancy.write(&cx).await.unwrap();
    tx.query(&REMOVE, &[&pupil]).await.unwrap();
    tx.commit().await.unwrap();
}

/// Puts a pupil into the roster.
pub(crate) async fn enrol(house: &House, tenant: &Arc<TenantEntry>, account: Option<AccountId>) -> Uuid {
    let id = PersonId::generate(&house.clock).uuid();
    let cx = house.platform.cx(tenant);
    let mut tx = house.platform.tenancy.write(&cx).await.unwrap();
    tx.query(&INSERT, &[&id, &account]).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// Which account a pupil carries.
pub(crate) async fn account_of(house: &House, tenant: &Arc<TenantEntry>, pupil: Uuid) -> Option<AccountId> {
    let cx = house.platform.cx(tenant);
    let rows = house.platform.tenancy.fetch(&cx, &TIED, &[&pupil]).await.unwrap();
    rows.first().and_then(|row| row.get("account_id"))
}

/// Ties an account to a pupil behind the back of the platform.
pub(crate) async fn tie(house: &House, tenant: &Arc<TenantEntry>, pupil: Uuid, account: Option<AccountId>) {
    let cx = house.platform.cx(tenant);
    let mut tx = house.platform.tenancy.write(&cx).await.unwrap();
    tx.query(&TIE, &[&pupil, &account]).await.unwrap();
    tx.commit().await.unwrap();
}
