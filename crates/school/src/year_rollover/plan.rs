//! What happens to a student at the end of a school year: rules over what is known of them, and nothing else.

use std::collections::BTreeMap;

use cloister_http::words;
use cloister_ids::{OrgId, StudentSchoolAssociationId};
use jiff::civil::Date;

words! {
    /// What happens to a student.
    pub enum RolloverOutcome {
        /// The next grade.
        Promoted = "promoted",
        /// The same grade once more.
        Repeats = "repeats",
        /// The end of this school.
        Graduates = "graduates",
        /// Another school, or none that is known.
        Leaves = "leaves",
        /// It cannot be told; see the problem.
        Undecided = "undecided",
    }
}

/// What is known of a student.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) association_id: StudentSchoolAssociationId,
    pub(super) version: i64,
    pub(super) name_search: String,
    /// Of this year.
    pub(super) grade: Option<String>,
    /// Of the next, where it was said.
    pub(super) next_grade: Option<String>,
    pub(super) next_school: Option<OrgId>,
    /// An end that is entered and lies within the next year.
    pub(super) exit_date: Option<Date>,
    /// Where else they are when the next year begins, or will be later.
    pub(super) elsewhere: Vec<OrgId>,
}

/// What a plan goes by.
#[derive(Debug)]
pub(super) struct Rules<'a> {
    pub(super) school: OrgId,
    pub(super) next_grades: &'a BTreeMap<String, String>,
    pub(super) graduating: &'a [String],
    /// The first day after this year.
    pub(super) ends: Date,
    /// The first day of the next.
    pub(super) begins: Date,
}

/// What happens to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) outcome: RolloverOutcome,
    pub(super) next_grade: Option<String>,
    /// Where it is another school.
    pub(super) next_school: Option<OrgId>,
    pub(super) exit_date: Date,
    pub(super) problem: Option<&'static str>,
}

impl Rules<'_> {
    /// The day on which this year no longer counts for somebody: where another begins, its first.
    pub(super) fn exit_date(&self, outcome: RolloverOutcome, next_school: Option<OrgId>) -> Date {
        exit_date(outcome, next_school, (self.ends, self.begins))
    }

    pub(super) fn decide(&self, of: &Candidate) -> Decision {
        let decided = |outcome, next_grade: Option<String>, next_school: Option<OrgId>| {
            let goes_on = match outcome {
                RolloverOutcome::Promoted | RolloverOutcome::Repeats => Some(self.school),
                _ => next_school,
            };
            if goes_on.is_some_and(|school| of.elsewhere.contains(&school)) {
                return self.undecided("already_there");
            }
            let exit_date = self.exit_date(outcome, next_school);
            Decision { outcome, next_grade, next_school, exit_date, problem: None }
        };
        if of.exit_date.is_some() {
            return self.undecided("exit_planned");
        }
        if let Some(school) = of.next_school.filter(|school| *school != self.school) {
            let grade = of.next_grade.clone().or_else(|| of.grade.as_deref().and_then(|grade| self.next(grade)));
            return decided(RolloverOutcome::Leaves, grade, Some(school));
        }
        if let Some(next) = &of.next_grade {
            let repeats = of.grade.as_ref() == Some(next);
            let outcome = if repeats { RolloverOutcome::Repeats } else { RolloverOutcome::Promoted };
            return decided(outcome, Some(next.clone()), None);
        }
        let Some(grade) = &of.grade else { return self.undecided("grade_missing") };
        if self.graduating.contains(grade) {
            return decided(RolloverOutcome::Graduates, None, None);
        }
        match self.next(grade) {
            Some(next) if next == *grade => decided(RolloverOutcome::Repeats, Some(next), None),
            Some(next) => decided(RolloverOutcome::Promoted, Some(next), None),
            None => self.undecided("grade_unknown"),
        }
    }

    fn next(&self, grade: &str) -> Option<String> {
        self.next_grades.get(grade).cloned().or_else(|| usual_next(grade))
    }

    fn undecided(&self, problem: &'static str) -> Decision {
        let exit_date = self.begins;
        Decision {
            outcome: RolloverOutcome::Undecided,
            next_grade: None,
            next_school: None,
            exit_date,
            problem: Some(problem),
        }
    }
}

/// The same for what somebody decides by hand.
pub(super) fn exit_date(outcome: RolloverOutcome, next_school: Option<OrgId>, (ends, begins): (Date, Date)) -> Date {
    match (outcome, next_school) {
        (RolloverOutcome::Graduates, _) | (RolloverOutcome::Leaves, None) => ends,
        _ => begins,
    }
}

/// Years of school, by their number.
const LAST: u32 = 13;

fn number(grade: &str) -> Option<u32> {
    let digits = !grade.is_empty() && grade.len() <= 2 && grade.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| grade.parse().ok()).flatten().filter(|number| (1..=LAST).contains(number))
}

/// The grade that follows, in the usual order: PR, PK, KG, 01 to 13.
pub(super) fn usual_next(grade: &str) -> Option<String> {
    let word = match grade {
        "IT" => "PR",
        "PR" => "PK",
        "PK" | "TK" => "KG",
        "KG" => "01",
        _ => {
            let next = number(grade).filter(|number| *number < LAST)? + 1;
            // As they write them here.
            return Some(if grade.starts_with('0') || next > 9 { format!("{next:02}") } else { next.to_string() });
        }
    };
    Some(word.to_owned())
}

fn rank(grade: &str) -> Option<u32> {
    match grade {
        "IT" => Some(0),
        "PR" => Some(1),
        "PK" => Some(2),
        "TK" => Some(3),
        "KG" => Some(4),
        _ => number(grade).map(|number| 4 + number),
    }
}

/// The highest of the grades that somebody is in; none when none has a place in the usual order.
pub(super) fn highest(candidates: &[Candidate]) -> Option<String> {
    let grades = candidates.iter().filter_map(|one| one.grade.as_deref());
    grades.filter_map(|grade| Some((rank(grade)?, grade))).max().map(|(_, grade)| grade.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cloister_ids::{OrgId, StudentSchoolAssociationId, SystemClock};
    use jiff::civil::date;

    use super::{Candidate, RolloverOutcome, Rules, highest, usual_next};

    fn candidate(grade: Option<&str>) -> Candidate {
        Candidate {
            association_id: StudentSchoolAssociationId::generate(&SystemClock),
            version: 1,
            name_search: String::new(),
            grade: grade.map(str::to_owned),
            next_grade: None,
            next_school: None,
            exit_date: None,
            elsewhere: Vec::new(),
        }
    }

    #[test]
    fn grades_follow_each_other() {
        let next = |grade| usual_next(grade).unwrap_or_default();
        for (grade, expected) in [
            ("PR", "PK"),
            ("PK", "KG"),
            ("TK", "KG"),
            ("KG", "01"),
            ("01", "02"),
            ("09", "10"),
            ("1", "2"),
            ("9", "10"),
            ("12", "13"),
            ("13", ""),
            ("UG", ""),
            ("", ""),
            ("00", ""),
            ("99", ""),
            ("5b", ""),
        ] {
            assert_eq!(next(grade), expected, "{grade}");
        }
        let of = |grades: &[&str]| highest(&grades.iter().map(|grade| candidate(Some(grade))).collect::<Vec<_>>());
        assert_eq!(of(&["KG", "05", "10", "Year 9"]).as_deref(), Some("10"));
        assert_eq!(of(&["Year 9"]), None);
    }

    #[test]
    fn what_was_said_comes_before_the_usual() {
        let school = OrgId::generate(&SystemClock);
        let other = OrgId::generate(&SystemClock);
        let next_grades =
            BTreeMap::from([("04".to_owned(), "04".to_owned()), ("Year 9".to_owned(), "Year 10".to_owned())]);
        let graduating = ["06".to_owned()];
        let (ends, begins) = (date(2026, 7, 1), date(2026, 8, 15));
        let rules = Rules { school, next_grades: &next_grades, graduating: &graduating, ends, begins };
        let told = |of: &Candidate| {
            let decision = rules.decide(of);
            let grade = decision.next_grade.unwrap_or_default();
            (decision.outcome.word(), grade, decision.problem.unwrap_or_default(), decision.exit_date)
        };
        let expect = |outcome, grade: &str, problem, day| (outcome, grade.to_owned(), problem, day);
        fn plain(grade: &str) -> Candidate {
            candidate(Some(grade))
        }
        assert_eq!(told(&plain("05")), expect("promoted", "06", "", begins));
        assert_eq!(told(&plain("06")), expect("graduates", "", "", ends));
        assert_eq!(told(&plain("04")), expect("repeats", "04", "", begins));
        assert_eq!(told(&plain("Year 9")), expect("promoted", "Year 10", "", begins));
        assert_eq!(told(&plain("Year 8")), expect("undecided", "", "grade_unknown", begins));
        assert_eq!(told(&candidate(None)), expect("undecided", "", "grade_missing", begins));
        let said = |grade: &str, next: &str| Candidate { next_grade: Some(next.to_owned()), ..plain(grade) };
        assert_eq!(told(&said("05", "05")), expect("repeats", "05", "", begins));
        assert_eq!(told(&said("05", "07")), expect("promoted", "07", "", begins));
        assert_eq!(
            told(&said("06", "07")),
            expect("promoted", "07", "", begins),
            "no graduation against what was said"
        );
        let away = |of: Candidate| Candidate { next_school: Some(other), ..of };
        assert_eq!(told(&away(plain("05"))), expect("leaves", "06", "", begins));
        assert_eq!(told(&away(candidate(None))), expect("leaves", "", "", begins));
        let here = Candidate { next_school: Some(school), ..plain("05") };
        assert_eq!(told(&here), expect("promoted", "06", "", begins));
        let there = |of: Candidate, school| Candidate { elsewhere: vec![school], ..of };
        assert_eq!(told(&there(away(plain("05")), other)), expect("undecided", "", "already_there", begins));
        assert_eq!(told(&there(plain("05"), school)), expect("undecided", "", "already_there", begins));
        assert_eq!(told(&there(plain("05"), other)), expect("promoted", "06", "", begins));
        assert_eq!(told(&there(plain("06"), school)), expect("graduates", "", "", ends));
        let planned = Candidate { exit_date: Some(date(2026, 12, 1)), ..plain("05") };
        assert_eq!(told(&planned), expect("undecided", "", "exit_planned", begins));
        assert_eq!(rules.exit_date(RolloverOutcome::Leaves, None), ends);
    }
}
