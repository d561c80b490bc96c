//! The rows of each file.

use std::{fs::File as DiskFile, io};

use jiff::civil::Date;
use zip::result::{ZipError, ZipResult};

use super::{
    SampleSummary,
    calendar::Calendar,
    class::{Class, Topic, classes, course_id, places, subjects},
    district::{District, GRADES},
};
use crate::oneroster::{Archive, File, Sheet};

const FILES: [File; 8] = [
    File::Orgs,
    File::AcademicSessions,
    File::Courses,
    File::Classes,
    File::Users,
    File::Roles,
    File::Enrollments,
    File::Demographics,
];
pub(super) const DISTRICT: &str = "org-district";

/// Writes all files.
pub(super) fn write_package(
    district: &District,
    calendar: &Calendar,
    file: DiskFile,
) -> io::Result<(SampleSummary, DiskFile)> {
    write_files(&Writer { district, calendar }, file).map_err(|error| match error {
        ZipError::Io(error) => error,
        other => io::Error::other(other),
    })
}

fn write_files(writer: &Writer<'_>, file: DiskFile) -> ZipResult<(SampleSummary, DiskFile)> {
    let mut archive = Archive::new(file);
    archive.manifest(&FILES, "Cloister sample")?;
    let summary = SampleSummary {
        orgs: writer.orgs(archive.sheet(File::Orgs)?)?,
        academic_sessions: writer.academic_sessions(archive.sheet(File::AcademicSessions)?)?,
        courses: writer.courses(archive.sheet(File::Courses)?)?,
        classes: writer.classes(archive.sheet(File::Classes)?)?,
        users: writer.users(archive.sheet(File::Users)?)?,
        roles: writer.roles(archive.sheet(File::Roles)?)?,
        enrollments: writer.enrollments(archive.sheet(File::Enrollments)?)?,
        demographics: writer.demographics(archive.sheet(File::Demographics)?)?,
        bytes: 0,
    };
    Ok((summary, archive.finish()?))
}

/// A district in its year, being written.
pub(super) struct Writer<'a> {
    pub(super) district: &'a District,
    pub(super) calendar: &'a Calendar,
}

pub(super) fn school_id(number: usize) -> String {
    format!("org-school-{:03}", number + 1)
}

pub(super) fn student_id(number: usize) -> String {
    format!("student-{:06}", number + 1)
}

pub(super) fn guardian_id(household: usize, place: usize) -> String {
    format!("guardian-{:06}-{}", household + 1, place + 1)
}

pub(super) fn staff_id(school: usize, place: usize) -> String {
    format!("staff-{:03}-{:03}", school + 1, place + 1)
}

impl Writer<'_> {
    fn orgs(&self, mut sheet: Sheet<'_>) -> ZipResult<u64> {
        sheet.row(DISTRICT, &[&self.district.name, "district", "D-0001", ""])?;
        for (number, school) in self.district.schools.iter().enumerate() {
            let identifier = format!("S-{:04}", number + 1);
            sheet.row(&school_id(number), &[&school.name, "school", &identifier, DISTRICT])?;
        }
        sheet.end()
    }

    fn academic_sessions(&self, mut sheet: Sheet<'_>) -> ZipResult<u64> {
        let year = self.calendar.school_year.to_string();
        for session in &self.calendar.sessions {
            let (start, end) = (session.start.to_string(), session.end.to_string());
            let parent = session.parent.as_deref().unwrap_or_default();
            sheet.row(&session.id, &[&session.title, session.kind, &start, &end, parent, &year])?;
        }
        sheet.end()
    }

    fn courses(&self, mut sheet: Sheet<'_>) -> ZipResult<u64> {
        let year = self.calendar.year_id();
        let taught = |grade: usize| self.district.schools.iter().any(|school| school.sections[grade] > 0);
        for grade in (0..GRADES.len()).filter(|grade| taught(*grade)) {
            for subject in subjects(grade) {
                let (name, code) = subject.map_or(("Homeroom", "HR"), |subject| (subject.name, subject.code));
                let title = format!("{name}, Grade {}", GRADES[grade]);
                let course_code = format!("{code}-{}", GRADES[grade]);
                let (name, code) = if subject.is_some() { (name, code) } else { ("", "") };
                let own = [year, &title, &course_code, GRADES[grade], DISTRICT, name, code];
                sheet.row(&course_id(grade, subject), &own)?;
            }
        }
        sheet.end()
    }

    fn classes(&self, mut sheet: Sheet<'_>) -> ZipResult<u64> {
        for class in classes(self.district) {
            let section = class.section + 1;
            let grade = GRADES[class.grade];
            let (title, kind) = match class.subject() {
                None => (format!("Homeroom {grade}-{section}"), "homeroom"),
                Some(subject) => (format!("{} {grade}-{section}", subject.name), "scheduled"),
            };
            let (subject, code) = class.subject().map_or(("", ""), |subject| (subject.name, subject.code));
            let semesters = [self.calendar.semester_id(0), self.calendar.semester_id(1)];
            let terms = match class.topic {
                Topic::Elective(semester) => semesters[semester].to_owned(),
                Topic::Homeroom | Topic::Core(..) => semesters.join(","),
            };
            let code_shown = format!("{grade}{section:02}-{}", if code.is_empty() { "HR" } else { code });
            let room = format!("Room {}", 100 + class.teacher(&self.district.schools[class.school]));
            let (school, period) = (school_id(class.school), class.period().to_string());
            let course = class.course_id();
            let own = [&title, grade, &course, &code_shown, kind, &room, &school, &terms, subject, code, &period];
            sheet.row(&class.id(), &own)?;
        }
        sheet.end()
    }

    fn enrollments(&self, mut sheet: Sheet<'_>) -> ZipResult<u64> {
        let mut number = 0usize;
        let mut row = |class: &Class, user: &str, role: &str, primary: &str, begin: Date, end: Date| {
            number += 1;
            let (begin, end) = (begin.to_string(), end.to_string());
            let own = [&class.id(), &school_id(class.school), user, role, primary, &begin, &end];
            sheet.row(&format!("enrollment-{number:07}"), &own)
        };
        for class in classes(self.district) {
            let school = &self.district.schools[class.school];
            let (begin, end) = self.span(&class);
            let first = school.teacher_places().start;
            let teacher = class.teacher(school);
            row(&class, &staff_id(class.school, first + teacher), "teacher", "true", begin, end)?;
            // Where a grade has many sections, some homerooms have a second teacher.
            let second = (teacher + 1) % school.teacher_places().len();
            if class.topic == Topic::Homeroom && class.section % 4 == 3 && second != teacher {
                row(&class, &staff_id(class.school, first + second), "teacher", "false", begin, end)?;
            }
        }
        for (index, student) in self.district.students.iter().enumerate() {
            let id = student_id(index);
            for place in places(self.district, student) {
                let (begin, end) = self.span(&place.class);
                let begin = place.from_week.map_or(begin, |week| self.day_of_change(student, week));
                let end = place.to_week.map_or(end, |week| self.day_of_change(student, week));
                row(&place.class, &id, "student", "false", begin, end)?;
            }
        }
        sheet.end()
    }

    /// First day and day after the last of a class.
    fn span(&self, class: &Class) -> (Date, Date) {
        let Calendar { first_day, end, second_semester, .. } = *self.calendar;
        match class.topic {
            Topic::Elective(0) => (first_day, second_semester),
            Topic::Elective(_) => (second_semester, end),
            Topic::Homeroom | Topic::Core(..) => (first_day, end),
        }
    }
}
