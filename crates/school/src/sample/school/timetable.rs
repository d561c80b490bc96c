//! When and where each class meets. No class, room or teacher is in two places at once: a section has its own room and meets one
//! subject in a period, a lower section has a teacher of its own, and the sections of a block have a subject in different periods.

use cloister_ids::MeetingId;
use cloister_tenancy::Result;
use serde_json::json;

use super::{
    calendar::House,
    classes::{Class, Topic},
    pen::Pen,
    store,
};

/// Days of the week on which subjects meet, by their place; a choice comes last.
const LOWER_DAYS: [&[u8]; 5] = [&[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5], &[1, 3, 5], &[2, 4], &[1, 3, 5]];
const UPPER_DAYS: [&[u8]; 7] =
    [&[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5], &[1, 2, 4, 5], &[1, 3, 5], &[1, 2, 3, 4], &[2, 4], &[3, 5]];
const EVERY_DAY: &[u8] = &[1, 2, 3, 4, 5];

/// On which days of the week a class meets.
pub(super) fn days(class: &Class) -> &'static [u8] {
    match class.topic {
        Topic::Homeroom => EVERY_DAY,
        Topic::Core(place, _) if class.is_lower => LOWER_DAYS.get(place).copied().unwrap_or(EVERY_DAY),
        Topic::Core(place, _) => UPPER_DAYS.get(place).copied().unwrap_or(EVERY_DAY),
        Topic::Elective(..) => UPPER_DAYS[6],
    }
}

pub(super) async fn write(pen: &mut Pen<'_>, houses: &[House], classes: &[Class]) -> Result<()> {
    let clock = pen.tx.cx().clock();
    let mut rows = Vec::new();
    for class in classes {
        let house = &houses[class.section.school];
        let period = house.periods[class.topic.period(class.is_lower, class.place)];
        let room = house.rooms.get(class.room).map(|(id, _)| id.uuid());
        rows.extend(days(class).iter().map(|day| {
            json!({ "id": MeetingId::generate(clock).uuid(), "class_id": class.id.uuid(), "class_period_id": period.uuid(),
                "day_of_week": day, "room_id": room, "begin_date": class.begin, "end_date": class.end })
        }));
    }
    pen.records("meetings", &store::MEETINGS, rows).await
}
