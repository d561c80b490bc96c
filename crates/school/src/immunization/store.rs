//! All SQL about immunizations: what every table of health records has.

use crate::health::health_table;

health_table!("immunization", "date", "date", "$8", "date = $7");
