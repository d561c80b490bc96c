//! How PostgreSQL answers what is asked of attendance, among many rows: by an index from what is asked on, and never by going
//! through a school's whole year.
//!
//! Here each of 20,000 students of two schools has a row for each of ten days; of a year of 180 days there are eighteen times
//! as many, and the plans are the same, because none of them reads more of a student, class or day than it shows.

use serde_json::Value;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

use crate::plans::{NIL, enter, named, nodes, plan, run, two_large_schools, words};

/// A code and a calendar for each school, and ten days of each student: one in twenty absent, one in fifty of these corrected.
const FILL: &str = "
    insert into attendance_code select s.tenant_id, gen_random_uuid(), 'active', now(), 'manual', '{}', 1, now(), 'x', now(), 'x',
        'P', 'Present', 'present', 'present', 'in', false, true, false from school_of s;
    insert into attendance_event (tenant_id, id, status, date_last_modified, source, metadata, version, created_at, created_by,
            updated_at, updated_by, student_id, school_id, date, code_id, category, direction, excused, reportable)
        select p.tenant_id, gen_random_uuid(), 'active', now(), 'manual', '{}', 1, now(), 'x', now(), 'x', p.id, s.org_id,
            date '2025-10-01' + n, c.id, 'present', case when (hashtext(p.sourced_id) + n) % 20 = 0 then 'out' else 'in' end,
            false, true
        from person p join school_of s on s.tenant_id = p.tenant_id join attendance_code c on c.tenant_id = p.tenant_id
        cross join generate_series(0, 9) n;
    insert into calendar_date (tenant_id, id, status, date_last_modified, source, metadata, version, created_at, created_by,
            updated_at, updated_by, school_id, date, calendar_event, is_instructional)
        select s.tenant_id, gen_random_uuid(), 'active', now(), 'manual', '{}', 1, now(), 'x', now(), 'x', s.org_id,
            date '2025-10-01' + n, 'instructional', true from school_of s cross join generate_series(0, 179) n;
    insert into class_period (tenant_id, id, status, date_last_modified, source, metadata, version, created_at, created_by,
            updated_at, updated_by, school_id, name, name_search, sequence, start_time, end_time, official_attendance_period)
        select s.tenant_id, gen_random_uuid(), 'active', now(), 'manual', '{}', 1, now(), 'x', now(), 'x', s.org_id, n, n, n, '8:00',
            '9:00', false from school_of s cross join generate_series(1, 50) n;
    insert into attendance_register (tenant_id, id, status, date_last_modified, source, metadata, version, created_at, created_by,
            updated_at, updated_by, class_id, school_id, date, class_period_id, whole_day, taken_at, taken_by, late)
        select s.tenant_id, gen_random_uuid(), 'active', now(), 'manual', '{}', 1, now(), 'x', now(), 'x', s.class_id, s.org_id,
            date '2025-10-01' + n, p.id, false, now(), 'x', false
        from school_of s join class_period p on p.tenant_id = s.tenant_id cross join generate_series(0, 170) n;
    insert into absence_request (tenant_id, id, status, date_last_modified, source, metadata, version, created_at, created_by,
            updated_at, updated_by, student_id, begin_date, end_date, reason, state, code_id, decided_at, decided_by)
        select p.tenant_id, gen_random_uuid(), 'active', now(), 'import', '{}', 1, now(), 'x', now(), 'x', p.id,
            date '2015-10-20' + (row_number() over (partition by p.tenant_id order by p.id) % 3650)::int,
            date '2015-10-23' + (row_number() over (partition by p.tenant_id order by p.id) % 3650)::int,
            'Dentist', 'approved', c.id, now(), 'x'
        from person p join attendance_code c on c.tenant_id = p.tenant_id;
    update attendance_event set category = 'late' where date = '2025-10-07' and hashtext(id::text) % 500 = 0;
    update attendance_event set status = 'tobedeleted' where id in (select distinct on (tenant_id) id from attendance_event
        where date = '2025-10-08' order by tenant_id, id);
    analyze absence_request;
    analyze attendance_event; analyze attendance_code; analyze calendar_date; analyze attendance_register;";

#[tokio::test]
async fn lists_of_attendance_are_brought_by_an_index() {
    let (_platform, _, client) = two_large_schools().await;
    client.batch_execute(FILL).await.unwrap();
    for (name, index) in [
        // Limit → Index Scan using attendance_event_by_date (tenant_id = $1 and (date, id) > ($3, $4)): in order, no Sort.
        ("attendance_event::list_store::ALL_BY_DATE", "attendance_event_by_date"),
        ("attendance_event::list_store::ALL_BY_DATE_DESC", "attendance_event_by_date"),
        // Limit → Index Scan using attendance_event_by_student (tenant_id = $1 and student_id = $13 and (date, id) > …).
        ("attendance_event::list_store::STUDENT_BY_DATE", "attendance_event_by_student"),
        ("attendance_event::list_store::STUDENT_BY_DATE_DESC", "attendance_event_by_student"),
        // Index Scan using attendance_event_pkey; the history of it by attendance_event_by_student: one student and day.
        ("attendance_event::store::GET", "attendance_event_pkey"),
        ("attendance_event::store::HISTORY", "attendance_event_pkey"),
        // A page of students in the order of person_by_name, and for each a Nested Loop over attendance_event_by_student.
        ("attendance_rate::store::ALL_BY_NAME", "person_by_name"),
        // Students of the class by enrollment_by_class, and for each the one event by attendance_event_current_key or by student.
        ("attendance_register::store::SHEET", "enrollment_by_class"),
        // What is rare has indexes of its own.
        ("attendance_event::list_store::DELETED_BY_DATE", "attendance_event_deleted"),
        ("attendance_event::list_store::CATEGORY_BY_DATE", "attendance_event_by_category"),
        ("attendance_event::list_store::SCHOOL_BY_DATE_DESC", "attendance_event_by_school"),
        ("attendance_event::list_store::OF_CLASSES_BY_DATE", "attendance_event_of_class"),
    ] {
        let plan = plan(&client, named(name)).await;
        let used = words(&plan, "Index Name");
        assert!(used.contains(&index), "{name}: {plan}");
        let whole = |node: &&Value| node["Node Type"] == "Seq Scan" && node["Relation Name"] == "attendance_event";
        assert!(!nodes(&plan).iter().any(whole), "{name}: {plan}");
    }
}

#[tokio::test]
async fn rates_and_lists_touch_no_more_than_they_show() {
    let (_platform, north, client) = two_large_schools().await;
    client.batch_execute(FILL).await.unwrap();
    client.batch_execute("vacuum analyze attendance_event, person, person_role, enrollment").await.unwrap();
    let tenant = north.id.uuid();
    let text = "select p.id::text from person p join person_role r on r.tenant_id = p.tenant_id and r.person_id = p.id
        where p.tenant_id = $1 and r.role = 'student' limit 1";
    let student: String = client.query_one(text, &[&tenant]).await.unwrap().get(0);
    let text = "select org_id::text from school_of where tenant_id = $1";
    let school: String = client.query_one(text, &[&tenant]).await.unwrap().get(0);
    enter(&client, &north).await;
    for (name, with, bound) in [
        // 21 students of ten days each, and those before them in the order of names who are no students.
        (
            "attendance_rate::store::ALL_BY_NAME",
            format!("'', '{NIL}', 21, null, '2026-01-01', null, false, null, null, null"),
            2_000.0,
        ),
        (
            "attendance_rate::store::STUDENT_BY_NAME",
            format!("'', '{NIL}', 21, null, '2026-01-01', null, false, '{student}', null, null"),
            // With the calendar of a year, looked through for holidays.
            600.0,
        ),
        // Ten rows of one student; for the name of its period, the fifty periods of the school.
        (
            "attendance_event::list_store::STUDENT_BY_DATE",
            format!(
                "'active', '0001-01-01', '{NIL}', 21, null, null, null, null, null, null, false, '{student}', null"
            ),
            800.0,
        ),
        // 21 rows of a day on which 20,000 were recorded; for the name of each period, the fifty of the school.
        (
            "attendance_event::list_store::ALL_BY_DATE",
            format!("'active', '2025-10-05', '{NIL}', 21, null, null, null, null, null, null, false"),
            2_000.0,
        ),
        // What is rare is not looked for among 200,000: the one that was taken back, and those of whom few are late.
        (
            "attendance_event::list_store::DELETED_BY_DATE",
            format!("'tobedeleted', '0001-01-01', '{NIL}', 21, null, null, null, null, null, null, true"),
            200.0,
        ),
        (
            "attendance_event::list_store::CATEGORY_BY_DATE",
            format!("'active', '0001-01-01', '{NIL}', 21, null, null, null, 'late', null, null, false"),
            2_000.0,
        ),
        (
            "attendance_event::list_store::SCHOOL_BY_DATE",
            format!("'active', '2025-10-05', '{NIL}', 21, null, null, '{school}', null, null, null, false, '{school}'"),
            2_000.0,
        ),
        // Who is away from a day on: not all who ever were.
        (
            "absence_request::store::STATE_BY_BEGIN",
            format!("'active', '0001-01-01', '{NIL}', 21, 'approved', '2025-10-05', null, null"),
            2_000.0,
        ),
    ] {
        let ran = run(&client, &north, name, &with).await;
        assert!(!ran.found.is_empty(), "{name}");
        assert!(ran.touched < bound, "{name} touched {}: {}", ran.touched, ran.plan);
    }
}

#[tokio::test]
async fn missing_registers_are_looked_for_one_day_after_the_other() {
    let (_platform, north, client) = two_large_schools().await;
    client.batch_execute(FILL).await.unwrap();
    // A thousand homerooms owe a register each, on each of thirty days.
    let fill = "update class set class_type = 'homeroom' where title_search <> '';
        insert into class_term select c.tenant_id, c.id, s.id from class c join academic_session s on s.tenant_id = c.tenant_id
            on conflict do nothing;
        analyze class; analyze class_term";
    client.batch_execute(fill).await.unwrap();
    client
        .batch_execute("vacuum analyze class, class_term, enrollment, calendar_date, attendance_register")
        .await
        .unwrap();
    enter(&client, &north).await;
    for (name, key) in [("BY_DATE", "0001-01-01"), ("BY_DATE_DESC", "9999-12-31")] {
        let id = if name == "BY_DATE" { NIL.to_owned() } else { NIL.replace('0', "f") };
        let mut work = Vec::new();
        for until in ["2025-10-07", "2025-11-05"] {
            let with = format!("'{key}', '{id}', '{id}', 21, '2025-10-06', '{until}', null, null, null");
            let ran = run(&client, &north, &format!("attendance_register::missing_store::{name}"), &with).await;
            work.push(ran.touched);
            assert_eq!(ran.found.len(), 21, "{name} {until}");
            assert!(ran.found.iter().all(|day| *day == ran.found[0]), "{:?}", ran.found);
        }
        assert!(work[1] < 2.0 * work[0], "{name}: one day takes {}, thirty {}", work[0], work[1]);
    }
    // Page after page, of five hundred classes each, everything comes once and in its order.
    let owing = "select count(distinct class_id) from enrollment where role = 'student'";
    let owing: i64 = client.query_one(owing, &[]).await.unwrap().get(0);
    for (name, far) in [("BY_DATE", NIL.to_owned()), ("BY_DATE_DESC", NIL.replace('0', "f"))] {
        let (first, beyond) = if name == "BY_DATE" { ("2025-10-06", 'f') } else { ("2025-10-08", '0') };
        let text = named(&format!("attendance_register::missing_store::{name}")).sql();
        client.batch_execute(&format!("prepare missing as {text}")).await.unwrap();
        let (mut seen, mut pages, mut at) = (Vec::new(), 0, (first.to_owned(), far.clone(), far));
        loop {
            let (date, class, due) = &at;
            let place = format!("'{}', '{date}', '{class}', '{due}'", north.id.uuid());
            let page = format!("execute missing({place}, 5000, '2025-10-06', '2025-10-09', null, null, null)");
            let messages = client.simple_query(&page).await.unwrap();
            let rows = messages.iter().filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(row),
                _ => None,
            });
            pages += 1;
            let rows: Vec<_> = rows.collect();
            let word = |row: &SimpleQueryRow, name: &str| row.get(name).map(str::to_owned);
            seen.extend(rows.iter().filter_map(|row| Some((word(row, "date")?, word(row, "class_id")?))));
            let Some(date) = word(rows[0], "looked_to") else { break };
            at = (date, word(rows[0], "looked_to_class").unwrap(), NIL.replace('0', &beyond.to_string()));
        }
        client.batch_execute("deallocate missing").await.unwrap();
        if name == "BY_DATE_DESC" {
            seen.reverse();
        }
        assert!(owing > 900 && seen.is_sorted_by(|one, next| one < next), "{name}");
        assert_eq!((seen.len(), pages), (3 * usize::try_from(owing).unwrap(), 7), "{name}");
    }
}
