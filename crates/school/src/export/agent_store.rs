//! The one statement that says who acts for whom, for `agentSourcedIds` of `users.csv`.

use std::collections::HashMap;

use cloister_ids::PersonId;
use cloister_tenancy::{Result, TenantSnapshot, sql::statements};
use jiff::civil::Date;

use crate::scope_store::acts;

statements! {
    /// Those who act for these persons on the day `$3` and are in the package themselves. Whoever takes the package may show an
    /// agent all of the child's data, so nobody is named whom this school would not show it.
    AGENTS = concat!(
        "select a.student_id, g.sourced_id from contact a
        join person g on g.tenant_id = $1 and g.id = a.contact_id and g.status = 'active'
        where a.tenant_id = $1 and a.student_id = any($2) and ", acts!("$3")
    );
}

/// For each of these persons who has any, the `sourced_id` of those who act for them on this day.
pub(super) async fn agents(
    snapshot: &mut TenantSnapshot,
    persons: &[PersonId],
    on: Date,
) -> Result<HashMap<PersonId, Vec<String>>> {
    let mut agents: HashMap<PersonId, Vec<String>> = HashMap::new();
    for row in snapshot.query(&AGENTS, &[&persons, &on]).await? {
        agents.entry(row.get("student_id")).or_default().push(row.get("sourced_id"));
    }
    Ok(agents)
}
