//! Recipes for what is about incidents: who had a part in one, and names that are given once.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    answer::text,
    document::Operation,
    fill::{fill, new},
    recipe::{Ready, plain, prepare as ready_for, usual},
    town::Home,
    world::World,
};

/// What the operation needs, where it is one of these.
pub(crate) async fn prepare(world: &World, operation: &Arc<Operation>, home: &Home) -> Result<Option<Ready>, String> {
    if operation.id == "incident_letter_template_update" {
        let mut ready = usual(world, operation, home).await?;
        if let Some(body) = &mut ready.ask.body {
            body["name"] = json!(new("Notice", world.number()));
        }
        return Ok(Some(ready));
    }
    let mut ready = plain(world, operation, home, &home.things);
    let number = world.number();
    let Some(body) = &mut ready.ask.body else { return Ok(None) };
    match operation.id.as_str() {
        "behavior_code_create" => body["short_name"] = json!(new("FI", number)),
        "discipline_incident_create" => body["incident_identifier"] = json!(new("2025", number)),
        "incident_letter_template_create" => body["name"] = json!(new("Notice", number)),
        // A person has a part in an incident once.
        "incident_participant_create" => {
            let example = world.document.at("POST", "/api/v1/discipline_incidents");
            let example = example.and_then(|operation| operation.body.clone());
            let mut incident = fill(&example.unwrap_or_default(), &home.things, number);
            incident["incident_identifier"] = json!(new("2025", number));
            incident["participants"] = json!([]);
            let made = home.make(world, "/api/v1/discipline_incidents", incident).await?;
            body["incident_id"] = json!(text(&made, "id")?);
        }
        // Because of an incident that the student had a part in.
        "discipline_action_create" => {
            let part = make(world, home, "incident_participant_create").await?;
            body["incident_id"] = part["incident_id"].clone();
            body["student_id"] = part["person_id"].clone();
        }
        "incident_letter_create" => {
            body["participant_id"] = make(world, home, "incident_participant_create").await?["id"].clone();
            body["template_id"] = make(world, home, "incident_letter_template_create").await?["id"].clone();
        }
        _ => return Ok(None),
    }
    Ok(Some(ready))
}

async fn make(world: &World, home: &Home, id: &str) -> Result<Value, String> {
    let maker = world.document.operation(id).ok_or_else(|| format!("no {id}"))?;
    Ok(Box::pin(ready_for(world, maker, home)).await?.carry_out(world).await?.body)
}
