//! Courses, classes and the places in them.

use std::collections::HashMap;

use cloister_ids::{ClassId, CourseId, EnrollmentId, PersonId};
use cloister_tenancy::Result;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::{
    calendar::House,
    pen::Pen,
    plan::{GRADES, Plan, SectionKey},
    staff::{BLOCK, LOWER, SUBJECTS, Work},
    store,
};
use crate::{
    sample::district::{ELECTIVES, LOWER_SUBJECTS, Subject, UPPER_SUBJECTS},
    search_key,
};

/// What a class is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Homeroom,
    /// A subject, with its place among those of the grade.
    Core(usize, Subject),
    /// A choice, in the first (0) or second (1) semester.
    Elective(usize, Subject),
}

/// A class of a section.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) id: ClassId,
    pub(super) section: SectionKey,
    pub(super) topic: Topic,
    /// The place of the section among those of its school, of the lower or upper grades.
    pub(super) place: usize,
    /// And among all of them.
    pub(super) room: usize,
    pub(super) is_lower: bool,
    pub(super) teacher: PersonId,
    pub(super) begin: Date,
    pub(super) end: Date,
}

/// What a section takes.
fn topics(grade: usize, section: usize) -> Vec<Topic> {
    let mut topics = vec![Topic::Homeroom];
    let subjects = if grade <= LOWER { LOWER_SUBJECTS } else { UPPER_SUBJECTS };
    topics.extend(subjects.iter().enumerate().map(|(place, subject)| Topic::Core(place, *subject)));
    if grade > LOWER {
        let elective = |semester| Topic::Elective(semester, ELECTIVES[(section + semester) % ELECTIVES.len()]);
        topics.extend([elective(0), elective(1)]);
    }
    topics
}

impl Topic {
    fn subject(self) -> Option<Subject> {
        match self {
            Self::Homeroom => None,
            Self::Core(_, subject) | Self::Elective(_, subject) => Some(subject),
        }
    }

    /// The period of the day: lower sections keep to one order, upper ones each to their own, so that a teacher of a subject
    /// has at most one of a block at a time.
    pub(super) fn period(self, is_lower: bool, section: usize) -> usize {
        let place = match self {
            Self::Homeroom => return 0,
            Self::Core(place, _) => place,
            Self::Elective(..) => SUBJECTS - 1,
        };
        if is_lower { place + 1 } else { (place + section) % SUBJECTS + 1 }
    }
}

/// All classes of all years.
fn classes(pen: &Pen<'_>, plan: &Plan) -> Vec<Class> {
    let clock = pen.tx.cx().clock();
    let teachers: HashMap<(usize, usize, usize), PersonId> = (plan.employees.iter())
        .filter_map(|one| match one.work {
            Work::Lower(place) => Some(((one.school, usize::MAX, place), one.id)),
            Work::Upper { block, subject } => Some(((one.school, block, subject), one.id)),
            Work::Post(..) => None,
        })
        .collect();
    let mut classes = Vec::new();
    for (number, year) in plan.years.iter().enumerate() {
        for school in 0..plan.schools.len() {
            let (mut lower, mut upper) = (0, 0);
            for (room, (section, grade)) in plan.sections_in(number, school).into_iter().enumerate() {
                let is_lower = grade <= LOWER;
                let place = if is_lower { lower } else { upper };
                for topic in topics(grade, section.section) {
                    let subject = match topic {
                        Topic::Homeroom => place % BLOCK,
                        Topic::Core(at, _) => at,
                        Topic::Elective(..) => SUBJECTS - 1,
                    };
                    let key = if is_lower { (school, usize::MAX, place) } else { (school, place / BLOCK, subject) };
                    let Some(teacher) = teachers.get(&key).copied() else { continue };
                    let (begin, end) = match topic {
                        Topic::Elective(semester, _) => (year.semester(semester).1, year.semester(semester).2),
                        _ => (year.first_day(), year.end()),
                    };
                    let id = ClassId::generate(clock);
                    classes.push(Class { id, section, topic, place, room, is_lower, teacher, begin, end });
                }
                if is_lower {
                    lower += 1;
                } else {
                    upper += 1;
                }
            }
        }
    }
    classes
}

pub(super) async fn write(pen: &mut Pen<'_>, plan: &Plan, houses: &[House]) -> Result<Vec<Class>> {
    let classes = classes(pen, plan);
    let courses = write_courses(pen, plan).await?;
    let (mut rows, mut terms) = (Vec::with_capacity(classes.len()), Vec::with_capacity(classes.len()));
    for class in &classes {
        let SectionKey { year, school, cohort, section } = class.section;
        let grade = super::plan::grade(cohort, year).unwrap_or(1);
        let subject = class.topic.subject();
        let letter = char::from(b'A' + u8::try_from(section % 26).unwrap_or(0));
        let (name, code) = subject.map_or(("Homeroom", "HR"), |subject| (subject.name, subject.code));
        let title = format!("{name} {grade:02}{letter}");
        let period = class.topic.period(class.is_lower, class.place);
        let kind = if subject.is_none() { "homeroom" } else { "scheduled" };
        rows.push(json!({ "id": class.id.uuid(), "sourced_id": class.id.to_string(), "title": title,
            "title_search": search_key::of(&title), "class_code": format!("{code}-{grade:02}{letter}-{}", plan.years[year].school_year),
            "class_type": kind, "location": houses[school].rooms.get(class.room).map(|(_, number)| number),
            "course_id": courses.get(&(grade, code)).map(|id| id.uuid()), "school_id": plan.schools[school].id.uuid(),
            "grades": [format!("{grade:02}")], "subjects": subject.iter().map(|one| one.name).collect::<Vec<_>>(),
            "subject_codes": subject.iter().map(|one| one.code).collect::<Vec<_>>(), "periods": [period.to_string()] }));
        let term = match class.topic {
            Topic::Elective(semester, _) => plan.years[year].semester(semester).0,
            _ => plan.years[year].session(),
        };
        terms.push(json!({ "class_id": class.id.uuid(), "academic_session_id": term.uuid() }));
    }
    pen.records("classes", &store::CLASSES, rows).await?;
    pen.parts(&store::CLASS_TERMS, terms).await?;
    let rows = enrollments(pen, plan, &classes);
    pen.records("enrollments", &store::ENROLLMENTS, rows).await?;
    Ok(classes)
}

async fn write_courses(pen: &mut Pen<'_>, plan: &Plan) -> Result<HashMap<(usize, &'static str), CourseId>> {
    let mut courses = HashMap::new();
    let mut rows = Vec::new();
    for grade in 1..=GRADES {
        let mut taught = vec![("Homeroom", "HR")];
        let subjects = if grade <= LOWER { LOWER_SUBJECTS } else { UPPER_SUBJECTS };
        let electives = if grade <= LOWER { &[] } else { ELECTIVES };
        taught.extend(subjects.iter().chain(electives).map(|subject| (subject.name, subject.code)));
        for (name, code) in taught {
            let id = CourseId::generate(pen.tx.cx().clock());
            let title = format!("{name} {grade:02}");
            let of_subject = |text: &'static str| if code == "HR" { Vec::new() } else { vec![text] };
            rows.push(json!({ "id": id.uuid(), "sourced_id": id.to_string(), "title": title,
                "title_search": search_key::of(&title), "course_code": format!("{code}-{grade:02}"),
                "org_id": plan.district.id.uuid(), "grades": [format!("{grade:02}")], "subjects": of_subject(name),
                "subject_codes": of_subject(code) }));
            courses.insert((grade, code), id);
        }
    }
    pen.records("courses", &store::COURSES, rows).await?;
    Ok(courses)
}

fn enrollments(pen: &Pen<'_>, plan: &Plan, classes: &[Class]) -> Vec<Value> {
    let clock = pen.tx.cx().clock();
    let mut of_section: HashMap<SectionKey, Vec<&Class>> = HashMap::with_capacity(classes.len());
    for class in classes {
        of_section.entry(class.section).or_default().push(class);
    }
    let row = |class: &Class, person: PersonId, role: &str, primary: Option<bool>, begin: Date, end: Date| {
        let id = EnrollmentId::generate(clock);
        json!({ "id": id.uuid(), "sourced_id": id.to_string(), "class_id": class.id.uuid(),
            "school_id": plan.schools[class.section.school].id.uuid(), "person_id": person.uuid(), "role": role,
            "is_primary": primary, "begin_date": begin, "end_date": end })
    };
    let taught = classes.iter().map(|class| row(class, class.teacher, "teacher", Some(true), class.begin, class.end));
    let mut rows: Vec<Value> = taught.collect();
    for place in &plan.places {
        for class in of_section.get(&place.section).into_iter().flatten() {
            let (from, to) = (place.from.max(class.begin), place.to.min(class.end));
            if from < to {
                rows.push(row(class, plan.pupils[place.pupil].id, "student", None, from, to));
            }
        }
    }
    rows
}
