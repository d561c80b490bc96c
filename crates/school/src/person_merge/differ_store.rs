//! What a merge must not decide: contacts with the same person that say different things, and places in a class of which
//! each has days that the other has not.

use cloister_tenancy::sql::statements;

use super::move_store::{covers, covers_place, overlap};

/// Contacts of the merged person, `$2`, with somebody who is another contact of the one who stays, `$3`, in another way. Two
/// that are both deleted say nothing.
macro_rules! differ {
    ($own:literal, $other:literal) => {
        concat!(
            "exists (select from contact a join contact k on k.tenant_id = $1 and k.",
            $own,
            " = $3 and k.",
            $other,
            " = a.",
            $other,
            " where a.tenant_id = $1 and a.",
            $own,
            " = $2 and 'active' in (a.status, k.status)
                and (k.status, k.custody, k.child_data_access, k.court_order_document_id,
                    k.contact_restrictions, k.begin_date, k.end_date,
                    k.legal_guardian, k.lives_with, k.primary_contact, k.emergency_contact, k.contact_priority,
                    k.contact_by_call, k.contact_by_sms, k.contact_by_email, k.contact_by_mail)
                is distinct from
                    (a.status, a.custody, a.child_data_access, a.court_order_document_id,
                    a.contact_restrictions, a.begin_date, a.end_date,
                    a.legal_guardian, a.lives_with, a.primary_contact, a.emergency_contact, a.contact_priority,
                    a.contact_by_call, a.contact_by_sms, a.contact_by_email, a.contact_by_mail))"
        )
    };
}

statements! {
    /// Whether the two disagree about somebody.
    CONTACTS_DIFFER = concat!(
        "select ", differ!("student_id", "contact_id"), " or ", differ!("contact_id", "student_id"), " as differ"
    );
    /// Whether a place of `$2` shares days with a like place of `$3`, and has others that no such place has.
    PLACES_DIFFER = concat!(
        "select exists (select from enrollment t join enrollment k on k.tenant_id = $1 and k.person_id = $3
            and k.status = 'active' and k.class_id = t.class_id and k.role = t.role and ", overlap!(),
        " where t.tenant_id = $1 and t.person_id = $2 and t.status = 'active' and not ", covers_place!("$3"), ") as differ"
    );
}
