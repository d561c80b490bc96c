//! Who is at the school, where and when: decided before anything is written.

use cloister_ids::{Clock, OrgId, PersonId};
use cloister_tenancy::{Error, Result};
use jiff::{ToSpan, civil::Date};

use super::{
    SchoolSettings,
    days::Year,
    families::{Household, households},
    staff::{Employee, employees},
};
use crate::sample::{
    names::{PLACE_ENDS, PLACES},
    person::Name,
    random::Random,
};

/// School years that a sample has.
pub(super) const YEARS: usize = 3;
/// Grades, from the first.
pub(super) const GRADES: usize = 12;
/// Students of a full section, and of a full school.
const SECTION: usize = 25;
const SCHOOL: usize = 1_500;

/// An organisation.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) id: OrgId,
    pub(super) name: String,
}

/// How a student left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exit {
    pub(super) year: usize,
    /// The first day on which they were no longer there.
    pub(super) date: Date,
    /// In the words of academic records.
    pub(super) result: &'static str,
}

/// A student, of today or of before.
#[derive(Debug)]
pub(super) struct Pupil {
    pub(super) id: PersonId,
    pub(super) name: Name,
    pub(super) household: usize,
    pub(super) school: usize,
    /// The grade in the last year; beyond the last grade for those who have graduated.
    pub(super) cohort: usize,
    pub(super) section: usize,
    pub(super) birth: Date,
    /// Their first day here.
    pub(super) begin: Date,
    /// Whether they went to another school before.
    pub(super) from_elsewhere: bool,
    pub(super) exit: Option<Exit>,
    /// Of a thousand days, so many are missed.
    pub(super) misses: u32,
}

impl Pupil {
    /// The grade in a year, if it is one of the school's.
    pub(super) fn grade(&self, year: usize) -> Option<usize> {
        grade(self.cohort, year)
    }

    pub(super) fn is_current(&self) -> bool {
        self.exit.is_none()
    }
}

/// The grade of a cohort in a year.
pub(super) fn grade(cohort: usize, year: usize) -> Option<usize> {
    (cohort + year + 1).checked_sub(YEARS).filter(|grade| (1..=GRADES).contains(grade))
}

/// That a student is in a section, from one day to the day before another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) pupil: usize,
    pub(super) section: SectionKey,
    pub(super) from: Date,
    pub(super) to: Date,
}

/// A section in a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SectionKey {
    pub(super) year: usize,
    pub(super) school: usize,
    pub(super) cohort: usize,
    pub(super) section: usize,
}

/// Everybody and everything of a sample school.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) today: Date,
    pub(super) district: Named,
    pub(super) schools: Vec<Named>,
    pub(super) years: Vec<Year>,
    pub(super) households: Vec<Household>,
    pub(super) pupils: Vec<Pupil>,
    pub(super) employees: Vec<Employee>,
    pub(super) places: Vec<Place>,
    /// On how many school days before today attendance was taken, if not on all.
    pub(super) attendance_days: Option<u32>,
    /// Students of a cohort of a school, by school and cohort.
    cohorts: Vec<Vec<usize>>,
}

impl Plan {
    pub(super) fn new(settings: &SchoolSettings, today: Date, clock: &dyn Clock) -> Result<Self> {
        let mut random = Random::new(settings.seed);
        let years = Year::all(settings, today, clock)?;
        let count = usize::try_from(settings.students).unwrap_or(usize::MAX);
        let (district, schools) = name_orgs(count.div_ceil(SCHOOL), &mut random, clock);
        let slots = slots(count, schools.len(), &mut random);
        let mut cohorts = vec![vec![0; GRADES + YEARS]; schools.len()];
        let (households, children) = households(slots.len(), &years, &mut random, clock);
        let mut pupils = Vec::with_capacity(slots.len());
        for ((household, name), slot) in children.into_iter().zip(slots) {
            let number = &mut cohorts[slot.school][slot.cohort];
            let mut pupil = pupil(&slot, household, name, &years, today, &mut random, clock)?;
            pupil.section = *number;
            *number += 1;
            pupils.push(pupil);
        }
        for pupil in &mut pupils {
            pupil.section %= cohorts[pupil.school][pupil.cohort].div_ceil(SECTION);
        }
        let mut plan = Self {
            seed: settings.seed,
            today,
            district,
            schools,
            years,
            households,
            pupils,
            employees: Vec::new(),
            places: Vec::new(),
            attendance_days: settings.attendance_days,
            cohorts,
        };
        plan.places = plan.all_places(&mut random)?;
        plan.employees = employees(&plan, &mut random, clock);
        Ok(plan)
    }

    /// Sections of a cohort.
    pub(super) fn sections(&self, school: usize, cohort: usize) -> usize {
        self.cohorts[school][cohort].div_ceil(SECTION)
    }

    /// All sections of a school in a year with their grades, from the lowest.
    pub(super) fn sections_in(&self, year: usize, school: usize) -> Vec<(SectionKey, usize)> {
        let mut sections = Vec::new();
        for cohort in 1..GRADES + YEARS {
            let Some(grade) = grade(cohort, year) else { continue };
            for section in 0..self.sections(school, cohort) {
                sections.push((SectionKey { year, school, cohort, section }, grade));
            }
        }
        sections
    }

    fn all_places(&self, random: &mut Random) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        for (number, pupil) in self.pupils.iter().enumerate() {
            for (at, year) in self.years.iter().enumerate() {
                if pupil.grade(at).is_none() || pupil.exit.is_some_and(|exit| exit.year < at) {
                    continue;
                }
                let from = year.first_day().max(pupil.begin);
                let to = pupil.exit.map_or(year.end(), |exit| exit.date.min(year.end()));
                if from >= to {
                    continue;
                }
                let sections = self.sections(pupil.school, pupil.cohort);
                let section = |section: usize| SectionKey {
                    year: at,
                    school: pupil.school,
                    cohort: pupil.cohort,
                    section: section % sections,
                };
                let here = Place { pupil: number, section: section(pupil.section), from, to };
                let weeks = i64::from(4 + random.below(28));
                let day = year.first_day().checked_add(weeks.weeks()).map_err(Error::internal)?;
                // A move ends one place and begins another: the first stays as it was.
                if random.permille(25) && sections > 1 && from < day && day < to {
                    places.push(Place { to: day, ..here });
                    places.push(Place { section: section(pupil.section + 1), from: day, ..here });
                } else {
                    places.push(here);
                }
            }
        }
        Ok(places)
    }
}

/// A school, a cohort, and whether whoever has it is still there.
#[derive(Debug, Clone, Copy)]
struct Slot {
    school: usize,
    cohort: usize,
    leaves: bool,
}

/// So many students of today, those who have graduated since the first year, and some who left before.
fn slots(count: usize, schools: usize, random: &mut Random) -> Vec<Slot> {
    let mut current: Vec<Slot> = (0..count)
        .map(|number| Slot { school: number % schools, cohort: 1 + (number / schools) % GRADES, leaves: false })
        .collect();
    random.shuffle(&mut current);
    let each = count.div_ceil(GRADES);
    let mut gone: Vec<Slot> = (GRADES + 1..GRADES + YEARS)
        .flat_map(|cohort| (0..each).map(move |number| Slot { school: number % schools, cohort, leaves: false }))
        .collect();
    gone.extend((0..count.div_ceil(30)).map(|number| {
        // Whoever left has been there in the first year.
        Slot { school: number % schools, cohort: YEARS + number % (GRADES - YEARS), leaves: true }
    }));
    // Brothers and sisters stand beside each other, and the first families are of today.
    for slot in gone {
        let first = current.len().min(12);
        let at = first + random.below(u32::try_from(current.len() - first + 1).unwrap_or(1)) as usize;
        if at == current.len() {
            current.push(slot);
        } else {
            let other = std::mem::replace(&mut current[at], slot);
            current.push(other);
        }
    }
    current
}

fn pupil(
    slot: &Slot,
    household: usize,
    name: Name,
    years: &[Year],
    today: Date,
    random: &mut Random,
    clock: &dyn Clock,
) -> Result<Pupil> {
    let last = &years[YEARS - 1];
    let cohort = i16::try_from(slot.cohort).unwrap_or(1);
    let born = Date::new(last.school_year - 7 - cohort, 9, 1).map_err(Error::internal)?;
    let birth = born.checked_add(i64::from(random.day()).days()).map_err(Error::internal)?;
    // The year of the first grade, among those of the sample or before them.
    let entered = YEARS.checked_sub(slot.cohort);
    let from_elsewhere = entered.is_none() && !slot.leaves && slot.cohort <= GRADES && random.permille(70);
    let begin = if from_elsewhere {
        let year = &years[1 + usize::from(random.small(2))];
        let weeks = if random.permille(600) { 0 } else { 3 + random.below(12) };
        let day = year.first_day().checked_add(i64::from(weeks).weeks()).map_err(Error::internal)?;
        day.min(today).max(year.first_day())
    } else if let Some(entered) = entered {
        years[entered].first_day()
    } else {
        Date::new(last.school_year - cohort, 8, 20).map_err(Error::internal)?
    };
    let exit = match slot.cohort.checked_sub(GRADES) {
        Some(ago @ 1..) => {
            let year = YEARS - 1 - ago;
            Some(Exit { year, date: years[year].end(), result: "graduated" })
        }
        _ if slot.leaves => {
            let year = usize::from(random.small(2));
            let day = years[year].first_day().checked_add(i64::from(5 + random.below(30)).weeks());
            let result = if random.permille(800) { "transferred" } else { "withdrawn" };
            Some(Exit { year, date: day.map_err(Error::internal)?, result })
        }
        _ => None,
    };
    let misses = match random.below(100) {
        0..70 => 15 + random.below(25),
        70..93 => 40 + random.below(40),
        _ => 100 + random.below(120),
    };
    let (school, cohort) = (slot.school, slot.cohort);
    let id = PersonId::generate(clock);
    Ok(Pupil { id, name, household, school, cohort, section: 0, birth, begin, from_elsewhere, exit, misses })
}

fn name_orgs(schools: usize, random: &mut Random, clock: &dyn Clock) -> (Named, Vec<Named>) {
    let mut places: Vec<String> =
        PLACES.iter().flat_map(|place| PLACE_ENDS.iter().map(move |end| format!("{place}{end}"))).collect();
    random.shuffle(&mut places);
    let named = |name: String| Named { id: OrgId::generate(clock), name };
    let district = named(format!("{} School District", places.pop().unwrap_or_default()));
    let schools = places.iter().cycle().take(schools.max(1)).map(|place| named(format!("{place} School"))).collect();
    (district, schools)
}
