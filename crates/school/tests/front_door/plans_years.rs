//! How PostgreSQL answers what is asked of times at schools and of rollovers, among many rows: by an index, in order.

use crate::plans::{named, plan, two_large_schools, words};

/// A time at the school for each of 20,000 students of two schools, and a rollover of all of them.
const FILL: &str = "
    insert into student_school_association (tenant_id, id, status, date_last_modified, source, metadata, version, created_at,
            created_by, updated_at, updated_by, student_id, school_id, entry_date, entry_grade_level, primary_school,
            repeat_grade_indicator)
        select p.tenant_id, gen_random_uuid(), 'active', p.date_last_modified, 'manual', '{}', 1, now(), 'x', now(), 'x', p.id,
            s.org_id, date '2015-01-01' + (hashtext(p.sourced_id) & 4095), lpad((hashtext(p.sourced_id) & 15)::text, 2, '0'),
            true, false
        from person p join school_of s on s.tenant_id = p.tenant_id;
    insert into academic_session (tenant_id, id, sourced_id, status, date_last_modified, source, metadata, version, created_at,
            created_by, updated_at, updated_by, title, title_search, type, start_date, end_date, school_year)
        select s.tenant_id, gen_random_uuid(), 'year', 'active', now(), 'manual', '{}', 1, now(), 'x', now(), 'x', 'Y', 'y',
            'schoolYear', date '2026-08-01', date '2027-07-01', 2027 from school_of s;
    insert into year_rollover (tenant_id, id, status, date_last_modified, source, metadata, version, created_at, created_by,
            updated_at, updated_by, school_id, from_session_id, to_session_id, next_grades, graduating_grades, state, promoted,
            repeating, graduating, leaving, undecided, done)
        select s.tenant_id, gen_random_uuid(), 'active', now(), 'manual', '{}', 1, now(), 'x', now(), 'x', s.org_id,
            (select a.id from academic_session a where a.tenant_id = s.tenant_id and a.sourced_id <> 'year' limit 1),
            (select a.id from academic_session a where a.tenant_id = s.tenant_id and a.sourced_id = 'year'),
            '{}', '{}', 'planned', 0, 0, 0, 0, 0, 0
        from school_of s;
    insert into year_rollover_student (tenant_id, id, version, created_at, created_by, updated_at, updated_by, year_rollover_id,
            association_id, association_version, name_search, outcome, exit_date, by_hand, state)
        select a.tenant_id, gen_random_uuid(), 1, now(), 'x', now(), 'x', y.id, a.id, 1, md5(a.id::text), 'undecided',
            date '2026-08-01', false, 'planned'
        from student_school_association a join year_rollover y on y.tenant_id = a.tenant_id;
    analyze student_school_association; analyze year_rollover_student; analyze year_rollover;";

#[tokio::test]
async fn lists_of_years_are_brought_by_an_index() {
    let (_platform, _, client) = two_large_schools().await;
    client.batch_execute(FILL).await.unwrap();
    for (name, index) in [
        ("student_school_association::store::ALL_BY_ENTRY", "student_school_association_by_entry"),
        ("student_school_association::store::ALL_BY_CHANGE_DESC", "student_school_association_by_modification"),
        ("student_school_association::store::SCHOOL_BY_ENTRY", "student_school_association_by_school"),
        ("student_school_association::store::GRADE_BY_ENTRY", "student_school_association_by_grade"),
        ("student_school_association::store::STUDENT_BY_ENTRY", "student_school_association_by_student"),
        ("student_school_association::store::OTHERS", "student_school_association_by_student"),
        ("year_rollover::student_store::ALL_BY_NAME", "year_rollover_student_by_name"),
        ("year_rollover::student_store::ROLLOVER_BY_NAME_DESC", "year_rollover_student_by_rollover"),
    ] {
        let plan = plan(&client, named(name)).await;
        let used = words(&plan, "Index Name");
        let kinds = words(&plan, "Node Type");
        assert!(used.contains(&index), "{name}: {plan}");
        assert!(!kinds.contains(&"Sort") && !kinds.contains(&"Seq Scan"), "{name}: {plan}");
    }
}
