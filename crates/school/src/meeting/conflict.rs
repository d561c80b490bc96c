//! Conflicts: meetings at the same time of the same class, in the same room, or with the same teacher.
//!
//! Two meetings are at the same time when they are on the same day of the week, or of the rotating timetable, their periods
//! overlap by their usual times, and both are in force on some day: between their own dates, and in a term of their class. Who
//! teaches is whom the meeting names, or else all who have a place as teacher in the class.

use cloister_http::words;
use cloister_ids::MeetingId;
use serde::Serialize;
use utoipa::ToSchema;

words! {
    /// What two meetings share at the same time.
    pub enum ConflictKind {
        /// The same class would be in two places.
        Class = "class",
        /// Two classes would be in one room.
        Room = "room",
        /// The same teacher would be in two places.
        Teacher = "teacher",
    }
}

/// A meeting that another one stands against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Conflict {
    /// What they share.
    pub kind: ConflictKind,
    /// Which meeting.
    pub meeting_id: MeetingId,
}

/// A meeting, and what stands against it. Each conflict is told once: with the older of the two, or where that one is of another
/// school than the one that is asked for, with the younger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MeetingConflicts {
    /// Which meeting.
    pub meeting_id: MeetingId,
    /// What stands against it.
    pub conflicts: Vec<Conflict>,
}

/// For examples in the API document.
pub(crate) fn sample() -> Conflict {
    Conflict { kind: ConflictKind::Room, meeting_id: crate::sample_id() }
}

/// For examples in the API document.
pub(crate) fn page_sample() -> MeetingConflicts {
    MeetingConflicts { meeting_id: crate::sample_id(), conflicts: vec![sample()] }
}
