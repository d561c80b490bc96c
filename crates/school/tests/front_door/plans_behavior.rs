//! How PostgreSQL answers what is asked of incidents, among many: by an index from what is asked on.

use cloister_ids::{AccountId, SystemClock};
use serde_json::Value;

use crate::plans::{NIL, enter, named, nodes, plan, run, two_large_schools, words};

/// In each of two schools of 20,000 students 20,000 incidents with two participants each, an action, and a follow-up that in one of
/// ten is still to do.
const FILL: &str = "
    insert into behavior_code select s.tenant_id, gen_random_uuid(), 'active', now(), 'manual', '{}', 1, now(), 'x', now(), 'x',
        n::text, 'Fighting', 'fighting', 'major', -5 from school_of s cross join generate_series(1, 20) n;
    insert into discipline_incident (tenant_id, id, status, date_last_modified, source, metadata, version, created_at, created_by,
            updated_at, updated_by, incident_identifier, school_id, incident_date, incident_location, description,
            reported_to_law_enforcement, confidential)
        select s.tenant_id, gen_random_uuid(), 'active', now(), 'manual', '{}', 1, now(), 'x', now(), 'x', n::text, s.org_id,
            date '2025-09-01' + n % 200, 'hallway', 'A fight', false, n % 50 = 0
        from school_of s cross join generate_series(1, 20000) n;
    analyze behavior_code; analyze discipline_incident;
    insert into incident_participant (tenant_id, id, status, date_last_modified, source, metadata, version, created_at, created_by,
            updated_at, updated_by, incident_id, incident_date, person_id, participation_code, behavior_code_id, points)
        select i.tenant_id, gen_random_uuid(), 'active', now(), 'manual', '{}', 1, now(), 'x', now(), 'x', i.id, i.incident_date,
            p.id, 'perpetrator', (select c.id from behavior_code c where c.tenant_id = i.tenant_id
                and c.short_name = (1 + i.incident_identifier::int % 20)::text), -5
        from discipline_incident i cross join generate_series(0, 1) n
        join person p on p.tenant_id = i.tenant_id and p.sourced_id = 'p' || (1 + (i.incident_identifier::int + n) % 20000);
    analyze incident_participant;
    insert into discipline_action (tenant_id, id, status, date_last_modified, source, metadata, version, created_at, created_by,
            updated_at, updated_by, student_id, incident_id, discipline, discipline_date, responsibility_school_id, done)
        select q.tenant_id, gen_random_uuid(), 'active', now(), 'manual', '{}', 1, now(), 'x', now(), 'x', q.person_id,
            q.incident_id, 'warning', q.incident_date, s.org_id, false
        from incident_participant q join school_of s on s.tenant_id = q.tenant_id;
    insert into incident_follow_up (tenant_id, id, status, date_last_modified, source, metadata, version, created_at, created_by,
            updated_at, updated_by, incident_id, due_date, task, completed_at, completed_by)
        select i.tenant_id, gen_random_uuid(), 'active', now(), 'manual', '{}', 1, now(), 'x', now(), 'x', i.id, i.incident_date,
            'Talk', nullif(now(), case when i.incident_identifier::int % 10 = 0 then now() end),
            case when i.incident_identifier::int % 10 <> 0 then 'x' end
        from discipline_incident i;
    analyze discipline_action; analyze incident_follow_up;";

const VACUUM: &str = "vacuum analyze behavior_code, discipline_incident, incident_participant, discipline_action, incident_follow_up, person,
    person_role, enrollment";

/// Makes one person of each school a teacher of five classes of 40.
const TEACH: &str = "
    create temporary table teacher_of as select tenant_id, id from person where sourced_id = 'p17';
    insert into enrollment select t.tenant_id, gen_random_uuid(), 't' || c.id, 'active', now(), 'import', '{}',
        1, now(), 'x', now(), 'x', c.id, c.school_id, t.id, 'teacher', true, null, null
        from teacher_of t cross join lateral (select c.* from class c where c.tenant_id = t.tenant_id and exists
            (select from enrollment e where e.tenant_id = c.tenant_id and e.class_id = c.id) order by c.id limit 5) c;
    analyze enrollment;";

#[tokio::test]
async fn incidents_are_brought_by_an_index_and_touch_no_more_than_is_shown() {
    let (_platform, north, client) = two_large_schools().await;
    client.batch_execute(FILL).await.unwrap();
    for (name, index) in [
        ("discipline_incident::store::ALL_BY_DATE", "discipline_incident_by_date"),
        ("discipline_incident::store::SCHOOL_BY_DATE", "discipline_incident_by_school"),
        ("discipline_incident::store::STUDENT_BY_DATE", "incident_participant_by_person"),
        ("discipline_incident::store::IDENTIFIER_BY_DATE", "discipline_incident_by_identifier"),
        ("incident_participant::store::ALL_BY_DATE", "incident_participant_by_date"),
        ("incident_participant::store::INCIDENT_BY_DATE", "incident_participant_by_incident"),
        ("incident_participant::store::PERSON_BY_DATE", "incident_participant_by_person"),
        ("incident_participant::store::CODE_BY_DATE", "incident_participant_by_behavior_code"),
        ("incident_participant::points_store::ALL_BY_NAME", "incident_participant_by_person"),
        ("discipline_action::store::ALL_BY_DATE", "discipline_action_by_date"),
        ("discipline_action::store::STUDENT_BY_DATE", "discipline_action_by_student"),
        ("discipline_action::store::INCIDENT_BY_DATE", "discipline_action_by_incident"),
        ("discipline_action::store::SCHOOL_BY_DATE", "discipline_action_by_school"),
        ("incident_follow_up::store::ALL_BY_DUE", "incident_follow_up_by_due"),
        ("incident_follow_up::store::OPEN_BY_DUE", "incident_follow_up_open"),
        ("incident_follow_up::store::INCIDENT_BY_DUE", "incident_follow_up_by_incident"),
    ] {
        let plan = plan(&client, named(name)).await;
        let used = words(&plan, "Index Name");
        let large = |node: &Value| {
            node["Relation Name"]
                .as_str()
                .is_some_and(|name| ["person", "discipline_action"].contains(&name) || name.contains("incident"))
        };
        let scanned = |node: &&Value| node["Node Type"] == "Seq Scan" && large(node);
        assert!(!nodes(&plan).iter().any(scanned), "{name}: {plan}");
        assert!(used.contains(&index), "{name}: {used:?} {plan}");
    }

    // The same for one reader, among rows that are seen by all.
    client.batch_execute(TEACH).await.unwrap();
    client.batch_execute(VACUUM).await.unwrap();
    let account = AccountId::generate(&SystemClock);
    let text = "update person p set account_id = $1 from teacher_of t where p.tenant_id = t.tenant_id and p.id = t.id";
    assert_eq!(client.execute(text, &[&account.uuid()]).await.unwrap(), 2);
    let tenant = north.id.uuid();
    let text = "select person_id::text, incident_id::text from incident_participant where tenant_id = $1 limit 1";
    let row = client.query_one(text, &[&tenant]).await.unwrap();
    let (student, incident): (String, String) = (row.get(0), row.get(1));
    enter(&client, &north).await;
    let page = format!("'active', '2025-10-05', '{NIL}', 21");
    let reader = format!("'{}', '2025-10-15', '{{own_classes,own_children,self}}'", account.uuid());
    for (name, with, bound) in [
        ("discipline_incident::store::ALL_BY_DATE", format!("{page}, null, null, null, null, null, null"), 200.0),
        (
            "discipline_incident::store::STUDENT_BY_DATE",
            format!("'active', '2000-10-05', '{NIL}', 21, null, null, null, null, '{student}', null"),
            200.0,
        ),
        // Up to four thousand students taught in five classes, with two parts each: they are looked up one by one.
        (
            "discipline_incident::store::WITHIN_BY_DATE",
            format!("{page}, null, null, null, null, null, null, {reader}, '{{all}}'"),
            80_000.0,
        ),
        (
            "incident_participant::store::WITHIN_BY_DATE",
            format!("{page}, null, null, null, null, null, null, {reader}"),
            80_000.0,
        ),
        (
            "incident_participant::store::INCIDENT_BY_DATE",
            format!("'active', '2000-10-05', '{NIL}', 21, null, null, null, '{incident}', null, null"),
            100.0,
        ),
        (
            "discipline_action::store::WITHIN_BY_DATE",
            format!("{page}, null, null, null, null, null, null, null, {reader}"),
            80_000.0,
        ),
        ("incident_follow_up::store::OPEN_BY_DUE", format!("{page}, null, null, false, null, null"), 200.0),
        (
            "incident_participant::points_store::ALL_BY_NAME",
            format!("'', '{NIL}', 21, null, null, null, null, null"),
            2_000.0,
        ),
        (
            "incident_participant::points_store::WITHIN_BY_NAME",
            format!("'', '{NIL}', 21, null, null, null, null, null, {reader}"),
            80_000.0,
        ),
    ] {
        let ran = run(&client, &north, name, &with).await;
        assert!(!ran.found.is_empty(), "{name}");
        assert!(ran.touched < bound, "{name} touched {}: {}", ran.touched, ran.plan);
    }
}
