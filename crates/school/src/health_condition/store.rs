//! All SQL about health conditions: what every table of health records has.

use crate::health::health_table;

health_table!(
    "health_condition",
    "recorded_date",
    "recorded_date, end_date, alert",
    "$8, $9, $10",
    "recorded_date = $7, end_date = $8, alert = $9"
);
