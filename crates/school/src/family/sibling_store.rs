//! All SQL about siblings. They are found from the person on, by the families and contacts they have, of which there are few.

use cloister_ids::PersonId;
use cloister_tenancy::{
    OpContext, Result, Tenancy,
    sql::{Parameters, Row, statements},
};

use super::sibling::Siblings;
use crate::{
    person::relation,
    record::found,
    scope::{Sight, Within, today},
    scope_store::{in_force, one_within, persons_within},
};

/// Students other than `$2` that share a family with them, or a parent, stepparent or guardian on the day.
macro_rules! siblings {
    ($on:literal, $reach:expr) => {
        concat!(
            "select p.id, p.sourced_id, p.status, p.given_name, p.family_name, p.email, p.sms, p.phone
             from person p where p.tenant_id = $1 and p.status = 'active' and p.id <> $2 and p.id = any(array(
                select o.person_id from family_member m
                    join family f on f.tenant_id = $1 and f.id = m.family_id and f.status = 'active'
                    join family_member o on o.tenant_id = $1 and o.family_id = m.family_id
                    where m.tenant_id = $1 and m.person_id = $2
                union
                select o.student_id from contact c
                    join contact o on o.tenant_id = $1 and o.contact_id = c.contact_id and ",
            in_force!("o", $on),
            " and o.relation in ('parent', 'mother', 'father', 'guardian', 'stepparent')
                    where c.tenant_id = $1 and c.student_id = $2 and ",
            in_force!("c", $on),
            " and c.relation in ('parent', 'mother', 'father', 'guardian', 'stepparent')))
             and exists (select from person_role r where r.tenant_id = $1 and r.person_id = p.id and r.role = 'student'
                and r.status = 'active')",
            $reach,
            " order by p.name_search, p.id limit 100"
        )
    };
}

statements! {
    /// Whether somebody is there, and in which version.
    VERSION = "select version from person where tenant_id = $1 and id = $2";
    /// The same within scopes.
    VERSION_WITHIN = concat!(
        "select version from person where tenant_id = $1 and id = $2",
        one_within!(persons_within!("$3", "$4", "$5"))
    );
    /// Their siblings.
    SIBLINGS = siblings!("$3", "");
    /// Those of them within scopes, of somebody within scopes.
    SIBLINGS_WITHIN = siblings!("$4", concat!(
        " and p.id = any(array(", persons_within!("$3", "$4", "$5"), "))
          and exists (select from (", persons_within!("$3", "$4", "$5"), ") reach where reach.id = $2)"
    ));
}

pub(super) async fn siblings(tenancy: &Tenancy, cx: &OpContext, sight: &Sight, id: PersonId) -> Result<Siblings> {
    let rows: Vec<Vec<Row>> = match sight {
        Sight::All => tenancy.fetch_all(cx, &[(&VERSION, &[&id]), (&SIBLINGS, &[&id, &today(cx)])]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            let one: &Parameters<'_> = &[&id, account, on, scopes];
            tenancy.fetch_all(cx, &[(&VERSION_WITHIN, one), (&SIBLINGS_WITHIN, one)]).await?
        }
    };
    Ok(Siblings {
        version: found(&rows[0])?.get("version"),
        siblings: rows[1].iter().map(relation).collect::<Result<_>>()?,
    })
}
