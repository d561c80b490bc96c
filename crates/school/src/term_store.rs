//! Terms of classes, as parts of statements.
//!
//! A place or a meeting without dates is one for as long as its class is held: in its terms.

/// That the academic session `term` holds the day `$day`.
macro_rules! holds {
    ($day:literal) => {
        concat!("term.tenant_id = $1 and term.start_date <= ", $day, " and term.end_date > ", $day)
    };
}

/// That the day `$day` lies in a term of the class `$class`.
macro_rules! in_term {
    ($class:literal, $day:literal) => {
        concat!(
            "exists (select from class_term held join academic_session term on ",
            $crate::term_store::holds!($day),
            " and term.id = held.academic_session_id where held.tenant_id = $1 and held.class_id = ",
            $class,
            ")"
        )
    };
}

/// The classes `class_id` that are held on the day `$day`: found from the terms on, whatever classes earlier years had.
macro_rules! held_on {
    ($day:literal) => {
        concat!(
            "select held.class_id from academic_session term join class_term held on held.tenant_id = $1
                and held.academic_session_id = term.id where ",
            $crate::term_store::holds!($day)
        )
    };
}

/// The terms of the class `$class`: `begins` and `ends`. Of a class without any, it is not known when it ends.
macro_rules! terms {
    ($class:literal) => {
        concat!(
            "select term.start_date as begins, term.end_date as ends from class_term held
                join academic_session term on term.tenant_id = $1 and term.id = held.academic_session_id
                where held.tenant_id = $1 and held.class_id = ",
            $class,
            " union all select '-infinity'::date, 'infinity'::date
                where not exists (select from class_term held where held.tenant_id = $1 and held.class_id = ",
            $class,
            ")"
        )
    };
}

pub(crate) use {held_on, holds, in_term, terms};
