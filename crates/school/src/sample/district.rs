//! Who goes where: schools by size, families, sections, teachers.

use super::{
    SampleSettings,
    names::{PLACE_ENDS, PLACES},
    person::{Family, Name},
    random::Random,
};

/// The grades, as their codes.
pub(super) const GRADES: [&str; 13] = ["KG", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"];

/// What is taught to each section, up to the fifth grade and after it.
pub(super) static LOWER_SUBJECTS: &[Subject] = &[LANGUAGE_ARTS, MATHEMATICS, SCIENCE, ARTS, PHYSICAL_EDUCATION];
pub(super) static UPPER_SUBJECTS: &[Subject] =
    &[LANGUAGE_ARTS, MATHEMATICS, SCIENCE, SOCIAL_STUDIES, WORLD_LANGUAGE, PHYSICAL_EDUCATION];
/// What students after the fifth grade choose, one each semester.
pub(super) static ELECTIVES: &[Subject] = &[
    Subject { name: "Visual Arts", code: "VIS" },
    Subject { name: "Music", code: "MUS" },
    Subject { name: "Computing", code: "COM" },
    Subject { name: "Drama", code: "DRA" },
];

const LANGUAGE_ARTS: Subject = Subject { name: "Language Arts", code: "LAN" };
const MATHEMATICS: Subject = Subject { name: "Mathematics", code: "MAT" };
const SCIENCE: Subject = Subject { name: "Science", code: "SCI" };
const ARTS: Subject = Subject { name: "Arts and Music", code: "ART" };
const SOCIAL_STUDIES: Subject = Subject { name: "Social Studies", code: "SOC" };
const WORLD_LANGUAGE: Subject = Subject { name: "World Language", code: "WLA" };
const PHYSICAL_EDUCATION: Subject = Subject { name: "Physical Education", code: "PHE" };

/// A subject with its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) code: &'static str,
}

/// Students in a full section.
const SECTION: usize = 25;
/// Classes a teacher of one subject takes.
const LOAD: usize = 5;

/// What happens to a student's place during the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    None,
    /// Moves to the next section in this week.
    Moves(u32),
    /// Comes in this week.
    Joins(u32),
    /// Leaves in this week.
    Leaves(u32),
}

/// A student.
#[derive(Debug, Clone, Copy)]
pub(super) struct Student {
    pub(super) name: Name,
    pub(super) grade: u8,
    pub(super) school: u16,
    /// Number of the section within the school and grade, from 0.
    pub(super) section: u16,
    /// Days after the first birthday that falls in the grade.
    pub(super) birthday: u16,
    pub(super) change: Change,
}

/// A family: its students follow one another in the list of students.
#[derive(Debug, Clone)]
pub(super) struct Household {
    pub(super) first_student: u32,
    pub(super) students: u8,
    pub(super) guardians: [Option<Name>; 2],
}

/// A school.
#[derive(Debug, Clone)]
pub(super) struct School {
    pub(super) name: String,
    /// Sections by grade.
    pub(super) sections: [u16; 13],
    pub(super) students: usize,
    pub(super) staff: Vec<Employee>,
}

/// Someone who works at a school.
#[derive(Debug, Clone, Copy)]
pub(super) struct Employee {
    pub(super) name: Name,
    /// In the words of the standard.
    pub(super) role: &'static str,
}

/// Everyone and everything of a sample.
#[derive(Debug)]
pub(super) struct District {
    pub(super) seed: u64,
    pub(super) name: String,
    pub(super) administrator: Name,
    pub(super) schools: Vec<School>,
    pub(super) students: Vec<Student>,
    pub(super) households: Vec<Household>,
}

impl District {
    pub(super) fn new(settings: &SampleSettings) -> Self {
        let mut random = Random::new(settings.seed);
        let count = usize::try_from(settings.students).unwrap_or(usize::MAX);
        // A small school has the lower grades only, so that its classes are not emptier than real ones.
        let grades = (count / SECTION).clamp(1, GRADES.len());
        let bands = bands(count);
        let (name, mut schools) = name_schools(&bands, &mut random);
        let (mut students, households) = families(count, grades, &bands, &mut random);
        assign_sections(&mut students, &mut schools, &mut random);
        for school in &mut schools {
            school.staff = staff(school, &mut random);
        }
        let family = Family::random(&mut random);
        let administrator = Name::random(&mut random, family);
        Self { seed: settings.seed, name, administrator, schools, students, households }
    }

    /// The students of a household.
    pub(super) fn children(&self, household: &Household) -> &[Student] {
        let first = household.first_student as usize;
        &self.students[first..first + usize::from(household.students)]
    }
}

/// Schools of one kind.
#[derive(Debug)]
struct Band {
    kind: &'static str,
    grades: std::ops::Range<u8>,
    first_school: u16,
    schools: u16,
}

/// One school for all grades, or primary, middle and high schools of the usual sizes.
fn bands(students: usize) -> Vec<Band> {
    const ONE_SCHOOL: usize = 900;
    if students <= ONE_SCHOOL {
        return vec![Band { kind: "School", grades: 0..13, first_school: 0, schools: 1 }];
    }
    let mut first_school = 0;
    [("Primary School", 0..6u8, 480), ("Middle School", 6..9, 650), ("High School", 9..13, 1100)]
        .into_iter()
        .map(|(kind, grades, size)| {
            let share = students * grades.len() / GRADES.len();
            let schools = u16::try_from(share.div_ceil(size)).unwrap_or(u16::MAX).max(1);
            let band = Band { kind, grades, first_school, schools };
            first_school += schools;
            band
        })
        .collect()
}

fn name_schools(bands: &[Band], random: &mut Random) -> (String, Vec<School>) {
    let mut places: Vec<String> =
        PLACES.iter().flat_map(|place| PLACE_ENDS.iter().map(move |end| format!("{place}{end}"))).collect();
    random.shuffle(&mut places);
    let district = format!("{} School District", places.pop().unwrap_or_default());
    let kinds = bands.iter().flat_map(|band| (0..band.schools).map(move |_| band.kind));
    let schools = kinds.zip(places.iter().cycle()).map(|(kind, place)| School {
        name: format!("{place} {kind}"),
        sections: [0; 13],
        students: 0,
        staff: Vec::new(),
    });
    (district, schools.collect())
}

/// Makes students family by family: brothers and sisters share a household, a name and a part of town.
fn families(count: usize, grades: usize, bands: &[Band], random: &mut Random) -> (Vec<Student>, Vec<Household>) {
    let grades = u8::try_from(grades).unwrap_or(13);
    let mut students: Vec<Student> = Vec::with_capacity(count);
    let mut households = Vec::with_capacity(count * 2 / 3);
    while students.len() < count {
        let family = Family::random(random);
        let part_of_town = random.day() * 97 + random.day();
        let wanted = match random.below(100) {
            0..55 => 1,
            55..88 => 2,
            _ => 3,
        };
        let children = wanted.min(count - students.len());
        let first_student = u32::try_from(students.len()).unwrap_or(u32::MAX);
        let mut grade = random.small(grades);
        let mut birthday = random.day();
        for _ in 0..children {
            let band = bands.iter().find(|band| band.grades.contains(&grade)).unwrap_or(&bands[0]);
            let school = band.first_school + part_of_town % band.schools;
            let siblings = &students[first_student as usize..];
            let name = sibling(random, family, siblings);
            let change = change(random);
            students.push(Student { name, grade, school, section: 0, birthday, change });
            // A child of the same grade is a twin, and so keeps the birthday.
            let step = 1 + random.small(3);
            let next = (grade + step) % grades;
            if next != grade {
                birthday = random.day();
            }
            grade = next;
        }
        let first = Some(Name::random(random, family));
        let second = random.permille(700).then(|| {
            let family = if random.permille(300) { Family::random(random) } else { family };
            Name::random(random, family)
        });
        let students = u8::try_from(children).unwrap_or(u8::MAX);
        households.push(Household { first_student, students, guardians: [first, second] });
    }
    (students, households)
}

/// A name that no brother or sister has.
fn sibling(random: &mut Random, family: Family, siblings: &[Student]) -> Name {
    let mut name = Name::random(random, family);
    // There are more names than children in any family, so this ends; the bound is for those who read it.
    for _ in 0..16 {
        if siblings.iter().all(|sibling| sibling.name.given() != name.given()) {
            break;
        }
        name = Name::random(random, family);
    }
    name
}

fn change(random: &mut Random) -> Change {
    let week = 2 + random.below(36);
    match random.below(1000) {
        0..30 => Change::Moves(week),
        30..50 => Change::Joins(week),
        50..60 => Change::Leaves(week),
        _ => Change::None,
    }
}

/// Spreads the students of each school and grade over sections of about the same size.
fn assign_sections(students: &mut [Student], schools: &mut [School], random: &mut Random) {
    let mut buckets: Vec<Vec<u32>> = vec![Vec::new(); schools.len() * GRADES.len()];
    for (index, student) in (0u32..).zip(students.iter()) {
        buckets[usize::from(student.school) * GRADES.len() + usize::from(student.grade)].push(index);
    }
    for (number, bucket) in buckets.iter_mut().enumerate() {
        // Otherwise twins would always be in neighbouring sections.
        random.shuffle(bucket);
        let school = &mut schools[number / GRADES.len()];
        let sections = bucket.len().div_ceil(SECTION);
        school.sections[number % GRADES.len()] = u16::try_from(sections).unwrap_or(u16::MAX);
        school.students += bucket.len();
        for (place, &student) in bucket.iter().enumerate() {
            students[student as usize].section = u16::try_from(place % sections).unwrap_or(0);
        }
    }
}

/// Everyone who works at a school: its principal first, then counselors, then teachers, enough for all classes.
fn staff(school: &School, random: &mut Random) -> Vec<Employee> {
    let counselors = school.students.div_ceil(400);
    let roles = std::iter::once("principal")
        .chain(std::iter::repeat_n("counselor", counselors))
        .chain(std::iter::repeat_n("teacher", teachers(school)));
    roles
        .map(|role| {
            let family = Family::random(random);
            Employee { name: Name::random(random, family), role }
        })
        .collect()
}

/// A teacher for each lower section, and one for every few classes of the upper ones.
fn teachers(school: &School) -> usize {
    let sections =
        |grades: std::ops::Range<usize>| school.sections[grades].iter().map(|n| usize::from(*n)).sum::<usize>();
    let upper_classes = sections(6..13) * (UPPER_SUBJECTS.len() + 2);
    sections(0..6) + upper_classes.div_ceil(LOAD)
}

impl School {
    /// The places of the teachers in the staff.
    pub(super) fn teacher_places(&self) -> std::ops::Range<usize> {
        let first = self.staff.iter().position(|employee| employee.role == "teacher").unwrap_or(self.staff.len());
        first..self.staff.len()
    }
}
