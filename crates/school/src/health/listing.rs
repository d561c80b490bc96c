//! Lists of health records: which, and in which order.

use cloister_http::Sort;
use cloister_ids::PersonId;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    listing::{Key, Order, StatusFilter},
    rules::plausible,
};

/// Which health records. What is sealed cannot be asked for.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HealthFilter {
    #[garde(skip)]
    #[param(ignore)]
    pub(crate) status: Option<StatusFilter>,
    /// Only those of this student.
    #[garde(skip)]
    pub(crate) student_id: Option<PersonId>,
    /// Only those of this day or later.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2025-09-01")]
    pub(crate) from: Option<Date>,
    /// Only those of before this day.
    #[garde(inner(custom(plausible)))]
    #[param(example = "2026-07-01")]
    pub(crate) until: Option<Date>,
}

/// The orders of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) enum HealthSort {
    Date,
    DateLastModified,
}

impl Sort for HealthSort {
    const ORDERS: &'static [(&'static str, Self)] =
        &[("date", Self::Date), ("date_last_modified", Self::DateLastModified)];
}

impl Order for HealthSort {
    fn key(self) -> Key {
        match self {
            Self::Date => Key::DATE,
            Self::DateLastModified => Key::TIME,
        }
    }
}

/// The order, for the API document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`; this is its description")]
pub(crate) struct HealthOrder {
    /// `date` (as usual: the day that the record is about) or `date_last_modified`; with `-` in front from the last to the first.
    #[param(pattern = "^-?(date|date_last_modified)$", example = "-date")]
    sort: Option<String>,
}
