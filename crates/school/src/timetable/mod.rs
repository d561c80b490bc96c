//! Timetables: when and where a class, a person or a room has meetings, in a week or on a day.
//!
//! A timetable is made of meetings and keeps nothing itself. On a day it follows the calendar: nothing is held without
//! instruction, a rotating timetable has the day that the calendar names, and a bell schedule moves the periods.

mod api;
mod store;

use cloister_ids::{ClassId, ClassPeriodId, MeetingId, PersonId, RoomId};
use cloister_tenancy::{Error, OpContext, Result, Tenancy};
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use api::routes;
pub(crate) use store::STATEMENTS;

use crate::{
    day_time::{DayOfWeek, DayTime},
    meeting::MEETING,
    scope::Sight,
};

/// A meeting of a timetable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Lesson {
    /// Which meeting.
    pub meeting_id: MeetingId,
    /// Of which class.
    pub class_id: ClassId,
    /// What the class is called.
    #[schema(example = "Algebra A")]
    pub class_title: String,
    /// On which day of the week, unless the timetable rotates.
    pub day_of_week: Option<DayOfWeek>,
    /// On which day of the rotating timetable.
    #[schema(example = "B")]
    pub cycle_day: Option<String>,
    /// In which period.
    pub class_period_id: ClassPeriodId,
    /// What the period is called.
    #[schema(example = "Period 3")]
    pub class_period_name: String,
    /// When it begins: on a day, as the bell schedule of the day says.
    pub start_time: DayTime,
    /// When it ends.
    pub end_time: DayTime,
    /// Where.
    pub room_id: Option<RoomId>,
    /// The number of the room.
    #[schema(example = "B 204")]
    pub room_number: Option<String>,
    /// Who teaches it; all teachers of the class where none is named.
    pub teacher_id: Option<PersonId>,
}

/// A timetable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Timetable {
    /// By day and time, at most 500.
    pub items: Vec<Lesson>,
}

/// Whose timetable.
#[derive(Debug, Clone, Copy)]
enum Of {
    Class(ClassId),
    Person(PersonId),
    Room(RoomId),
}

impl Of {
    /// The one that is named.
    fn one(class: Option<ClassId>, person: Option<PersonId>, room: Option<RoomId>) -> Result<Self> {
        match (class, person, room) {
            (Some(class), None, None) => Ok(Self::Class(class)),
            (None, Some(person), None) => Ok(Self::Person(person)),
            (None, None, Some(room)) => Ok(Self::Room(room)),
            _ => {
                let message = "Name one of class_id, person_id and room_id.";
                Err(Error::field("class_id", "one_of_three", message))
            }
        }
    }
}

/// A timetable as it is on a day: of the week around it, or of the day alone. One round trip.
async fn read(tenancy: &Tenancy, cx: &OpContext, of: Of, on: Date, day_only: bool) -> Result<Timetable> {
    let sight = Sight::of(cx, &MEETING)?;
    let items = match of {
        Of::Class(class) => store::of_class(tenancy, cx, class, on, day_only).await?,
        Of::Room(room) => store::of_room(tenancy, cx, room, on, day_only).await?,
        // Whose classes these are is told by places: nobody learns more of them than otherwise.
        Of::Person(person) => store::of_person(tenancy, cx, &sight.through_places(cx)?, person, on, day_only).await?,
    };
    Ok(Timetable { items })
}

fn sample() -> Timetable {
    Timetable {
        items: vec![Lesson {
            meeting_id: crate::sample_id(),
            class_id: crate::sample_id(),
            class_title: "Algebra A".to_owned(),
            day_of_week: Some(DayOfWeek::Monday),
            cycle_day: None,
            class_period_id: crate::sample_id(),
            class_period_name: "Period 3".to_owned(),
            start_time: DayTime::at(10, 15),
            end_time: DayTime::at(11, 0),
            room_id: Some(crate::sample_id()),
            room_number: Some("B 204".to_owned()),
            teacher_id: None,
        }],
    }
}
