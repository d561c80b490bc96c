//! A session's tenant is set with the transaction and dies with it, however it ends. Looked at from below the kernel's door,
//! with the kernel's own way of entering.

use std::sync::Arc;

use cloister_postgres::{Entry, Error, Lease, Pool, PoolSettings, Row, Statement, Transaction, statements};
use cloister_tenancy::{TenantEntry, Tier};
use cloister_testkit::TestPlatform;

use crate::cancellation::polled;

statements! {
    /// Whose identity the session has.
    WHO = "select coalesce(current_setting('cloister.tenant_id', true), '') as who";
    /// Rows that a session sees without naming anybody.
    ANYBODYS = "select count(*) as notes from shared.note";
    /// The kernel's ways in.
    ENTER_READ = "select cloister.enter_read($1, 1, 'shared')";
    /// And to write.
    ENTER_WRITE = "select cloister.enter_write($1, 1, 'shared')";
    /// Fails.
    FAIL = "select 1 / (select 0)";
}

/// One connection, so that each borrower gets what the last one left.
struct Narrow {
    pool: Pool,
    database: Arc<str>,
    tenant: Arc<TenantEntry>,
}

impl Narrow {
    async fn lease(&self) -> Lease {
        self.pool.lease(&self.database, Some("shared")).await.unwrap()
    }

    async fn read(&self, statement: &'static Statement) -> Result<Vec<Row>, Error> {
        let entry = Entry { enter: Some((&ENTER_READ, &[&self.tenant.id])), ..Entry::plain(Some("shared")) };
        self.lease().await.run(entry, statement, &[]).await
    }

    async fn begin(&self) -> Transaction {
        let enter = (&ENTER_WRITE, vec![Box::new(self.tenant.id) as _]);
        Transaction::new(self.lease().await, Some("shared".into()), Some(enter))
    }

    /// Everything the kernel does with a connection.
    async fn act(&self, how: &str) {
        match how {
            "read" => {
                let rows = self.read(&WHO).await.unwrap();
                assert_eq!(rows[0].get::<_, &str>("who"), self.tenant.id.uuid().to_string());
            }
            "failed read" => {
                self.read(&FAIL).await.unwrap_err();
            }
            "commit" => {
                let mut transaction = self.begin().await;
                let rows = transaction.query(&ANYBODYS, &[]).await.unwrap();
                assert_eq!(rows[0].get::<_, i64>("notes"), 1, "its own, and no more");
                transaction.commit(&[(&WHO, &[])]).await.unwrap();
            }
            "failed commit" => {
                let mut transaction = self.begin().await;
                transaction.query(&WHO, &[]).await.unwrap();
                transaction.commit(&[(&FAIL, &[])]).await.unwrap_err();
            }
            "rollback" => {
                let mut transaction = self.begin().await;
                transaction.query(&WHO, &[]).await.unwrap();
                transaction.rollback().await.unwrap();
            }
            "leave" => {
                let mut transaction = self.begin().await;
                transaction.query(&WHO, &[]).await.unwrap();
            }
            "leave after a failure" => {
                let mut transaction = self.begin().await;
                transaction.query(&FAIL, &[]).await.unwrap_err();
                transaction.query(&WHO, &[]).await.unwrap_err();
            }
            other => panic!("{other}"),
        }
    }

    async fn assert_nobody(&self, after: &str) {
        let plain = Entry::plain(Some("shared"));
        let mut lease = self.lease().await;
        let rows = lease.run(plain, &WHO, &[]).await.unwrap();
        assert_eq!(rows[0].get::<_, &str>("who"), "", "{after}: the identity outlives its transaction");
        let rows = lease.run(plain, &ANYBODYS, &[]).await.unwrap();
        assert_eq!(rows[0].get::<_, i64>("notes"), 0, "{after}: rows without a tenant");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tenant_of_a_session_dies_with_its_transaction() {
    let platform = TestPlatform::start().await;
    let tenant = platform.tenant("mine", Tier::Shared).await;
    platform.tenant("other", Tier::Shared).await;
    let settings = PoolSettings { budget: 1, ..PoolSettings::default() };
    let narrow = Narrow {
        pool: Pool::new(platform.cluster.application.clone(), settings),
        database: tenant.placement.as_ref().unwrap().database.clone(),
        tenant,
    };
    narrow.assert_nobody("before anything").await;
    for how in ["read", "failed read", "commit", "failed commit", "rollback", "leave", "leave after a failure"] {
        for times in 0..100 {
            let completed = polled(times, narrow.act(how)).await.is_some();
            narrow.assert_nobody(&format!("{how}, after {times} polls")).await;
            if completed {
                break;
            }
        }
    }
    let status = narrow.pool.status();
    assert_eq!((status.open, status.idle), (1, 1));
}
