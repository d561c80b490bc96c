//! The rows about people: users, roles, demographics.

use jiff::{ToSpan, civil::Date};
use zip::result::ZipResult;

use super::{
    district::{Change, Employee, GRADES, Household, Student},
    names::BIRTHPLACES,
    person::{Gender, Name},
    random::Random,
    write::{DISTRICT, Writer, guardian_id, school_id, staff_id, student_id},
};
use crate::oneroster::Sheet;

/// The district's own administrator.
const ADMINISTRATOR: &str = "staff-district";

/// What differs between kinds of people in `users.csv`.
#[derive(Default)]
struct Person<'a> {
    id: &'a str,
    /// A number nobody else has.
    number: usize,
    disabled: bool,
    mail_host: &'a str,
    telephone: Option<String>,
    agents: &'a str,
    grade: &'a str,
    org: &'a str,
    preferred_given_name: &'a str,
}

/// Numbers of students begin here, those of others far above.
const STUDENTS_FROM: usize = 100_001;
const STAFF_FROM: usize = 400_001;
const GUARDIANS_FROM: usize = 500_001;

fn user(sheet: &mut Sheet<'_>, name: Name, person: &Person<'_>) -> ZipResult<()> {
    let username = name.username(person.number);
    let number = person.number.to_string();
    let user_ids = format!("{{SIS:{number}}},{{LDAP:{username}}}");
    let email = format!("{username}@{}", person.mail_host);
    let telephone = person.telephone.as_deref().unwrap_or_default();
    let pronouns = if name.gender == Gender::Other { "they/them" } else { "" };
    let own = [
        if person.disabled { "false" } else { "true" },
        &username,
        &user_ids,
        name.given(),
        &name.family(),
        name.middle(),
        &number,
        &email,
        telephone,
        telephone,
        person.agents,
        person.grade,
        "",
        "",
        person.preferred_given_name,
        "",
        "",
        person.org,
        pronouns,
    ];
    sheet.row(person.id, &own)
}

/// A number from the range kept free for fiction.
fn telephone(random: &mut Random) -> String {
    format!("+1{}55501{:02}", 201 + random.below(788), random.below(100))
}

impl Writer<'_> {
    pub(super) fn users(&self, mut sheet: Sheet<'_>) -> ZipResult<u64> {
        let mut random = Random::new(self.district.seed ^ 0x7573_6572);
        let host = "district.example";
        let administrator =
            Person { id: ADMINISTRATOR, number: STAFF_FROM - 1, mail_host: host, org: DISTRICT, ..Person::default() };
        user(&mut sheet, self.district.administrator, &administrator)?;
        for (number, (school, place, employee)) in self.employees().enumerate() {
            let (id, org) = (staff_id(school, place), school_id(school));
            let telephone = Some(telephone(&mut random));
            let number = STAFF_FROM + number;
            let person = Person { id: &id, number, mail_host: host, telephone, org: &org, ..Person::default() };
            user(&mut sheet, employee.name, &person)?;
        }
        let mut guardian_number = GUARDIANS_FROM;
        for (household, family) in self.district.households.iter().enumerate() {
            let children = self.district.children(family);
            let mut agents = String::new();
            for (place, name) in guardians(family) {
                let id = guardian_id(household, place);
                let org = children.first().map(|child| school_id(usize::from(child.school))).unwrap_or_default();
                let telephone = Some(telephone(&mut random));
                let person = Person {
                    id: &id,
                    number: guardian_number,
                    mail_host: "mail.example",
                    telephone,
                    org: &org,
                    ..Person::default()
                };
                user(&mut sheet, name, &person)?;
                guardian_number += 1;
                if !agents.is_empty() {
                    agents.push(',');
                }
                agents.push_str(&id);
            }
            for (place, child) in children.iter().enumerate() {
                let index = family.first_student as usize + place;
                let preferred = if random.permille(30) { nickname(child.name) } else { String::new() };
                let person = Person {
                    id: &student_id(index),
                    number: STUDENTS_FROM + index,
                    disabled: matches!(child.change, Change::Leaves(_)),
                    mail_host: "students.district.example",
                    agents: &agents,
                    grade: GRADES[usize::from(child.grade)],
                    org: &school_id(usize::from(child.school)),
                    preferred_given_name: &preferred,
                    ..Person::default()
                };
                user(&mut sheet, child.name, &person)?;
            }
        }
        sheet.end()
    }

    pub(super) fn roles(&self, mut sheet: Sheet<'_>) -> ZipResult<u64> {
        let (first_day, end) = (self.calendar.first_day, self.calendar.end);
        let mut number = 0usize;
        let mut row = |user: &str, kind: &str, role: &str, begin: Date, end: Option<Date>, org: &str| {
            number += 1;
            let (begin, end) = (begin.to_string(), end.map(|end| end.to_string()).unwrap_or_default());
            sheet.row(&format!("role-{number:07}"), &[user, kind, role, &begin, &end, org, ""])
        };
        row(ADMINISTRATOR, "primary", "districtAdministrator", first_day, None, DISTRICT)?;
        for (school, place, employee) in self.employees() {
            let (id, org) = (staff_id(school, place), school_id(school));
            row(&id, "primary", employee.role, first_day, None, &org)?;
            if employee.role == "principal" {
                row(&id, "secondary", "siteAdministrator", first_day, None, &org)?;
            }
        }
        for (household, family) in self.district.households.iter().enumerate() {
            let children = self.district.children(family);
            let mut schools: Vec<u16> = children.iter().map(|child| child.school).collect();
            schools.sort_unstable();
            schools.dedup();
            for (place, _) in guardians(family) {
                let role = if place == 0 || household % 10 != 0 { "parent" } else { "guardian" };
                for school in &schools {
                    let org = school_id(usize::from(*school));
                    row(&guardian_id(household, place), "primary", role, first_day, None, &org)?;
                }
            }
            for (place, child) in children.iter().enumerate() {
                let begin = match child.change {
                    Change::Joins(week) => self.day_of_change(child, week),
                    _ => first_day,
                };
                let end = match child.change {
                    Change::Leaves(week) => self.day_of_change(child, week),
                    _ => end,
                };
                let id = student_id(family.first_student as usize + place);
                let org = school_id(usize::from(child.school));
                row(&id, "primary", "student", begin, Some(end), &org)?;
            }
        }
        sheet.end()
    }

    pub(super) fn demographics(&self, mut sheet: Sheet<'_>) -> ZipResult<u64> {
        let mut random = Random::new(self.district.seed ^ 0x6465_6d6f);
        for (index, student) in self.district.students.iter().enumerate() {
            let birth_date = self.birth_date(student).to_string();
            let races = races(&mut random);
            let hispanic = if random.permille(220) { "true" } else { "false" };
            let (city, state, country) =
                if random.permille(850) { *random.pick(&BIRTHPLACES[..8]) } else { *random.pick(BIRTHPLACES) };
            let residence = if random.permille(970) { "01652" } else { "01653" };
            let [native, asian, black, islander, white, several] = races;
            let own = [
                &birth_date,
                student.name.gender.sex(),
                native,
                asian,
                black,
                islander,
                white,
                several,
                hispanic,
                country,
                state,
                city,
                residence,
            ];
            sheet.row(&student_id(index), &own)?;
        }
        sheet.end()
    }

    /// Everyone who works at a school: the school, the place in its staff, the person.
    fn employees(&self) -> impl Iterator<Item = (usize, usize, &Employee)> {
        let schools = self.district.schools.iter().enumerate();
        schools.flat_map(|(number, school)| {
            school.staff.iter().enumerate().map(move |(place, employee)| (number, place, employee))
        })
    }

    /// The day in a week on which something changes for a student.
    pub(super) fn day_of_change(&self, student: &Student, week: u32) -> Date {
        self.calendar.day(week, u32::from(student.birthday % 5))
    }

    /// Children of a grade were born from September to August, so many years before.
    fn birth_date(&self, student: &Student) -> Date {
        let year = self.calendar.school_year - 7 - i16::from(student.grade);
        let september = Date::new(year, 9, 1).unwrap_or(self.calendar.first_day);
        september.checked_add(i64::from(student.birthday).days()).unwrap_or(september)
    }
}

fn guardians(household: &Household) -> impl Iterator<Item = (usize, Name)> {
    household.guardians.iter().enumerate().filter_map(|(place, name)| Some((place, (*name)?)))
}

/// The first letters of a name.
fn nickname(name: Name) -> String {
    name.given().chars().take(3).collect()
}

/// The five races and whether there are several, or nothing where the family did not say.
fn races(random: &mut Random) -> [&'static str; 6] {
    if random.permille(40) {
        return [""; 6];
    }
    let one = |random: &mut Random| match random.below(100) {
        0..3 => 0,
        3..23 => 1,
        23..45 => 2,
        45..50 => 3,
        _ => 4,
    };
    let mut flags = ["false"; 6];
    flags[one(random)] = "true";
    if random.permille(90) {
        flags[one(random)] = "true";
    }
    if flags[..5].iter().filter(|flag| **flag == "true").count() > 1 {
        flags[5] = "true";
    }
    flags
}
