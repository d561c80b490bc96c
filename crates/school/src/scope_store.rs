//! What is within a scope, as parts of statements. `$account` is the reader's account, `$on` the day, `$scopes` the scopes.
//!
//! The reader's person is found here, by their account, so that a narrowed read stays one round trip. Each part is a list of
//! ids made of few rows, found by indexes from the reader on: a list takes them as an array and looks each up by its key; a
//! read of one asks whether it is among them, and PostgreSQL then looks for that one alone.

/// The reader, by the account tied to their record.
macro_rules! reader {
    ($account:literal) => {
        concat!("me.tenant_id = $1 and me.account_id = ", $account, "::uuid and me.status = 'active'")
    };
}

/// A place that counts on the day.
macro_rules! in_force {
    ($place:literal, $on:literal) => {
        concat!(
            $place,
            ".status = 'active' and (",
            $place,
            ".begin_date is null or ",
            $place,
            ".begin_date <= ",
            $on,
            "::date) and (",
            $place,
            ".end_date is null or ",
            $place,
            ".end_date > ",
            $on,
            "::date)"
        )
    };
}

/// A relation `a` by which its contact sees the student on the day: it counts, there is custody or none is known of, and access
/// to the student's data is stated, or follows from the custody, or, where that is not known, from being a parent or guardian.
/// A neighbour to be called in an emergency sees nothing.
macro_rules! acts {
    ($on:literal) => {
        concat!(
            $crate::scope_store::in_force!("a", $on),
            " and a.custody is distinct from 'none'
                and coalesce(a.child_data_access, a.custody in ('full', 'shared') or (a.custody is null
                    and coalesce(a.legal_guardian, a.relation in ('parent', 'mother', 'father', 'guardian'))))"
        )
    };
}

/// The relations by which the reader sees students on the day, to be joined to. What is narrowed to such students looks itself
/// whether their records count.
macro_rules! related {
    ($account:literal, $on:literal, $scopes:literal, $rest:expr) => {
        concat!(
            " from person me join contact a on a.tenant_id = $1 and a.contact_id = me.id and ",
            $crate::scope_store::acts!($on),
            $rest,
            " where ",
            $crate::scope_store::reader!($account),
            " and 'own_children' = any(",
            $scopes,
            "::text[])"
        )
    };
}

/// The same for what is of such students and does not look: one whose record is deleted is seen by nobody in this way.
macro_rules! acting {
    ($account:literal, $on:literal, $scopes:literal, $rest:expr) => {
        $crate::scope_store::related!(
            $account,
            $on,
            $scopes,
            concat!(
                " join person child on child.tenant_id = $1 and child.id = a.student_id and child.status = 'active'",
                $rest
            )
        )
    };
}

/// Of each student for whom the reader also speaks: `id`. Whose custody a court restricted may be let see the child, and does not
/// say where the child is to be.
macro_rules! students_spoken_for {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            "select a.student_id as id",
            $crate::scope_store::related!($account, $on, $scopes, ""),
            " and a.custody is distinct from 'restricted'"
        )
    };
}

/// The places as teacher that the reader has on the day, to be joined to.
macro_rules! teaching {
    ($account:literal, $on:literal, $scopes:literal, $rest:expr) => {
        concat!(
            " from person me join enrollment t on t.tenant_id = $1 and t.person_id = me.id and t.role = 'teacher' and ",
            $crate::scope_store::in_force!("t", $on),
            $rest,
            " where ",
            $crate::scope_store::reader!($account),
            " and 'own_classes' = any(",
            $scopes,
            "::text[])"
        )
    };
}

/// Of each person with a place, on the day, in a class that the reader teaches: `id`.
macro_rules! persons_taught {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            "select s.person_id as id",
            $crate::scope_store::teaching!(
                $account,
                $on,
                $scopes,
                concat!(
                    " join enrollment s on s.tenant_id = $1 and s.class_id = t.class_id and ",
                    $crate::scope_store::in_force!("s", $on)
                )
            )
        )
    };
}

/// Of each student among them: `id`. Others who have a place there, such as a second teacher, are colleagues.
macro_rules! students_taught {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!($crate::scope_store::persons_taught!($account, $on, $scopes), " and s.role = 'student'")
    };
}

/// Whether the reader sees a row of a student as staff do, with what was noted for staff alone: `staff_sees`.
macro_rules! staff_sees {
    ($student:literal, $account:literal, $on:literal, $scopes:literal) => {
        concat!($student, " = any(array(", $crate::scope_store::students_taught!($account, $on, $scopes), "))")
    };
}

/// The reader, and the students for whom they act: `id`.
macro_rules! family {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            "select me.id from person me where ",
            $crate::scope_store::reader!($account),
            " and 'self' = any(",
            $scopes,
            "::text[])
            union all select a.student_id",
            $crate::scope_store::related!($account, $on, $scopes, "")
        )
    };
}

/// These and `$taught`: `id`. Some come twice.
macro_rules! family_and {
    ($account:literal, $on:literal, $scopes:literal, $taught:expr) => {
        concat!($crate::scope_store::family!($account, $on, $scopes), " union all ", $taught)
    };
}

/// Of each person within the scopes: `id`. Some come twice.
macro_rules! persons_within {
    ($account:literal, $on:literal, $scopes:literal) => {
        $crate::scope_store::family_and!(
            $account,
            $on,
            $scopes,
            $crate::scope_store::persons_taught!($account, $on, $scopes)
        )
    };
}

/// The same without a teacher's colleagues.
macro_rules! students_within {
    ($account:literal, $on:literal, $scopes:literal) => {
        $crate::scope_store::family_and!(
            $account,
            $on,
            $scopes,
            $crate::scope_store::students_taught!($account, $on, $scopes)
        )
    };
}

/// Of each place in a class within the scopes: `id`.
macro_rules! places_within {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            "select e.id from person me join enrollment e on e.tenant_id = $1 and e.person_id = me.id
                where ",
            $crate::scope_store::reader!($account),
            " and 'self' = any(",
            $scopes,
            "::text[])
            union all select e.id",
            $crate::scope_store::acting!(
                $account,
                $on,
                $scopes,
                " join enrollment e on e.tenant_id = $1 and e.person_id = a.student_id"
            ),
            " union all select e.id",
            $crate::scope_store::teaching!(
                $account,
                $on,
                $scopes,
                " join enrollment e on e.tenant_id = $1 and e.class_id = t.class_id"
            )
        )
    };
}

/// Of each class that the reader teaches: `id`.
macro_rules! classes_taught {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!("select t.class_id as id", $crate::scope_store::teaching!($account, $on, $scopes, ""))
    };
}

/// Of each class within the scopes: `id`.
macro_rules! classes_within {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            "select e.class_id as id from person me
                join enrollment e on e.tenant_id = $1 and e.person_id = me.id and e.status = 'active'
                where ",
            $crate::scope_store::reader!($account),
            " and 'self' = any(",
            $scopes,
            "::text[])
            union all select e.class_id",
            $crate::scope_store::acting!(
                $account,
                $on,
                $scopes,
                " join enrollment e on e.tenant_id = $1 and e.person_id = a.student_id and e.status = 'active'"
            ),
            " union all ",
            $crate::scope_store::classes_taught!($account, $on, $scopes)
        )
    };
}

/// Of each contact within the scopes: `id`. One who acts for a student sees their own relation to the student and not those of
/// others; a teacher sees all of the students taught, also of those who may not see them: a teacher must know.
macro_rules! contacts_within {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            "select a.id",
            $crate::scope_store::acting!($account, $on, $scopes, ""),
            " union all select c.id from (",
            $crate::scope_store::students_taught!($account, $on, $scopes),
            ") taught join contact c on c.tenant_id = $1 and c.student_id = taught.id"
        )
    };
}

/// Of each document within the scopes: `id`. Each says who may see it, so each scope brings those that are for it. Those for
/// teachers are of students: what colleagues have on file is none of a teacher's business.
macro_rules! documents_within {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            "select d.id from (select me.id, 'self' as audience from person me where ",
            $crate::scope_store::reader!($account),
            " and 'self' = any(",
            $scopes,
            "::text[])
            union all select a.student_id, 'guardians'",
            $crate::scope_store::related!($account, $on, $scopes, ""),
            " union all select s.person_id, 'teachers'",
            $crate::scope_store::teaching!(
                $account,
                $on,
                $scopes,
                concat!(
                    " join enrollment s on s.tenant_id = $1 and s.class_id = t.class_id and s.role = 'student' and ",
                    $crate::scope_store::in_force!("s", $on)
                )
            ),
            ") whose join person p on p.tenant_id = $1 and p.id = whose.id and p.status = 'active'
            join document d on d.tenant_id = $1 and d.person_id = whose.id and whose.audience = any(d.audiences)"
        )
    };
}

/// Narrows one record, `$2`, to those that count and are among `$ids`.
macro_rules! one_within {
    ($ids:expr) => {
        concat!(" and status = 'active' and exists (select from (", $ids, ") reach where reach.id = $2)")
    };
}

/// Narrows many records to those that count and are among `$ids`.
macro_rules! many_within {
    ($ids:expr) => {
        concat!(" and status = 'active' and id = any(array(", $ids, "))")
    };
}

/// Narrows records to those that count of persons that count and are among `$ids`; `$column` of `$table` is the person.
macro_rules! of_persons_within {
    ($table:literal, $column:literal, $ids:expr) => {
        concat!(
            " and status = 'active' and ",
            $column,
            " = any(array(",
            $ids,
            ")) and exists (select from person whose where whose.tenant_id = $1 and whose.id = ",
            $table,
            ".",
            $column,
            " and whose.status = 'active')"
        )
    };
}

/// Narrows the places `e` that a filter asks for: all of them, or those within the scopes.
macro_rules! places_asked_for {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            " and ('all' = any(",
            $scopes,
            "::text[]) or e.id = any(array(",
            $crate::scope_store::places_within!($account, $on, $scopes),
            ")))"
        )
    };
}

pub(crate) use {
    acting, acts, classes_taught, classes_within, contacts_within, documents_within, family, family_and, in_force,
    many_within, of_persons_within, one_within, persons_taught, persons_within, places_asked_for, places_within,
    reader, related, staff_sees, students_spoken_for, students_taught, students_within, teaching,
};
