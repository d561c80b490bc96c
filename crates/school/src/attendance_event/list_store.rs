//! All SQL of lists of attendance events. Each is found by an index from what is asked for: what is rare is not looked for among
//! all there is.

use cloister_ids::{ClassId, OrgId, PersonId};
use cloister_tenancy::{
    OpContext, Result, Tenancy,
    sql::{Statement, ToSql, statements},
};
use jiff::civil::Date;

use super::{
    AttendanceEvent, AttendanceSight, AttendanceWithin,
    store::{event, fields, shown},
};
use crate::{
    attendance_code::Direction,
    attendance_scope_store::{attendance_classes_within, attended_within},
    listing::Span,
    name_store::{class_names, student_names},
    record::Status,
    unnamed_store::{head, page},
    vocabulary::AttendanceCategory,
};

/// `$6` and `$7` the days, `$8` the school, `$9` category, `$10` direction, `$11` whether only what is of the whole day, or only
/// what is of classes; `$12` whether corrected ones too, `$13` student and `$14` class.
macro_rules! list {
    ($rest:expr, $key:tt $direction:ident) => {
        list!(shown!("attendance_event"), $rest, $key $direction)
    };
    ($fields:expr, $rest:expr, $key:tt $direction:ident) => {
        page!(
            "attendance_event",
            $fields,
            concat!(
                " and ($6::date is null or date >= $6) and ($7::date is null or date < $7)
                  and ($8::uuid is null or school_id = $8) and ($9::text is null or category = $9)
                  and ($10::text is null or direction = $10)
                  and ($11::boolean is null or (class_id is null) = $11)
                  and ($12::boolean or superseded_at is null)",
                $rest
            ),
            $key $direction
        )
    };
}

/// The same within scopes: a page of each person by the index over students, and a page of these. A way from day to day until
/// there are enough would be a way through everybody's, and a whole one for whoever sees few or nobody.
macro_rules! list_within {
    ($key:tt asc) => {
        list_within!(@ list!(fields!(), list_within!(filters), $key asc), $key, "")
    };
    ($key:tt desc) => {
        list_within!(@ list!(fields!(), list_within!(filters), $key desc), $key, " desc")
    };
    (filters) => {
        concat!(
            " and status = 'active' and ($13::uuid is null or student_id = $13) and ($14::uuid is null or class_id = $14)
              and student_id = who.person",
            attendance_classes_within!("student_id", "class_id", "$15", "$16", "$17", "$18")
        )
    };
    (@ $page:expr, $key:tt, $direction:literal) => {
        concat!(
            "select id, ", head!(), ", ", shown!("attendance_event"),
            " from (", attended_within!("$15", "$16", "$17", "$18"), ") who (person) cross join lateral (", $page,
            ") attendance_event order by ", $key, $direction, ", id", $direction, " limit $5"
        )
    };
}

/// What the index over categories holds.
macro_rules! rare {
    () => {
        " and status = 'active' and superseded_at is null and category <> 'present'"
    };
}

statements! {
    /// All by day.
    ALL_BY_DATE = list!("", "date" asc);
    /// All by day, from the last.
    ALL_BY_DATE_DESC = list!("", "date" desc);
    /// Those of a student by day.
    STUDENT_BY_DATE = list!(" and student_id = $13 and ($14::uuid is null or class_id = $14)", "date" asc);
    /// Those of a student by day, from the last.
    STUDENT_BY_DATE_DESC = list!(" and student_id = $13 and ($14::uuid is null or class_id = $14)", "date" desc);
    /// Those of a class by day.
    CLASS_BY_DATE = list!(" and class_id = $13", "date" asc);
    /// Those of a class by day, from the last.
    CLASS_BY_DATE_DESC = list!(" and class_id = $13", "date" desc);
    /// Those of whole days by day.
    WHOLE_DAY_BY_DATE = list!(" and class_id is null", "date" asc);
    /// Those of whole days by day, from the last.
    WHOLE_DAY_BY_DATE_DESC = list!(" and class_id is null", "date" desc);
    /// Those of classes by day.
    OF_CLASSES_BY_DATE = list!(" and class_id is not null", "date" asc);
    /// Those of classes by day, from the last.
    OF_CLASSES_BY_DATE_DESC = list!(" and class_id is not null", "date" desc);
    /// Those of a school by day.
    SCHOOL_BY_DATE = list!(" and school_id = $13", "date" asc);
    /// Those of a school by day, from the last.
    SCHOOL_BY_DATE_DESC = list!(" and school_id = $13", "date" desc);
    /// Those that count and are of a category that is not everybody's, by day.
    CATEGORY_BY_DATE = list!(concat!(" and category = $9", rare!()), "date" asc);
    /// Those that count and are of a category that is not everybody's, by day, from the last.
    CATEGORY_BY_DATE_DESC = list!(concat!(" and category = $9", rare!()), "date" desc);
    /// Those that were taken back by day.
    DELETED_BY_DATE = list!(" and status = 'tobedeleted'", "date" asc);
    /// Those that were taken back by day, from the last.
    DELETED_BY_DATE_DESC = list!(" and status = 'tobedeleted'", "date" desc);
    /// Those within scopes by day.
    WITHIN_BY_DATE = list_within!("date" asc);
    /// Those within scopes by day, from the last.
    WITHIN_BY_DATE_DESC = list_within!("date" desc);
}

/// Which attendance events.
pub(super) struct Selection {
    pub(super) span: Span,
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
    pub(super) school_id: Option<OrgId>,
    pub(super) student_id: Option<PersonId>,
    pub(super) class_id: Option<ClassId>,
    pub(super) category: Option<AttendanceCategory>,
    pub(super) direction: Option<Direction>,
    pub(super) whole_day: Option<bool>,
    pub(super) history: bool,
}

pub(super) async fn list_by_date(
    tenancy: &Tenancy,
    cx: &OpContext,
    sight: &AttendanceSight,
    selection: &Selection,
) -> Result<Vec<AttendanceEvent>> {
    let Selection { span, from, until, school_id, student_id, class_id, category, direction, whole_day, history } =
        selection;
    let (category, direction) =
        (category.as_ref().map(AttendanceCategory::as_str), direction.as_ref().map(|direction| direction.word()));
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![
        &span.status,
        span.key(),
        &span.after.id,
        &span.limit,
        from,
        until,
        school_id,
        &category,
        &direction,
        whole_day,
        history,
    ];
    let statements: [&'static Statement; 2] = match (sight, student_id, class_id) {
        (AttendanceSight::Within(AttendanceWithin { account, on, family, teaching }), student, class) => {
            parameters.extend([student as &(dyn ToSql + Sync), class, account, on, family, teaching]);
            [&WITHIN_BY_DATE, &WITHIN_BY_DATE_DESC]
        }
        // Of one student there are few: the class is looked for among them.
        (AttendanceSight::All, Some(student), class) => {
            parameters.extend([student as &(dyn ToSql + Sync), class]);
            [&STUDENT_BY_DATE, &STUDENT_BY_DATE_DESC]
        }
        (AttendanceSight::All, None, Some(class)) => {
            parameters.push(class);
            [&CLASS_BY_DATE, &CLASS_BY_DATE_DESC]
        }
        // What is rare is not looked for among all there is.
        (AttendanceSight::All, None, None) if span.status == Some(Status::ToBeDeleted.word()) => {
            [&DELETED_BY_DATE, &DELETED_BY_DATE_DESC]
        }
        (AttendanceSight::All, None, None)
            if span.status == Some(Status::Active.word())
                && !*history
                && category.is_some_and(|category| category != AttendanceCategory::PRESENT.as_str()) =>
        {
            [&CATEGORY_BY_DATE, &CATEGORY_BY_DATE_DESC]
        }
        (AttendanceSight::All, None, None) if *whole_day == Some(true) => [&WHOLE_DAY_BY_DATE, &WHOLE_DAY_BY_DATE_DESC],
        (AttendanceSight::All, None, None) if *whole_day == Some(false) => {
            [&OF_CLASSES_BY_DATE, &OF_CLASSES_BY_DATE_DESC]
        }
        (AttendanceSight::All, None, None) if school_id.is_some() => {
            parameters.push(school_id);
            [&SCHOOL_BY_DATE, &SCHOOL_BY_DATE_DESC]
        }
        (AttendanceSight::All, None, None) => [&ALL_BY_DATE, &ALL_BY_DATE_DESC],
    };
    tenancy.fetch(cx, span.pick(statements), &parameters).await?.iter().map(event).collect()
}
