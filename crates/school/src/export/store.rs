//! All SQL that reads a tenant's roster out, file by file; `agent_store` has who acts for whom.
//!
//! A package is complete in itself: what a row refers to has a row too. So records that lead to a deleted one are left out
//! where the standard insists on the reference, and lose it where it does not. Nor does the standard know of spans without a
//! day. Each page, count and list of extensions of a file has the same conditions.
//!
//! Pages go by `sourced_id`, which is the same for one school in whatever tier it is, so that the same roster makes the same
//! package. Parameters of a page: `$2` the `sourced_id` behind which it begins, `$3` how many at most.

use cloister_tenancy::sql::Statement;

use crate::oneroster::File;

/// The statements of one file.
#[derive(Debug)]
pub(super) struct Source {
    /// The file they fill.
    pub(super) file: File,
    /// A page of its rows.
    pub(super) page: &'static Statement,
    /// How many rows it will have (`included`), and how many records count (`active`).
    pub(super) count: &'static Statement,
    /// Names of fields of other systems that have a value in some row.
    pub(super) extensions: &'static Statement,
}

/// Declares the statements of one file: its table is `t`; `id` has the `sourced_id`. What is `beside` adds to a row and takes none
/// away.
macro_rules! file {
    ($name:ident, $file:ident, $table:literal, $id:literal, $fields:expr, $from:expr, $beside:expr, $included:expr) => {
        pub(super) mod $name {
            //! The statements of one file.

            cloister_tenancy::sql::statements! {
                /// A page of its rows.
                PAGE = concat!("select ", $id, " as sourced_id, t.metadata, ", $fields, $from, $beside,
                    " where t.tenant_id = $1 and ", $included, " and ", $id, " > $2 order by ", $id, " limit $3");
                /// How many rows it will have, and how many records count.
                COUNT = concat!("select count(*) as included, (select count(*) from ", $table, " a
    where a.tenant_id = $1 and a.status = 'active') as active", $from, " where t.tenant_id = $1 and ",
                    $included);
                /// Names of fields of other systems.
                EXTENSIONS = concat!("select distinct e.key as name", $from,
                    " cross join lateral jsonb_each_text(t.metadata) e where t.tenant_id = $1 and ", $included,
                    " and e.value <> '' order by 1 limit $2");
            }

            pub(in crate::export) static SOURCE: super::Source = super::Source {
                file: crate::oneroster::File::$file,
                page: &PAGE,
                count: &COUNT,
                extensions: &EXTENSIONS,
            };
        }
    };
}

macro_rules! session_included {
    ($t:literal) => {
        concat!($t, ".status = 'active' and ", $t, ".end_date > ", $t, ".start_date")
    };
}

/// A course `k` below a class `c`, with its organisation.
macro_rules! course_of {
    ($c:literal) => {
        concat!(
            "exists (select from course k join org ko on ko.tenant_id = $1 and ko.id = k.org_id and ko.status = 'active'
                where k.tenant_id = $1 and k.id = ",
            $c,
            ".course_id and k.status = 'active')"
        )
    };
}

/// Terms in which a class is held.
macro_rules! terms_of {
    ($c:literal, $what:literal) => {
        concat!(
            "(select ",
            $what,
            " from class_term x join academic_session a on a.tenant_id = $1 and a.id = x.academic_session_id and ",
            session_included!("a"),
            " where x.tenant_id = $1 and x.class_id = ",
            $c,
            ".id)"
        )
    };
}

macro_rules! class_included {
    ($c:literal) => {
        concat!(
            $c,
            ".status = 'active' and ",
            course_of!($c),
            " and exists (select from org ks where ks.tenant_id = $1 and ks.id = ",
            $c,
            ".school_id and ks.status = 'active') and exists ",
            terms_of!($c, "")
        )
    };
}

/// It counts, and on some day.
macro_rules! span_included {
    () => {
        "t.status = 'active' and (t.begin_date is null or t.end_date is null or t.end_date > t.begin_date)"
    };
}

file! {
    orgs, Orgs, "org", "t.sourced_id",
    "t.name, t.type, t.identifier, p.sourced_id as parent",
    " from org t",
    " left join org p on p.tenant_id = $1 and p.id = t.parent_id and p.status = 'active'",
    "t.status = 'active'"
}

file! {
    academic_sessions, AcademicSessions, "academic_session", "t.sourced_id",
    "t.title, t.type, t.start_date, t.end_date, p.sourced_id as parent, t.school_year",
    " from academic_session t",
    concat!(" left join academic_session p on p.tenant_id = $1 and p.id = t.parent_id and ", session_included!("p")),
    session_included!("t")
}

file! {
    courses, Courses, "course", "t.sourced_id",
    "y.sourced_id as school_year, t.title, t.course_code, t.grades, o.sourced_id as org, t.subjects, t.subject_codes",
    " from course t join org o on o.tenant_id = $1 and o.id = t.org_id and o.status = 'active'",
    concat!(" left join academic_session y on y.tenant_id = $1 and y.id = t.school_year_id and ", session_included!("y")),
    "t.status = 'active'"
}

file! {
    classes, Classes, "class", "t.sourced_id",
    concat!("t.title, t.grades, c.sourced_id as course, t.class_code, t.class_type, t.location, o.sourced_id as school, ",
        terms_of!("t", "array_agg(a.sourced_id)"), " as terms, t.subjects, t.subject_codes, t.periods"),
    " from class t",
    " join course c on c.tenant_id = $1 and c.id = t.course_id join org o on o.tenant_id = $1 and o.id = t.school_id",
    class_included!("t")
}

file! {
    users, Users, "person", "t.sourced_id",
    "t.id, t.enabled_user, coalesce(t.username, t.email, t.sourced_id) as username, t.user_ids, t.given_name, t.family_name,
     t.middle_name, t.identifier, t.email, t.sms, t.phone, t.grades, t.user_master_identifier, t.preferred_given_name,
     t.preferred_middle_name, t.preferred_family_name, o.sourced_id as primary_org, t.pronouns",
    " from person t",
    " left join org o on o.tenant_id = $1 and o.id = t.primary_org_id and o.status = 'active'",
    "t.status = 'active'"
}

file! {
    roles, Roles, "person_role", "t.sourced_id",
    "p.sourced_id as person, t.role_type, t.role, t.begin_date, t.end_date, o.sourced_id as org",
    " from person_role t join person p on p.tenant_id = $1 and p.id = t.person_id and p.status = 'active'
        join org o on o.tenant_id = $1 and o.id = t.org_id and o.status = 'active'",
    "",
    span_included!()
}

file! {
    enrollments, Enrollments, "enrollment", "t.sourced_id",
    "c.sourced_id as class, o.sourced_id as school, p.sourced_id as person, t.role, t.is_primary, t.begin_date, t.end_date",
    concat!(" from enrollment t join class c on c.tenant_id = $1 and c.id = t.class_id and ", class_included!("c"), "
        join org o on o.tenant_id = $1 and o.id = t.school_id and o.status = 'active'
        join person p on p.tenant_id = $1 and p.id = t.person_id and p.status = 'active'"),
    "",
    span_included!()
}

file! {
    demographics, Demographics, "demographics", "p.sourced_id",
    "t.birth_date, t.sex, t.american_indian_or_alaska_native, t.asian, t.black_or_african_american,
     t.native_hawaiian_or_other_pacific_islander, t.white, t.demographic_race_two_or_more_races,
     t.hispanic_or_latino_ethnicity, t.country_of_birth_code, t.state_of_birth_abbreviation, t.city_of_birth,
     t.public_school_residence_status",
    " from person p join demographics t on t.tenant_id = $1 and t.person_id = p.id",
    "",
    "p.tenant_id = $1 and p.status = 'active' and t.status = 'active'"
}

/// Every file that a roster fills, in the order in which they are written.
pub(super) static SOURCES: [&Source; 8] = [
    &orgs::SOURCE,
    &academic_sessions::SOURCE,
    &courses::SOURCE,
    &classes::SOURCE,
    &users::SOURCE,
    &roles::SOURCE,
    &enrollments::SOURCE,
    &demographics::SOURCE,
];

/// Every statement of this file.
pub(super) const STATEMENTS: [&[&Statement]; 8] = [
    orgs::STATEMENTS,
    academic_sessions::STATEMENTS,
    courses::STATEMENTS,
    classes::STATEMENTS,
    users::STATEMENTS,
    roles::STATEMENTS,
    enrollments::STATEMENTS,
    demographics::STATEMENTS,
];
