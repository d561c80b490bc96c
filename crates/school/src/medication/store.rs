//! All SQL about medications: what every table of health records has.

use crate::health::health_table;

health_table!("medication", "begin_date", "begin_date, end_date", "$8, $9", "begin_date = $7, end_date = $8");
