//! All SQL about health visits: what every table of health records has.

use crate::health::health_table;

health_table!("health_visit", "date", "date", "$8", "date = $7");
