//! Who works at the schools, and in which posts.

use cloister_ids::{Clock, PersonId, StaffAssignmentId};
use cloister_tenancy::Result;
use jiff::{ToSpan, civil::Date};
use serde_json::json;

use super::{
    pen::Pen,
    plan::{Plan, YEARS},
    store,
};
use crate::sample::{
    person::{Family, Name},
    random::Random,
};

/// Grades in which one teacher has a section for everything.
pub(super) const LOWER: usize = 5;
/// Sections of upper grades that share the teachers of their subjects: at most one for each period of the day.
pub(super) const BLOCK: usize = 5;
/// Subjects of upper grades, with the one that is chosen.
pub(super) const SUBJECTS: usize = 7;

/// What somebody's work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Has the lower section of this number.
    Lower(usize),
    /// Teaches a subject to a block of upper sections.
    Upper { block: usize, subject: usize },
    /// Has no classes: what the post is called, its kind, and the role in the words of OneRoster.
    Post(&'static str, &'static str, &'static str),
}

/// Somebody on the staff.
#[derive(Debug)]
pub(super) struct Employee {
    pub(super) id: PersonId,
    pub(super) name: Name,
    pub(super) school: usize,
    pub(super) work: Work,
    pub(super) begin: Date,
    pub(super) end: Option<Date>,
    /// In ten-thousandths of a whole post.
    pub(super) part: u32,
}

const POSTS: [(&str, &str, &str); 9] = [
    ("Principal", "principal", "principal"),
    ("Assistant principal", "assistantPrincipal", "siteAdministrator"),
    ("School secretary", "officeStaff", "siteAdministrator"),
    ("School secretary", "officeStaff", "siteAdministrator"),
    ("School nurse", "nurse", "aide"),
    ("Counselor", "counselor", "counselor"),
    ("Librarian", "librarian", "aide"),
    ("Teaching assistant", "instructionalAide", "aide"),
    ("Caretaker", "supportStaff", "ext:support"),
];

/// As many as the sections of each year need, with those who keep the school going and some who have left.
pub(super) fn employees(plan: &Plan, random: &mut Random, clock: &dyn Clock) -> Vec<Employee> {
    let mut employees = Vec::new();
    for school in 0..plan.schools.len() {
        let most = |is_lower: bool| {
            let count = |year| plan.sections_in(year, school).iter().filter(|(_, g)| (*g <= LOWER) == is_lower).count();
            (0..YEARS).map(count).max().unwrap_or(0)
        };
        let lower = (0..most(true)).map(Work::Lower);
        let blocks = most(false).div_ceil(BLOCK);
        let upper = (0..blocks).flat_map(|block| (0..SUBJECTS).map(move |subject| Work::Upper { block, subject }));
        let posts = POSTS.iter().map(|(title, kind, role)| Work::Post(title, kind, role));
        let gone = std::iter::repeat_n(Work::Post("Substitute teacher", "substituteTeacher", "teacher"), 3);
        let works: Vec<(Work, bool)> =
            posts.chain(lower).chain(upper).map(|work| (work, false)).chain(gone.map(|work| (work, true))).collect();
        for (work, has_left) in works {
            let family = Family::random(random);
            let first = plan.years[0].first_day();
            let before = i64::from(random.below(15 * 52)).weeks();
            let begin = first.checked_sub(before).unwrap_or(first);
            employees.push(Employee {
                id: PersonId::generate(clock),
                name: Name::random(random, family),
                school,
                work,
                begin,
                end: has_left.then(|| plan.years[0].end()),
                part: if random.permille(150) { 8_000 } else { 10_000 },
            });
        }
    }
    employees
}

impl Employee {
    /// In the words of OneRoster.
    pub(super) fn role(&self) -> &'static str {
        match self.work {
            Work::Post(_, _, role) => role,
            _ => "teacher",
        }
    }
}

pub(super) async fn write(pen: &mut Pen<'_>, plan: &Plan) -> Result<()> {
    let clock = pen.tx.cx().clock();
    let row = |employee: &Employee| {
        let (title, kind) = match employee.work {
            Work::Post(title, kind, _) => (title, kind),
            _ => ("Teacher", "teacher"),
        };
        json!({ "id": StaffAssignmentId::generate(clock).uuid(), "person_id": employee.id.uuid(),
            "org_id": plan.schools[employee.school].id.uuid(), "position_title": title, "staff_classification": kind,
            "full_time_equivalency": employee.part, "begin_date": employee.begin, "end_date": employee.end })
    };
    let rows = plan.employees.iter().map(row).collect();
    pen.records("staff_assignments", &store::POSTS, rows).await
}
