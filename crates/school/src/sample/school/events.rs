//! Attendance events on their way to the table: as columns, because there are so many.

use cloister_ids::{AttendanceEventId, OrgId, PersonId, Uuid};
use cloister_tenancy::{Result, sql::Parameters};
use jiff::{
    Timestamp,
    civil::{Date, Time},
};

use super::{pen::Pen, store};

/// Events that go to the server at once.
const CHUNK: usize = 5_000;

/// An event.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) id: Uuid,
    pub(super) at: Timestamp,
    pub(super) student: Uuid,
    pub(super) school: Uuid,
    pub(super) date: Date,
    pub(super) class: Option<Uuid>,
    pub(super) period: Option<Uuid>,
    pub(super) code: Uuid,
    pub(super) arrival: Option<Time>,
    pub(super) reason: Option<String>,
    pub(super) register: Option<Uuid>,
    pub(super) request: Option<Uuid>,
    pub(super) supersedes: Option<Uuid>,
    pub(super) superseded: Option<Timestamp>,
}

impl Event {
    /// Of a whole day.
    pub(super) fn new(
        id: AttendanceEventId,
        at: Timestamp,
        student: PersonId,
        school: OrgId,
        date: Date,
        code: Uuid,
    ) -> Self {
        Self {
            id: id.uuid(),
            at,
            student: student.uuid(),
            school: school.uuid(),
            date,
            class: None,
            period: None,
            code,
            arrival: None,
            reason: None,
            register: None,
            request: None,
            supersedes: None,
            superseded: None,
        }
    }
}

/// Events that wait.
#[derive(Debug, Default)]
pub(super) struct Events(Vec<Event>);

impl Events {
    pub(super) fn push(&mut self, event: Event) {
        self.0.push(event);
    }

    /// Writes all of them.
    pub(super) async fn write(self, pen: &mut Pen<'_>) -> Result<()> {
        for chunk in self.0.chunks(CHUNK) {
            let ids = column(chunk, |event| event.id);
            let times = column(chunk, |event| event.at);
            let students = column(chunk, |event| event.student);
            let schools = column(chunk, |event| event.school);
            let dates = column(chunk, |event| event.date);
            let classes = column(chunk, |event| event.class);
            let periods = column(chunk, |event| event.period);
            let codes = column(chunk, |event| event.code);
            let arrivals = column(chunk, |event| event.arrival);
            let reasons = column(chunk, |event| event.reason.as_deref());
            let registers = column(chunk, |event| event.register);
            let requests = column(chunk, |event| event.request);
            let corrected = column(chunk, |event| event.supersedes);
            let superseded = column(chunk, |event| event.superseded);
            let (source, by) = (pen.source, pen.by.clone());
            let columns: &Parameters<'_> = &[
                &source,
                &by,
                &ids,
                &times,
                &students,
                &schools,
                &dates,
                &classes,
                &periods,
                &codes,
                &arrivals,
                &reasons,
                &registers,
                &requests,
                &corrected,
                &superseded,
            ];
            pen.tx.query(&store::EVENTS, columns).await?;
            pen.count("attendance_events", chunk.len());
        }
        Ok(())
    }
}

fn column<'a, T>(events: &'a [Event], of: impl Fn(&'a Event) -> T) -> Vec<T> {
    events.iter().map(of).collect()
}
