//! A few fields of the school's own, and what is in them.

use std::collections::HashMap;

use cloister_ids::{CustomFieldId, Uuid};
use cloister_tenancy::Result;
use serde_json::json;

use super::{pen::Pen, plan::Plan, store};
use crate::{sample::random::Random, search_key};

const BUS: &str = "bus_line";
const LOCKER: &str = "locker";
const PHOTOS: &str = "photo_permission";
const LINES: [&str; 5] = ["North", "South", "Lake", "Station", "Hill"];

pub(super) async fn write(pen: &mut Pen<'_>, plan: &Plan) -> Result<()> {
    let clock = pen.tx.cx().clock();
    let fields = [
        (BUS, "Bus line", "choice", true),
        (LOCKER, "Locker", "text", true),
        (PHOTOS, "May be photographed", "boolean", false),
    ];
    let rows = fields.iter().map(|(name, title, kind, searchable)| {
        json!({ "id": CustomFieldId::generate(clock).uuid(), "resource": "person", "name": name, "title": title,
            "title_search": search_key::of(title), "type": kind,
            "choices": if *kind == "choice" { &LINES[..] } else { &[] }, "required": false, "searchable": searchable })
    });
    let rows = rows.collect();
    pen.records("custom_fields", &store::CUSTOM_FIELDS, rows).await?;
    let names: Vec<&str> = fields.iter().map(|(name, ..)| *name).collect();
    let kinds: Vec<&str> = fields.iter().map(|(_, _, kind, _)| *kind).collect();
    let there = pen.tx.query(&store::CUSTOM_FIELDS_THERE, &[&names, &kinds]).await?;
    let there: HashMap<String, Uuid> = there.iter().map(|row| (row.get("name"), row.get("id"))).collect();
    let mut random = Random::new(plan.seed ^ 0x6375_7374);
    let mut values = Vec::new();
    for (at, pupil) in plan.pupils.iter().enumerate() {
        let person = pupil.id.uuid();
        let mut text = |field: &str, text: &str| {
            let Some(id) = there.get(field) else { return };
            values.push(json!({ "custom_field_id": id, "person_id": person, "text_value": text,
                "value_search": search_key::of(text) }));
        };
        if random.permille(500) {
            text(BUS, random.pick::<&str>(&LINES));
        }
        text(LOCKER, &format!("{}-{:03}", char::from(b'A' + random.small(6)), 1 + at % 999));
        if let Some(id) = there.get(PHOTOS) {
            values.push(json!({ "custom_field_id": id, "person_id": person, "boolean_value": random.permille(900) }));
        }
    }
    let count = values.len();
    pen.parts(&store::CUSTOM_VALUES, values).await?;
    pen.count("custom_values", count);
    Ok(())
}
