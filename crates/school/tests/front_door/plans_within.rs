//! How PostgreSQL answers the statements that hold to scopes: from the reader on, by indexes, without going through everybody.

use cloister_ids::{AccountId, SystemClock};

use crate::plans::{NIL, enter, ids, run, two_large_schools};

/// Makes one person of each school a teacher of five classes of 40, and the agent of three others.
pub(crate) const TEACH: &str = "
    create temporary table teacher_of as select tenant_id, id from person where sourced_id = 'p17';
    create temporary table small_class as select c.tenant_id, c.id, c.school_id, row_number() over (order by c.id) as n
        from teacher_of t cross join lateral (select c.* from class c where c.tenant_id = t.tenant_id and not exists
            (select from enrollment e where e.tenant_id = c.tenant_id and e.class_id = c.id) order by c.id limit 5) c;
    insert into enrollment select c.tenant_id, gen_random_uuid(), 't' || c.id || p.sourced_id, 'active', now(), 'import', '{}',
        1, now(), 'x', now(), 'x', c.id, c.school_id, p.id, 'student', true, null, null from small_class c
        join person p on p.tenant_id = c.tenant_id and p.sourced_id like 'p_%'
            and substr(p.sourced_id, 2)::int between c.n * 40 + 100 and c.n * 40 + 139;
    insert into enrollment select t.tenant_id, gen_random_uuid(), 't' || c.id, 'active', now(), 'import', '{}',
        1, now(), 'x', now(), 'x', c.id, c.school_id, t.id, 'teacher', true, null, null
        from teacher_of t join small_class c on c.tenant_id = t.tenant_id;
    insert into contact (tenant_id, id, status, date_last_modified, source, metadata, version, created_at, created_by,
            updated_at, updated_by, student_id, contact_id, relation, primary_contact, emergency_contact, contact_by_call,
            contact_by_sms, contact_by_email, contact_by_mail)
        select t.tenant_id, gen_random_uuid(), 'active', now(), 'import', '{}', 1, now(), 'x', now(), 'x', p.id, t.id, 'parent',
            false, false, true, true, true, true
        from teacher_of t join person p on p.tenant_id = t.tenant_id and p.sourced_id in ('p1', 'p2', 'p3');";

#[tokio::test]
async fn what_is_ones_own_is_found_without_going_through_everybody() {
    let (_platform, north, client) = two_large_schools().await;
    let account = AccountId::generate(&SystemClock);
    client.batch_execute(TEACH).await.unwrap();
    let text = "update person p set account_id = $1 from teacher_of t where p.tenant_id = t.tenant_id and p.id = t.id";
    assert_eq!(client.execute(text, &[&account.uuid()]).await.unwrap(), 2);
    client.batch_execute("vacuum analyze person, contact, enrollment, class").await.unwrap();
    let tenant = north.id.uuid();
    let one = "select p.id::text, e.id::text, e.class_id::text from person p
        join enrollment e on e.tenant_id = p.tenant_id and e.person_id = p.id
        join enrollment t on t.tenant_id = e.tenant_id and t.class_id = e.class_id and t.role = 'teacher'
        where p.tenant_id = $1 and e.role = 'student' limit 1";
    let row = client.query_one(one, &[&tenant]).await.unwrap();
    let (person, place, class): (String, String, String) = (row.get(0), row.get(1), row.get(2));
    client.batch_execute("grant select on teacher_of to test_application").await.unwrap();
    enter(&client, &north).await;

    let scopes = "'{own_classes,own_children,self}'";
    let reader = format!("'{}', '2025-10-15', {scopes}", account.uuid());
    let page = |key: &str| format!("'active', {key}, '{NIL}', 21");
    let me = format!("(select id from teacher_of where tenant_id = '{tenant}')");
    let taught = format!(
        "(select class_id from enrollment where tenant_id = '{tenant}' and person_id = {me} and role = 'teacher')"
    );
    let children = format!("(select student_id from contact where tenant_id = '{tenant}' and contact_id = {me})");
    let persons = format!(
        "p.tenant_id = '{tenant}' and (p.id = {me} or p.id in {children} or p.id in
            (select person_id from enrollment where tenant_id = '{tenant}' and class_id in {taught}))"
    );
    let places = format!(
        "p.tenant_id = '{tenant}' and (p.person_id = {me} or p.person_id in {children} or p.class_id in {taught})"
    );
    for (name, with, plainly, bound) in [
        (
            "person::within_store::BY_NAME",
            format!("{}, null, null, null, null, {reader}, null, '{{}}'", page("''")),
            format!("select p.id from person p where {persons} order by p.name_search, p.id limit 21"),
            5_000.0,
        ),
        (
            "person::within_store::BY_CHANGE",
            format!("{}, 'student', null, null, null, {reader}, '{class}', '{{all}}'", page("'-infinity'")),
            format!(
                "select p.id from person p where {persons} and exists (select from enrollment e where e.tenant_id = '{tenant}'
                    and e.person_id = p.id and e.class_id = '{class}' and e.role = 'student')
                 order by p.date_last_modified, p.id limit 21"
            ),
            5_000.0,
        ),
        (
            "enrollment::store::WITHIN_BY_AGE",
            format!("{}, null, null, null, null, null, {reader}", page(&format!("'{NIL}'"))),
            format!("select p.id from enrollment p where {places} order by p.id limit 21"),
            5_000.0,
        ),
        (
            "class::store::WITHIN_BY_TITLE",
            format!("{}, null, null, null, null, null, null, {reader}, '{{}}'", page("''")),
            format!(
                "select p.id from class p where p.tenant_id = '{tenant}' and p.id in (select class_id from enrollment
                    where tenant_id = '{tenant}' and (person_id = {me} or person_id in {children}))
                 order by p.title_search, p.id limit 21"
            ),
            500.0,
        ),
        (
            "contact::store::WITHIN_BY_AGE",
            format!("{}, null, null, null, null, {reader}", page(&format!("'{NIL}'"))),
            format!(
                "select p.id from contact p where p.tenant_id = '{tenant}' and (p.contact_id = {me} or p.student_id in
                    (select person_id from enrollment where tenant_id = '{tenant}' and class_id in {taught}))
                 order by p.id limit 21"
            ),
            5_000.0,
        ),
        ("person::within_store::GET", format!("'{person}', {reader}"), format!("select '{person}'"), 100.0),
        ("person::within_store::AGENTS", format!("'{person}', {reader}"), "select 1 where false".to_owned(), 100.0),
        ("enrollment::store::GET_WITHIN", format!("'{place}', {reader}"), format!("select '{place}'"), 100.0),
        ("class::store::GET_WITHIN", format!("'{class}', {reader}"), format!("select '{class}'"), 100.0),
    ] {
        let ran = run(&client, &north, name, &with).await;
        assert_eq!(ran.found, ids(&client, &plainly).await, "{name}");
        assert!(ran.touched < bound, "{name} touched {}: {}", ran.touched, ran.plan);
    }
}
