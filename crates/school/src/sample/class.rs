//! The classes of a district and who is in them.

use super::district::{Change, District, ELECTIVES, GRADES, LOWER_SUBJECTS, School, Student, Subject, UPPER_SUBJECTS};

/// What a class is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Homeroom,
    /// A subject that the section takes together, with its place in the timetable from 0.
    Core(Subject, usize),
    /// A choice, in the first (0) or second (1) semester.
    Elective(usize),
}

/// A class: one section's, or one group's of those who chose alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) school: usize,
    pub(super) grade: usize,
    pub(super) section: u16,
    pub(super) topic: Topic,
}

/// The first grade with a teacher for each subject.
const UPPER: usize = 6;

impl Class {
    pub(super) fn id(&self) -> String {
        let topic = match self.topic {
            Topic::Homeroom => "HR".to_owned(),
            Topic::Core(subject, _) => subject.code.to_owned(),
            Topic::Elective(semester) => format!("EL{}", semester + 1),
        };
        format!("class-{:03}-{}-{:02}-{topic}", self.school + 1, GRADES[self.grade], self.section + 1)
    }

    /// The subject, unless it is a homeroom.
    pub(super) fn subject(&self) -> Option<Subject> {
        match self.topic {
            Topic::Homeroom => None,
            Topic::Core(subject, _) => Some(subject),
            // What a group takes changes with the semester.
            Topic::Elective(semester) => Some(ELECTIVES[(usize::from(self.section) + semester) % ELECTIVES.len()]),
        }
    }

    /// The course it teaches.
    pub(super) fn course_id(&self) -> String {
        course_id(self.grade, self.subject())
    }

    /// The period of the day, from 1. Homerooms meet first.
    pub(super) fn period(&self) -> usize {
        match self.topic {
            Topic::Homeroom => 1,
            Topic::Core(_, place) => place + 2,
            Topic::Elective(_) => UPPER_SUBJECTS.len() + 2,
        }
    }

    /// The place of its teacher among the teachers of the school.
    pub(super) fn teacher(&self, school: &School) -> usize {
        let sections = |grades: std::ops::Range<usize>| -> usize {
            school.sections[grades].iter().map(|count| usize::from(*count)).sum()
        };
        let section = sections(0..self.grade) + usize::from(self.section);
        if self.grade < UPPER {
            return section;
        }
        // Teachers of subjects come after those of the lower sections, each with a few classes.
        let lower = sections(0..UPPER);
        let classes_before = (section - lower) * (UPPER_SUBJECTS.len() + 2);
        let place = match self.topic {
            Topic::Homeroom => 0,
            Topic::Core(_, place) => place,
            Topic::Elective(semester) => UPPER_SUBJECTS.len() + semester,
        };
        let teachers = school.teacher_places().len();
        (lower + (classes_before + place) / 5).min(teachers.saturating_sub(1))
    }
}

pub(super) fn course_id(grade: usize, subject: Option<Subject>) -> String {
    format!("course-{}-{}", GRADES[grade], subject.map_or("HR", |subject| subject.code))
}

/// Everything taught in a grade.
pub(super) fn subjects(grade: usize) -> impl Iterator<Item = Option<Subject>> {
    let (core, electives): (&[Subject], &[Subject]) =
        if grade < UPPER { (LOWER_SUBJECTS, &[]) } else { (UPPER_SUBJECTS, ELECTIVES) };
    std::iter::once(None).chain(core.iter().chain(electives).copied().map(Some))
}

/// What a section of a grade takes.
fn topics(grade: usize) -> impl Iterator<Item = Topic> {
    let (core, electives) = if grade < UPPER { (LOWER_SUBJECTS, 0..0) } else { (UPPER_SUBJECTS, 0..2) };
    let core = core.iter().enumerate().map(|(place, subject)| Topic::Core(*subject, place));
    std::iter::once(Topic::Homeroom).chain(core).chain(electives.map(Topic::Elective))
}

/// All classes of a district.
pub(super) fn classes(district: &District) -> impl Iterator<Item = Class> {
    district.schools.iter().enumerate().flat_map(|(number, school)| {
        school.sections.iter().enumerate().flat_map(move |(grade, sections)| {
            (0..*sections).flat_map(move |section| {
                topics(grade).map(move |topic| Class { school: number, grade, section, topic })
            })
        })
    })
}

/// A student's place in a class, by weeks of the year; nothing means the session's own begin or end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) class: Class,
    pub(super) from_week: Option<u32>,
    pub(super) to_week: Option<u32>,
}

/// The week in which the second semester begins.
pub(super) const SECOND_SEMESTER: u32 = 21;

/// All places of a student. Who moves to another section has two places in the same subject, one after the other.
pub(super) fn places(district: &District, student: &Student) -> Vec<Place> {
    let sections = district.schools[usize::from(student.school)].sections[usize::from(student.grade)];
    let mut places = Vec::new();
    for topic in topics(usize::from(student.grade)) {
        let class = |section: u16| Class {
            school: usize::from(student.school),
            grade: usize::from(student.grade),
            section: section % sections,
            topic,
        };
        let here = Place { class: class(student.section), from_week: None, to_week: None };
        match (student.change, topic) {
            // A choice for a semester is kept to when the section changes.
            (Change::Moves(week), Topic::Homeroom | Topic::Core(..)) if sections > 1 => {
                places.push(Place { to_week: Some(week), ..here });
                places.push(Place { class: class(student.section + 1), from_week: Some(week), to_week: None });
            }
            (Change::Joins(week), Topic::Elective(0)) if week >= SECOND_SEMESTER => {}
            (Change::Leaves(week), Topic::Elective(1)) if week <= SECOND_SEMESTER => {}
            (Change::Joins(week), Topic::Elective(1)) if week <= SECOND_SEMESTER => places.push(here),
            (Change::Leaves(week), Topic::Elective(0)) if week >= SECOND_SEMESTER => places.push(here),
            (Change::Joins(week), _) => places.push(Place { from_week: Some(week), ..here }),
            (Change::Leaves(week), _) => places.push(Place { to_week: Some(week), ..here }),
            (Change::Moves(_) | Change::None, _) => places.push(here),
        }
    }
    places
}
