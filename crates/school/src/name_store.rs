//! Names that lists show beside ids, so that whoever opens one need not ask for each: as parts of statements.

/// The names of the student of a row of `$of`.
macro_rules! student_names {
    ($of:literal) => {
        concat!(
            "(select p.given_name from person p where p.tenant_id = $1 and p.id = ",
            $of,
            ".student_id) as student_given_name,
             (select p.family_name from person p where p.tenant_id = $1 and p.id = ",
            $of,
            ".student_id) as student_family_name"
        )
    };
}

/// The names of the class and of the class period of a row of `$of`.
macro_rules! class_names {
    ($of:literal) => {
        concat!(
            "(select k.title from class k where k.tenant_id = $1 and k.id = ",
            $of,
            ".class_id) as class_title,
             (select d.name from class_period d where d.tenant_id = $1 and d.id = ",
            $of,
            ".class_period_id) as class_period_name"
        )
    };
}

pub(crate) use {class_names, student_names};
