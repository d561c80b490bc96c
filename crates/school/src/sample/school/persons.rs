//! Everybody as a person: names, addresses, roles and demographics.

use std::collections::{BTreeMap, HashMap};

use cloister_ids::{PersonId, RoleId};
use cloister_tenancy::Result;
use serde_json::{Value, json};

use super::{
    Somebody,
    families::{Adult, Custody},
    pen::Pen,
    plan::{GRADES, Plan},
    staff::Work,
    store,
};
use crate::{
    sample::{names::BIRTHPLACES, person::Name, random::Random},
    search_key,
};

/// The grade from which students have accounts of their own.
const UPPER: usize = 9;

impl Plan {
    /// Some of those who could sign in, by what they are.
    pub(super) fn people(&self) -> BTreeMap<&'static str, Somebody> {
        let current =
            |household: usize| self.pupils.iter().filter(|p| p.household == household && p.is_current()).count();
        let family = |custody: Custody, children: usize| {
            let mut all = self.households.iter().enumerate();
            all.find(|(at, one)| one.custody == custody && current(*at) >= children).map(|(_, one)| one)
        };
        let works =
            |is: &dyn Fn(Work) -> bool| self.employees.iter().find(|one| is(one.work)).map(|one| (one.id, one.name));
        let adult = |adult: &Adult| (adult.id, adult.name);
        let teacher = works(&|work| matches!(work, Work::Upper { .. }));
        let student = self.pupils.iter().find(|p| p.is_current() && (UPPER..=GRADES).contains(&p.cohort));
        let student = student.or_else(|| self.pupils.iter().find(|p| p.is_current()));
        let guardian = family(Custody::Together, 2).or_else(|| family(Custody::Together, 1));
        let found = [
            ("principal", works(&|work| matches!(work, Work::Post(_, "principal", _)))),
            ("staff", works(&|work| matches!(work, Work::Post(_, "officeStaff", _)))),
            ("teacher", teacher.or_else(|| works(&|work| matches!(work, Work::Lower(_))))),
            ("guardian", guardian.map(|one| adult(&one.adults[0]))),
            ("restricted", family(Custody::Restricted, 1).map(|one| adult(&one.adults[1]))),
            ("student", student.map(|one| (one.id, one.name))),
        ];
        let somebody =
            |(id, name): (PersonId, Name)| Somebody { id, name: format!("{} {}", name.given(), name.family()) };
        found.into_iter().filter_map(|(what, who)| Some((what, somebody(who?)))).collect()
    }
}

/// What differs between students, adults and staff.
struct Contactable<'a> {
    id: PersonId,
    name: Name,
    domain: &'a str,
    phone: Option<&'a str>,
    identifier: Option<String>,
    grades: Vec<String>,
    school: Option<usize>,
    enabled: bool,
}

pub(super) async fn write(pen: &mut Pen<'_>, plan: &Plan) -> Result<()> {
    let clock = pen.tx.cx().clock();
    let mut random = Random::new(plan.seed ^ 0x7065_7273);
    let (mut persons, mut roles, mut facts) = (Vec::new(), Vec::new(), Vec::new());
    let mut role = |person: PersonId, school: usize, role: &str, begin: Value, end: Value| {
        let id = RoleId::generate(clock);
        roles.push(json!({ "id": id.uuid(), "sourced_id": id.to_string(), "person_id": person.uuid(),
            "org_id": plan.schools[school].id.uuid(), "role": role, "role_type": "primary", "begin_date": begin,
            "end_date": end }));
    };
    let mut number = 0;
    let mut person = |of: Contactable<'_>| {
        number += 1;
        let (given, family) = (of.name.given(), of.name.family());
        let (name_search, given_search) = search_key::of_person(given, &family);
        let username = of.name.username(number);
        let middle = Some(of.name.middle()).filter(|middle| !middle.is_empty());
        persons.push(json!({ "id": of.id.uuid(), "sourced_id": of.id.to_string(),
            "username": username, "enabled_user": of.enabled, "given_name": given, "middle_name": middle, "family_name": family,
            "name_search": name_search, "given_search": given_search, "identifier": of.identifier,
            "email": format!("{username}@{}.example", of.domain), "sms": of.phone, "phone": of.phone, "user_ids": [],
            "primary_org_id": of.school.map(|school| plan.schools[school].id.uuid()), "grades": of.grades }));
    };
    for (at, pupil) in plan.pupils.iter().enumerate() {
        let last_year = pupil.exit.map_or(super::plan::YEARS - 1, |exit| exit.year);
        let grades = pupil.grade(last_year).map(|grade| format!("{grade:02}")).into_iter().collect();
        person(Contactable {
            id: pupil.id,
            name: pupil.name,
            domain: "students",
            phone: None,
            identifier: Some(format!("{:06}", 100_000 + at)),
            grades,
            school: Some(pupil.school),
            enabled: pupil.is_current(),
        });
        role(pupil.id, pupil.school, "student", json!(pupil.begin), json!(pupil.exit.map(|exit| exit.date)));
        let home = random.permille(850);
        let (city, state, country) = if home { BIRTHPLACES[at % 8] } else { *random.pick(BIRTHPLACES) };
        let state = Some(state).filter(|state| !state.is_empty());
        facts.push(json!({ "person_id": pupil.id.uuid(), "birth_date": pupil.birth, "sex": pupil.name.gender.sex(),
            "country": country, "state": state, "city": city }));
    }
    let school_of: HashMap<usize, usize> = plan.pupils.iter().map(|pupil| (pupil.household, pupil.school)).collect();
    for (at, household) in plan.households.iter().enumerate() {
        let school = school_of.get(&at).copied().unwrap_or_default();
        let parents = household.adults.iter().enumerate();
        for (place, adult) in parents.chain(household.grandparent.iter().map(|adult| (9, adult))) {
            let what = match (household.custody, place) {
                (_, 9) => "relative",
                (Custody::Foster, 0 | 1) | (Custody::Former, 1) => "guardian",
                _ => "parent",
            };
            let phone = Some(adult.phone.as_str());
            let (id, name) = (adult.id, adult.name);
            let (identifier, grades, enabled) = (None, Vec::new(), true);
            person(Contactable { id, name, domain: "home", phone, identifier, grades, school: None, enabled });
            role(id, school, what, Value::Null, Value::Null);
        }
    }
    for (at, employee) in plan.employees.iter().enumerate() {
        person(Contactable {
            id: employee.id,
            name: employee.name,
            domain: "staff",
            phone: None,
            identifier: Some(format!("S{:04}", 1 + at)),
            grades: Vec::new(),
            school: Some(employee.school),
            enabled: employee.end.is_none(),
        });
        role(employee.id, employee.school, employee.role(), json!(employee.begin), json!(employee.end));
    }
    pen.records("persons", &store::PERSONS, persons).await?;
    pen.records("person_roles", &store::ROLES, roles).await?;
    pen.records("demographics", &store::DEMOGRAPHICS, facts).await
}
