//! Accounts tied to persons.

use cloister_ids::{AccountId, PersonId, SystemClock, Uuid};
use cloister_school::{
    School,
    person::{link_account, unlink_account},
};
use cloister_tenancy::{Module, PersonAccount, PersonStanding, Result, TenantEntry};
use cloister_testkit::{TestPlatform, token};
use serde_json::{Value, json};

use crate::{Office, id, platform};

/// By the module's seam, in a transaction of its own.
async fn tie(
    platform: &TestPlatform,
    tenant: &std::sync::Arc<TenantEntry>,
    person: &str,
    account: Option<AccountId>,
) -> Result<bool> {
    let person: PersonId = person.parse().unwrap();
    let mut tx = platform.tenancy.write(&platform.cx(tenant)).await.unwrap();
    let tied = School.link_account(&mut tx, person.uuid(), account).await?;
    tx.commit().await.map(|()| tied)
}

fn account() -> AccountId {
    AccountId::generate(&SystemClock)
}

#[tokio::test]
async fn one_account_for_one_person_in_every_tier() {
    let (platform, door) = platform().await;
    let shared = account();
    for tenant in platform.tenant_in_each_tier().await {
        let office = Office { door: &door, tenant: &tenant };
        let (ada, ben) = (office.person("Ada", "Okafor").await, office.person("Ben", "Okafor").await);
        let (ada, ben) = (id(&ada), id(&ben));
        assert!(tie(&platform, &tenant, ada, Some(shared)).await.unwrap());
        let tied = office.read(&format!("persons/{ada}")).await;
        assert_eq!((&tied["account_id"], &tied["version"]), (&json!(shared.to_string()), &json!(2)));
        assert!(tie(&platform, &tenant, ada, Some(shared)).await.unwrap(), "again");
        assert_eq!(office.read(&format!("persons/{ada}")).await, tied, "and nothing changed");

        let code = async |person: &str, account| tie(&platform, &tenant, person, account).await.unwrap_err().code();
        assert_eq!(code(ada, Some(account())).await, "person_has_account");
        assert_eq!(code(ben, Some(shared)).await, "account_has_person");
        let nobody = "per_01jd4kqvm6e8x9t3c5z7b2n0fa";
        for account in [Some(account()), None] {
            assert!(!tie(&platform, &tenant, nobody, account).await.unwrap());
        }
        assert!(tie(&platform, &tenant, ada, None).await.unwrap());
        assert!(tie(&platform, &tenant, ada, None).await.unwrap(), "again");
        let untied = office.read(&format!("persons/{ada}")).await;
        assert_eq!((&untied["account_id"], &untied["version"]), (&Value::Null, &json!(3)));
        assert!(tie(&platform, &tenant, ben, Some(shared)).await.unwrap());

        // A change of the person leaves it, a deletion too; a deleted person gets none.
        let record = office.read(&format!("persons/{ben}")).await;
        let changed = office.change("PATCH", &format!("persons/{ben}"), &record).json(json!({"phone": "1"}));
        let changed = changed.expect(200).await;
        assert_eq!(changed["account_id"], json!(shared.to_string()));
        office.change("DELETE", &format!("persons/{ben}"), &changed).expect(204).await;
        assert_eq!(office.read(&format!("persons/{ben}")).await["account_id"], json!(shared.to_string()));
        assert!(!tie(&platform, &tenant, ben, Some(shared)).await.unwrap());
        assert!(tie(&platform, &tenant, ben, None).await.unwrap());
        assert!(!tie(&platform, &tenant, ben, Some(shared)).await.unwrap());

        let admin = platform.admin(&tenant.placement.as_ref().unwrap().database).await;
        let text = "select count(*) from cloister.audit where tenant_id = $1 and resource = 'school.person'
            and action = 'update' and changes = '{\"fields\": [\"account_id\"]}'";
        let noted: i64 = admin.query_one(text, &[&tenant.id.uuid()]).await.unwrap().get(0);
        assert_eq!(noted, 4, "each change once");
    }
}

#[tokio::test]
async fn it_is_told_to_whoever_may_change_persons() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", cloister_tenancy::Tier::Shared).await;
    let office = Office { door: &door, tenant: &tenant };
    let ada = office.person("Ada", "Okafor").await;
    let tied = account();
    assert!(tie(&platform, &tenant, id(&ada), Some(tied)).await.unwrap());
    for (permissions, told) in [
        (&["school.person.read", "school.person.update"][..], json!(tied.to_string())),
        (&["school.person.read"], Value::Null),
        (&["school.person.read", "school.person.update:self"], Value::Null),
        (&["school.person.read:self"], Value::Null),
        (&["school.person.*:self"], Value::Null),
    ] {
        let token = token(&tied.to_string(), Some(&tenant), permissions);
        for path in [format!("persons/{}", id(&ada)), format!("persons?sourced_id={}", id(&ada)), "persons".to_owned()]
        {
            let seen = office.call("GET", &path).token(&token).expect(200).await;
            let record = seen["items"].as_array().map_or(&seen, |items| &items[0]);
            assert_eq!(record["account_id"], told, "{permissions:?} {path}");
        }
    }
    // It is no field: it cannot be written by a change.
    let ada = office.read(&format!("persons/{}", id(&ada))).await;
    let patch = json!({"account_id": account().to_string()});
    office.change("PATCH", &format!("persons/{}", id(&ada)), &ada).json(patch).expect(422).await;
}

#[tokio::test]
async fn those_who_have_one_are_told_page_by_page_and_by_tenant() {
    let (platform, door) = platform().await;
    let (north, south) = (
        platform.tenant("north", cloister_tenancy::Tier::Shared).await,
        platform.tenant("south", cloister_tenancy::Tier::Shared).await,
    );
    let mut expected: Vec<PersonAccount> = Vec::new();
    for tenant in [&north, &south] {
        let office = Office { door: &door, tenant };
        for n in 0..5 {
            let person = office.person(&format!("P{n}"), "Row").await;
            office.person("Without", "Account").await;
            let tied = account();
            assert!(tie(&platform, tenant, id(&person), Some(tied)).await.unwrap());
            if tenant.id == north.id {
                let person: PersonId = id(&person).parse().unwrap();
                expected.push(PersonAccount { person: person.uuid(), account: tied });
            }
        }
    }
    expected.sort_by_key(|pair| pair.person);
    let cx = platform.cx(&north);
    let (mut found, mut after) = (Vec::new(), None::<Uuid>);
    loop {
        let page = School.accounts(&platform.tenancy, &cx, after, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.person);
        found.extend(page);
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn it_is_told_who_can_be_tied_within_the_tenant_alone() {
    let (platform, door) = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let south = platform.tenant(&format!("{}-south", tenant.slug), cloister_tenancy::Tier::Shared).await;
        let office = Office { door: &door, tenant: &tenant };
        let elsewhere = Office { door: &door, tenant: &south }.person("Zoe", "Elsewhere").await;
        let mut persons = Vec::new();
        for name in ["Free", "Tied", "Left", "Tied besides"] {
            persons.push(office.person(name, "Okafor").await);
        }
        let uuid = |person: &Value| id(person).parse::<PersonId>().unwrap().uuid();
        let (one, other) = (account(), account());
        assert!(tie(&platform, &tenant, id(&persons[1]), Some(one)).await.unwrap());
        assert!(tie(&platform, &tenant, id(&persons[3]), Some(other)).await.unwrap());
        assert!(tie(&platform, &south, id(&elsewhere), Some(other)).await.unwrap());
        office.change("DELETE", &format!("persons/{}", id(&persons[2])), &persons[2]).expect(204).await;
        let asked = [uuid(&persons[0]), uuid(&persons[1]), uuid(&persons[2]), uuid(&elsewhere), Uuid::nil()];
        let mut told = School.persons(&platform.tenancy, &platform.cx(&tenant), &asked, Some(other)).await.unwrap();
        told.sort_by_key(|standing| standing.person);
        let standing = |at: usize, is_there, account| PersonStanding { person: uuid(&persons[at]), is_there, account };
        let mut expected = [
            standing(0, true, None),
            standing(1, true, Some(one)),
            standing(2, false, None),
            standing(3, true, Some(other)),
        ];
        expected.sort_by_key(|standing| standing.person);
        assert_eq!(told, expected);
        let none = School.persons(&platform.tenancy, &platform.cx(&tenant), &[], None).await.unwrap();
        assert_eq!(none, []);
    }
}

#[tokio::test]
async fn a_unit_of_work_that_is_given_up_ties_nothing() {
    let (platform, door) = platform().await;
    let tenant = platform.tenant("north", cloister_tenancy::Tier::Database).await;
    let office = Office { door: &door, tenant: &tenant };
    let ada = office.person("Ada", "Okafor").await;
    let person: PersonId = id(&ada).parse().unwrap();
    let mut tx = platform.tenancy.write(&platform.cx(&tenant)).await.unwrap();
    assert!(link_account(&mut tx, person, account()).await.unwrap());
    drop(tx);
    assert_eq!(office.read(&format!("persons/{}", id(&ada))).await, ada);
    let mut tx = platform.tenancy.write(&platform.cx(&tenant)).await.unwrap();
    assert!(unlink_account(&mut tx, person).await.unwrap(), "there was none, and there is none");
    tx.commit().await.unwrap();
    assert_eq!(office.read(&format!("persons/{}", id(&ada))).await, ada);
}
