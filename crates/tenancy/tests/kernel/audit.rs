//! What was noted cannot be changed unnoticed, not even by the administrator of every database: in each tier, each way of
//! being at it is named with the place it happened at.

use cloister_ids::{AccountId, AuditId, RequestId, SystemClock, Uuid};
use cloister_tenancy::{
    Action, Actor, ChainFault, ChainFinding, ChainReport, Identity, PermissionSet, PlatformRecord, Sources, Tenancy,
    TenantEntry, Tier,
};
use cloister_testkit::{NOTE, TestPlatform, note, operator};
use serde_json::json;
use tokio_postgres::Client;

use crate::isolation::fresh;

async fn write(platform: &TestPlatform, node: &Tenancy, tenant: &std::sync::Arc<TenantEntry>, times: usize) {
    let cx = platform.cx(tenant);
    for at in 0..times {
        let mut tx = node.write(&cx).await.unwrap();
        let id = fresh();
        tx.query(&note::INSERT, &[&id, &"body", &None::<String>]).await.unwrap();
        tx.audit(Action::Create, &NOTE, Some(id), Some(json!({ "at": at, "b": [1.50, null], "a": "é\u{1F600}" })));
        tx.commit().await.unwrap();
    }
}

async fn verified(platform: &TestPlatform, tenant: &TenantEntry) -> ChainReport {
    platform.tenancy.verify_audit(tenant.id).await.unwrap().unwrap()
}

async fn found(platform: &TestPlatform, tenant: &TenantEntry) -> Option<ChainFinding> {
    verified(platform, tenant).await.finding
}

/// The entry at a place of a tenant's chain.
async fn entry_at(admin: &Client, tenant: &TenantEntry, seq: i64) -> AuditId {
    let text = "select audit_id from cloister.audit_chain where tenant_id = $1 and seq = $2";
    let row = admin.query_one(text, &[&tenant.id.uuid(), &seq]).await.unwrap();
    AuditId::from_uuid(row.get(0))
}

/// Does something as the administrator, looks, and undoes it: sound before and after.
async fn tampering(
    platform: &TestPlatform,
    tenant: &TenantEntry,
    (breach, undo): (&str, &str),
    expected: (ChainFault, Option<i64>, Option<AuditId>),
) {
    let admin = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let all = |text: &str| {
        text.replace("OF_T", &format!("tenant_id = '{}'", tenant.id.uuid()))
            .replace("T_ID", &tenant.id.uuid().to_string())
    };
    admin.batch_execute(&format!("set search_path = cloister; {}", all(breach))).await.unwrap();
    let seen = found(platform, tenant).await.unwrap_or_else(|| panic!("{breach} went unnoticed in {}", tenant.slug));
    assert_eq!((seen.fault, seen.seq, seen.audit_id), expected, "{}: {breach}: {}", tenant.slug, seen.message);
    admin.batch_execute(&all(undo)).await.unwrap();
    assert!(found(platform, tenant).await.is_none(), "{}: {undo}", tenant.slug);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_at_a_log_is_found_out_in_every_tier() {
    let platform = TestPlatform::start().await;
    for tier in Tier::ALL {
        let tenant = platform.tenant(&format!("{tier}-one"), *tier).await;
        let neighbour = platform.tenant(&format!("{tier}-two"), *tier).await;
        let node = &platform.tenancy;
        for tenant in [&tenant, &neighbour, &tenant] {
            write(&platform, node, tenant, 3).await;
        }
        let waiting = verified(&platform, &tenant).await;
        assert_eq!((waiting.sound, waiting.waiting, waiting.finding.is_none()), (0, 6, true));
        assert!(node.seal_audit().await.unwrap() >= 9);
        assert_eq!(node.seal_audit().await.unwrap(), 0, "nothing is sealed twice");
        let sound = verified(&platform, &tenant).await;
        assert_eq!((sound.sound, sound.waiting, sound.finding.is_none()), (6, 0, true), "{:?}", sound.finding);

        let admin = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
        let (third, fourth) = (entry_at(&admin, &tenant, 3).await, entry_at(&admin, &tenant, 4).await);
        let third_is = format!("OF_T and id = '{}'", third.uuid());
        for (column, other) in [
            ("actor", "'account:somebody'"),
            ("account_id", "gen_random_uuid()"),
            ("acting_as", "'operator'"),
            ("action", "'read'"),
            ("resource", "'notebook.other'"),
            ("resource_id", "null"),
            ("client", "'192.0.2.1'"),
            ("request_id", "gen_random_uuid()"),
            ("reason", "'because'"),
            ("changes", "changes || '{\"at\": 9}'"),
            ("at", "at + interval '1 microsecond'"),
        ] {
            let breach = format!(
                "create table kept as select * from audit where {third_is};
                 update audit set {column} = {other} where {third_is}"
            );
            let undo = format!(
                "update audit set {column} = kept.{column} from kept
                 where audit.tenant_id = 'T_ID' and audit.id = '{}'; drop table kept",
                third.uuid()
            );
            let altered = (ChainFault::Altered, Some(3), Some(third));
            tampering(&platform, &tenant, (&breach, &undo), altered).await;
        }
        let removed =
            format!("create table kept as select * from audit where {third_is}; delete from audit where {third_is}");
        let back = "insert into audit select * from kept; drop table kept";
        tampering(&platform, &tenant, (&removed, back), (ChainFault::Missing, Some(3), Some(third))).await;

        let swap = "update audit_chain set seq = case seq when 3 then 104 else 103 end where OF_T and seq in (3, 4);
            update audit_chain set seq = seq - 100 where OF_T and seq > 100";
        tampering(&platform, &tenant, (swap, swap), (ChainFault::Reordered, Some(3), Some(fourth))).await;
        let swap = "create table kept as select seq, audit_id from audit_chain where OF_T and seq in (3, 4);
            update audit_chain c set audit_id = gen_random_uuid() where OF_T and seq in (3, 4);
            update audit_chain c set audit_id = kept.audit_id from kept where OF_T and c.seq = 7 - kept.seq";
        let undo = "update audit_chain c set audit_id = gen_random_uuid() where OF_T and seq in (3, 4);
            update audit_chain c set audit_id = kept.audit_id from kept where OF_T and c.seq = kept.seq; drop table kept";
        tampering(&platform, &tenant, (swap, undo), (ChainFault::Reordered, Some(3), Some(fourth))).await;

        let hole = "create table kept as select * from audit_chain where OF_T and seq in (3, 4);
            delete from audit_chain where OF_T and seq in (3, 4)";
        let undo = "insert into audit_chain select * from kept; drop table kept";
        tampering(&platform, &tenant, (hole, undo), (ChainFault::Missing, Some(3), None)).await;

        let cut = "create table kept as select * from audit_chain where OF_T and seq > 4;
            create table kept_too as select * from audit where OF_T and id in (select audit_id from kept);
            delete from audit_chain where OF_T and seq > 4; delete from audit where OF_T and id in (select audit_id from kept)";
        let undo = "insert into audit_chain select * from kept; insert into audit select * from kept_too;
            drop table kept; drop table kept_too";
        tampering(&platform, &tenant, (cut, undo), (ChainFault::Cut, Some(5), None)).await;

        let made_up = Uuid::from_u128(7);
        let insert = format!(
            "insert into audit (tenant_id, id, at, actor, action, resource, request_id)
             values ('T_ID', '{made_up}', now(), 'account:nobody', 'read', 'notebook.note', '{made_up}')"
        );
        let undo = format!("delete from audit where OF_T and id = '{made_up}'");
        let inserted = (ChainFault::Inserted, None, Some(AuditId::from_uuid(made_up)));
        tampering(&platform, &tenant, (&insert, &undo), inserted).await;

        // Another tenant's seal fits nowhere else, where it can be had at all.
        if *tier != Tier::Database {
            let borrowed = format!(
                "create table kept as select * from audit_chain where OF_T and seq = 3;
                 update audit_chain c set entry = n.entry, hash = n.hash from audit_chain n
                 where c.tenant_id = 'T_ID' and c.seq = 3 and n.tenant_id = '{}' and n.seq = 3",
                neighbour.id.uuid()
            );
            let undo = "update audit_chain c set entry = kept.entry, hash = kept.hash from kept where c.tenant_id = 'T_ID' and c.seq = 3;
                drop table kept";
            tampering(&platform, &tenant, (&borrowed, undo), (ChainFault::Altered, Some(3), Some(third))).await;
        }
        assert!(found(&platform, &neighbour).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_off_stays_noticed_although_the_log_goes_on() {
    let platform = TestPlatform::start().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let node = &platform.tenancy;
    write(&platform, node, &tenant, 4).await;
    node.seal_audit().await.unwrap();
    let admin = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    admin
        .batch_execute(
            "set search_path = cloister; delete from audit where id in (select audit_id from audit_chain where seq > 2);
             delete from audit_chain where seq > 2",
        )
        .await
        .unwrap();
    write(&platform, node, &tenant, 5).await;
    node.seal_audit().await.unwrap();
    let seen = found(&platform, &tenant).await.unwrap();
    assert_eq!((seen.fault, seen.seq), (ChainFault::Missing, Some(3)), "{}", seen.message);

    // The end that the control plane knows cannot be set back, forged or thrown away either.
    let tenant = platform.tenant("south", Tier::Shared).await;
    write(&platform, node, &tenant, 4).await;
    node.seal_audit().await.unwrap();
    let cut = format!("delete from cloister.audit_chain where tenant_id = '{0}' and seq > 2", tenant.id.uuid());
    admin.batch_execute(&cut).await.unwrap();
    let control = platform.admin(&format!("{}_control", platform.prefix)).await;
    let second = "select hash from cloister.audit_chain where tenant_id = $1 and seq = 2";
    let hash: Vec<u8> = admin.query_one(second, &[&tenant.id.uuid()]).await.unwrap().get(0);
    let back = "update control.audit_head set seq = 2, hash = $2 where chain = $1";
    control.execute(back, &[&tenant.id.uuid(), &hash]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(found(&platform, &tenant).await.unwrap().fault, ChainFault::Cut);
        write(&platform, node, &tenant, 3).await;
        node.seal_audit().await.unwrap();
        control.execute("delete from control.audit_head where chain = $1", &[&tenant.id.uuid()]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_dated_back_or_taken_out_before_its_seal_is_noticed() {
    let platform = TestPlatform::start().await;
    let tenant = platform.tenant("north", Tier::Schema).await;
    let node = &platform.tenancy;
    write(&platform, node, &tenant, 2).await;
    node.seal_audit().await.unwrap();
    let admin = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let insert = "with a as (insert into cloister.audit (tenant_id, id, at, actor, action, resource, request_id)
            values ($1, $2, now() - interval '3 hours', 'account:nobody', 'read', 'notebook.note', $2))
        insert into cloister.audit_unsealed values ($1, $2, now() - interval '3 hours')";
    let forged = fresh();
    admin.execute(insert, &[&tenant.id.uuid(), &forged]).await.unwrap();
    node.seal_audit().await.unwrap();
    let seen = found(&platform, &tenant).await.unwrap();
    assert_eq!((seen.fault, seen.seq), (ChainFault::Inserted, Some(3)), "{}", seen.message);

    let tenant = platform.tenant("south", Tier::Schema).await;
    write(&platform, node, &tenant, 2).await;
    let gone =
        "delete from cloister.audit where id = (select max(id::text)::uuid from cloister.audit where tenant_id = $1)";
    admin.execute(gone, &[&tenant.id.uuid()]).await.unwrap();
    node.seal_audit().await.unwrap();
    let seen = found(&platform, &tenant).await.unwrap();
    assert_eq!((seen.fault, seen.seq), (ChainFault::Missing, Some(2)), "{}", seen.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_seal_at_once_make_one_chain() {
    let platform = TestPlatform::start().await;
    let tenants = platform.tenant_in_each_tier().await;
    let other = platform.second_node().await;
    let sealing = async |node: &Tenancy| {
        for _ in 0..20 {
            node.seal_audit().await.unwrap();
        }
    };
    let writing = async || {
        for tenant in &tenants {
            write(&platform, &platform.tenancy, tenant, 15).await;
        }
    };
    tokio::join!(sealing(&platform.tenancy), sealing(&other), writing());
    platform.tenancy.seal_audit().await.unwrap();
    for tenant in &tenants {
        let report = verified(&platform, tenant).await;
        assert_eq!((report.sound, report.waiting), (15, 0), "{:?}", report.finding);
        assert!(report.finding.is_none(), "{:?}", report.finding);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_own_log_is_sealed_and_may_forget_a_tenant_that_is_gone() {
    let platform = TestPlatform::start().await;
    let node = &platform.tenancy;
    let (gone, stays) = (platform.tenant("gone", Tier::Shared).await, platform.tenant("stays", Tier::Shared).await);
    let mut tx = platform.control.begin().await.unwrap();
    for tenant in [&gone, &stays] {
        let record = PlatformRecord::new(&operator::operator(), "operator.enter", "platform.visit");
        tx.audit(record.of(tenant.id).on(tenant.id).because(Some("a look")).changing(json!({ "name": "Mila" })));
    }
    tx.commit().await.unwrap();
    node.seal_audit().await.unwrap();
    operator::delete(node, gone.id).await;
    operator::purge(node, gone.id).await;
    node.seal_audit().await.unwrap();
    let report = node.verify_platform_audit().await.unwrap();
    assert!(report.finding.is_none() && report.sound >= 6 && report.waiting == 0, "{report:?}");
    assert!(node.verify_audit(gone.id).await.unwrap().is_none());

    let control = platform.admin(&format!("{}_control", platform.prefix)).await;
    let kept = "select count(*) from control.audit where tenant_id = $1 and (changes is not null or client is not null)
        and action <> 'tenant.purge'";
    assert_eq!(control.query_one(kept, &[&gone.id.uuid()]).await.unwrap().get::<_, i64>(0), 0);
    let heads = "select count(*) from control.audit_head where chain = $1";
    assert_eq!(control.query_one(heads, &[&gone.id.uuid()]).await.unwrap().get::<_, i64>(0), 0);
    let shared = platform.admin(&gone.placement.as_ref().unwrap().database).await;
    for table in ["audit", "audit_chain", "audit_unsealed"] {
        let text = format!("select count(*) from cloister.{table} where tenant_id = $1");
        assert_eq!(shared.query_one(&text, &[&gone.id.uuid()]).await.unwrap().get::<_, i64>(0), 0, "{table}");
    }

    // What is said of a tenant that is still there is not forgotten.
    let redact = "update control.audit set changes = null, resource_id = null, client = null where tenant_id = $1";
    control.execute(redact, &[&stays.id.uuid()]).await.unwrap();
    assert_eq!(node.verify_platform_audit().await.unwrap().finding.unwrap().fault, ChainFault::Altered);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_says_who_from_where_and_why() {
    let platform = TestPlatform::start().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let cx = platform.cx(&tenant).coming_from(Some("2001:db8::7".parse().unwrap()));
    let mut tx = platform.tenancy.write(&cx).await.unwrap();
    tx.audit_act("note.pin", &NOTE, None, None);
    tx.commit().await.unwrap();
    let admin = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let text = "select actor, action, resource, client, request_id from cloister.audit where tenant_id = $1";
    let row = admin.query_one(text, &[&tenant.id.uuid()]).await.unwrap();
    let seen: [String; 4] = std::array::from_fn(|at| row.get(at));
    assert_eq!(seen, ["account:tester", "note.pin", "notebook.note", "2001:db8::7"]);
    assert_eq!(row.get::<_, Uuid>(4), cx.request().uuid());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_attempt_at_another_tenant_says_from_where() {
    let platform = TestPlatform::start().await;
    let tenant = platform.tenant("north", Tier::Shared).await;
    let account = AccountId::generate(&SystemClock);
    let all = PermissionSet::all();
    let mut who = Identity::new(Actor::Account("eve".into()), Some(tenant.id), all);
    who.account = Some(account);
    let sources = Sources { host: Some("south.localhost"), token: Some(tenant.id), ..Sources::default() };
    let request = RequestId::generate(&SystemClock);
    platform.tenancy.note_mismatch(&who, &sources, request, Some("192.0.2.9".parse().unwrap()));
    let admin = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
    let text = "select actor, account_id, client, request_id from cloister.audit where action = 'tenant_mismatch'";
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let row = loop {
        if let Some(row) = admin.query_opt(text, &[]).await.unwrap() {
            break row;
        }
        assert!(std::time::Instant::now() < deadline, "it was not noted");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!((row.get::<_, &str>(0), row.get::<_, Uuid>(1)), ("account:eve", account.uuid()));
    assert_eq!((row.get::<_, &str>(2), row.get::<_, Uuid>(3)), ("192.0.2.9", request.uuid()));
}
