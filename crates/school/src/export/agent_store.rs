//! The one statement that says who acts for whom, for `agentSourcedIds` of `users.csv`.

use std::collections::HashMap;

use cloister_ids::PersonId;
use cloister_tenancy::{Result, TenantSnapshot, sql::statements};

statements! {
    /// Those who act for these persons and are in the package themselves.
    AGENTS = "select a.person_id, g.sourced_id from person_agent a
        join person g on g.tenant_id = $1 and g.id = a.agent_id and g.status = 'active'
        where a.tenant_id = $1 and a.person_id = any($2)";
}

/// For each of these persons who has any, the `sourced_id` of those who act for them.
pub(super) async fn agents(
    snapshot: &mut TenantSnapshot,
    persons: &[PersonId],
) -> Result<HashMap<PersonId, Vec<String>>> {
    let mut agents: HashMap<PersonId, Vec<String>> = HashMap::new();
    for row in snapshot.query(&AGENTS, &[&persons]).await? {
        agents.entry(row.get("person_id")).or_default().push(row.get("sourced_id"));
    }
    Ok(agents)
}
