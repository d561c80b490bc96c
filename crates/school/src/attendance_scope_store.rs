//! What attendance is within a scope, as a part of statements. `$account` is the reader's account, `$on` the day, `$family` and
//! `$teaching` their scopes, parted: of one's own family everything is seen; of students one teaches, what was said of the whole
//! day and what was said of them in the classes one teaches.

/// The persons that count of whom something is seen: `id`, each once.
macro_rules! attended_within {
    ($account:literal, $on:literal, $family:literal, $teaching:literal) => {
        concat!(
            "select whose.id from person whose where whose.tenant_id = $1 and whose.status = 'active' and whose.id = any(array(",
            $crate::scope_store::family!($account, $on, $family),
            " union all ",
            $crate::scope_store::persons_taught!($account, $on, $teaching),
            "))"
        )
    };
}

/// Narrows entries of `attendance_event`, of which `$student` and `$class` are the columns, to those of persons that count.
/// Persons within are few: their entries are found by the index over students.
macro_rules! attendance_within {
    ($student:literal, $class:literal, $account:literal, $on:literal, $family:literal, $teaching:literal) => {
        concat!(
            " and ",
            $student,
            " = any(array(",
            $crate::attendance_scope_store::attended_within!($account, $on, $family, $teaching),
            "))",
            $crate::attendance_scope_store::attendance_classes_within!(
                $student, $class, $account, $on, $family, $teaching
            )
        )
    };
}

/// The second half of it: of students one teaches, the whole day and own classes alone.
macro_rules! attendance_classes_within {
    ($student:literal, $class:literal, $account:literal, $on:literal, $family:literal, $teaching:literal) => {
        concat!(
            " and (",
            $class,
            " is null or ",
            $class,
            " = any(array(",
            $crate::scope_store::classes_taught!($account, $on, $teaching),
            ")) or ",
            $student,
            " = any(array(",
            $crate::scope_store::family!($account, $on, $family),
            ")))"
        )
    };
}

pub(crate) use {attendance_classes_within, attendance_within, attended_within};
