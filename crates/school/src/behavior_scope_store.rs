//! What is within a scope of incidents, as parts of statements. `$account` is the reader's account, `$on` the day, `$scopes` the
//! scopes.
//!
//! A teacher sees the part that students taught have in incidents, and all of the incidents that they reported themselves.
//! Whoever acts for a student, and the student, see the student's own part, what the school did about it, and approved letters;
//! nothing of anybody else who was in it. Of a confidential incident, and of one that was deleted, nothing is within any scope.

/// An incident of which one may hear.
macro_rules! in_the_open {
    ($incident:literal) => {
        concat!(
            "exists (select from discipline_incident o where o.tenant_id = $1 and o.id = ",
            $incident,
            " and o.status = 'active' and not o.confidential)"
        )
    };
}

/// Of each incident that the reader reported: `id`.
macro_rules! reported {
    ($account:literal, $scopes:literal) => {
        concat!(
            "select r.id from person me join discipline_incident r on r.tenant_id = $1 and r.reporter_id = me.id
                and r.status = 'active' and not r.confidential where ",
            $crate::scope_store::reader!($account),
            " and 'own_classes' = any(",
            $scopes,
            "::text[])"
        )
    };
}

/// Of each incident within the scopes: `id`. Some come twice.
macro_rules! incidents_within {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            $crate::behavior_scope_store::reported!($account, $scopes),
            " union all select q.incident_id from (",
            $crate::scope_store::students_taught!($account, $on, $scopes),
            ") taught join incident_participant q on q.tenant_id = $1 and q.person_id = taught.id and q.status = 'active' and ",
            $crate::behavior_scope_store::in_the_open!("q.incident_id")
        )
    };
}

/// Of each participant within the scopes: `id`. Some come twice.
macro_rules! participants_within {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            "select q.id from (",
            $crate::scope_store::students_within!($account, $on, $scopes),
            ") whose join person p on p.tenant_id = $1 and p.id = whose.id and p.status = 'active'
            join incident_participant q on q.tenant_id = $1 and q.person_id = whose.id and ",
            $crate::behavior_scope_store::in_the_open!("q.incident_id"),
            " union all select q.id from (",
            $crate::behavior_scope_store::reported!($account, $scopes),
            ") own join incident_participant q on q.tenant_id = $1 and q.incident_id = own.id"
        )
    };
}

/// Of each action within the scopes: `id`. Some come twice.
macro_rules! actions_within {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            "select d.id from (",
            $crate::scope_store::students_within!($account, $on, $scopes),
            ") whose join person p on p.tenant_id = $1 and p.id = whose.id and p.status = 'active'
            join discipline_action d on d.tenant_id = $1 and d.student_id = whose.id and (d.incident_id is null or ",
            $crate::behavior_scope_store::in_the_open!("d.incident_id"),
            ")"
        )
    };
}

/// Of each follow-up that is the reader's own to do: `id`.
macro_rules! follow_ups_within {
    ($account:literal, $scopes:literal) => {
        concat!(
            "select f.id from person me join incident_follow_up f on f.tenant_id = $1 and f.assigned_to_id = me.id and ",
            $crate::behavior_scope_store::in_the_open!("f.incident_id"),
            " where ",
            $crate::scope_store::reader!($account),
            " and 'self' = any(",
            $scopes,
            "::text[])"
        )
    };
}

/// Of each approved letter about a student for whom the reader acts: `id`. Some come twice.
macro_rules! letters_within {
    ($account:literal, $on:literal, $scopes:literal) => {
        concat!(
            "select l.id",
            $crate::scope_store::acting!(
                $account,
                $on,
                $scopes,
                concat!(
                    " join incident_letter l on l.tenant_id = $1 and l.student_id = a.student_id and l.state = 'approved' and ",
                    $crate::behavior_scope_store::in_the_open!("l.incident_id")
                )
            )
        )
    };
}

pub(crate) use {
    actions_within, follow_ups_within, in_the_open, incidents_within, letters_within, participants_within, reported,
};
