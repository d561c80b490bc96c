//! How far a reader sees attendance: everything, or what is within scopes of their own, those of a family apart from those of
//! a teacher.

use cloister_ids::AccountId;
use cloister_tenancy::{OpContext, Result};
use jiff::civil::Date;

use super::ATTENDANCE_EVENT;
use crate::{
    scope::{Sight, Within},
    scopes::OWN_CLASSES,
};

/// How far a reader sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AttendanceSight {
    /// All there is.
    All,
    /// What is within.
    Within(AttendanceWithin),
}

/// What the statements of a narrowed read are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttendanceWithin {
    /// Who reads.
    pub(crate) account: Option<AccountId>,
    /// The day on which places must count.
    pub(crate) on: Date,
    /// The scopes in which one sees everything of a student.
    pub(crate) family: Vec<&'static str>,
    /// The scope in which one sees the day, and what was said in own classes.
    pub(crate) teaching: Vec<&'static str>,
}

impl AttendanceSight {
    /// The first statement of a read.
    pub(crate) fn of(cx: &OpContext) -> Result<Self> {
        Ok(match Sight::of(cx, &ATTENDANCE_EVENT)? {
            Sight::All => Self::All,
            Sight::Within(Within { account, on, scopes, .. }) => {
                let (teaching, family) = scopes.into_iter().partition(|scope| *scope == OWN_CLASSES);
                Self::Within(AttendanceWithin { account, on, family, teaching })
            }
        })
    }
}
