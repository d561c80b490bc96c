//! All SQL about demographics.

use cloister_ids::PersonId;
use cloister_tenancy::{
    OpContext, Result, Tenancy, TenantTx,
    sql::{Row, ToSql, statements},
};

use super::{Demographics, DemographicsFields};
use crate::{
    record::{Metadata, Record, found, status},
    scope::{Sight, Within},
    scope_store::{one_within, persons_within},
    vocabulary::Sex,
};

macro_rules! fields {
    () => {
        "birth_date, sex, american_indian_or_alaska_native, asian, black_or_african_american,
         native_hawaiian_or_other_pacific_islander, white, demographic_race_two_or_more_races,
         hispanic_or_latino_ethnicity, country_of_birth_code, state_of_birth_abbreviation, city_of_birth,
         public_school_residence_status"
    };
}

macro_rules! head {
    () => {
        "person_id, status, date_last_modified, source, metadata, version, created_at, created_by, updated_at, updated_by"
    };
}

statements! {
    /// Those of a person.
    GET = concat!("select (select p.sourced_id from person p where p.tenant_id = $1 and p.id = $2) as sourced_id, ",
        head!(), ", ", fields!(), " from demographics where tenant_id = $1 and person_id = $2");
    /// The same, if the person is within scopes.
    GET_WITHIN = concat!("select (select p.sourced_id from person p where p.tenant_id = $1 and p.id = $2) as sourced_id, ",
        head!(), ", ", fields!(), " from demographics where tenant_id = $1 and person_id = $2
            and exists (select from person p where p.tenant_id = $1 and p.id = $2 and p.status = 'active')",
        one_within!(persons_within!("$3", "$4", "$5")));
    /// The same, to be changed.
    LOCK = concat!("select (select p.sourced_id from person p where p.tenant_id = $1 and p.id = $2) as sourced_id, ",
        head!(), ", ", fields!(), " from demographics where tenant_id = $1 and person_id = $2 for no key update");
    /// Whose they are, kept from leaving.
    PERSON = "select id, status, sourced_id from person where tenant_id = $1 and id = $2 for share";
    /// New ones.
    INSERT = concat!("insert into demographics (tenant_id, ", head!(), ", ", fields!(), ")
        values ($1, $2, 'active', $3, $4, $5, 1, $3, $6, $3, $6,
            $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)");
    /// New values. Its parameters are those of `INSERT`.
    UPDATE = "update demographics set status = 'active', date_last_modified = $3, source = $4, metadata = $5,
            version = version + 1, updated_at = $3, updated_by = $6, birth_date = $7, sex = $8,
            american_indian_or_alaska_native = $9, asian = $10, black_or_african_american = $11,
            native_hawaiian_or_other_pacific_islander = $12, white = $13, demographic_race_two_or_more_races = $14,
            hispanic_or_latino_ethnicity = $15, country_of_birth_code = $16, state_of_birth_abbreviation = $17,
            city_of_birth = $18, public_school_residence_status = $19
        where tenant_id = $1 and person_id = $2";
    /// Erased.
    DELETE = "delete from demographics where tenant_id = $1 and person_id = $2";
    /// So are those that an import found, and those of records that were merged into this one.
    DELETE_BEFORE = "delete from import_change c using import_run r
        where r.tenant_id = $1 and r.undoable and c.tenant_id = $1 and c.run_id = r.id and c.kind = 'demographics'
        and (c.record_id = $2 or c.record_id = any(array(select g.merged_id from person_merge g
            where g.tenant_id = $1 and g.kept_id = $2 and g.status = 'active')))";
}

fn demographics(row: &Row) -> Result<Demographics> {
    Ok(Demographics {
        person_id: row.get("person_id"),
        sourced_id: row.get("sourced_id"),
        status: status(row)?,
        fields: DemographicsFields {
            birth_date: row.get("birth_date"),
            sex: row.get::<_, Option<String>>("sex").map(Sex::from_column),
            american_indian_or_alaska_native: row.get("american_indian_or_alaska_native"),
            asian: row.get("asian"),
            black_or_african_american: row.get("black_or_african_american"),
            native_hawaiian_or_other_pacific_islander: row.get("native_hawaiian_or_other_pacific_islander"),
            white: row.get("white"),
            demographic_race_two_or_more_races: row.get("demographic_race_two_or_more_races"),
            hispanic_or_latino_ethnicity: row.get("hispanic_or_latino_ethnicity"),
            country_of_birth_code: row.get("country_of_birth_code"),
            state_of_birth_abbreviation: row.get("state_of_birth_abbreviation"),
            city_of_birth: row.get("city_of_birth"),
            public_school_residence_status: row.get("public_school_residence_status"),
            metadata: Metadata::from_row(row),
        },
        record: Record::from_row(row)?,
    })
}

pub(super) async fn get(tenancy: &Tenancy, cx: &OpContext, sight: &Sight, id: PersonId) -> Result<Demographics> {
    let rows = match sight {
        Sight::All => tenancy.fetch(cx, &GET, &[&id]).await?,
        Sight::Within(Within { account, on, scopes, .. }) => {
            tenancy.fetch(cx, &GET_WITHIN, &[&id, account, on, scopes]).await?
        }
    };
    demographics(found(&rows)?)
}

/// The person's row, and what is kept from changing.
pub(super) async fn lock(tx: &mut TenantTx, id: PersonId) -> Result<(Vec<Row>, Option<Demographics>)> {
    let mut rows = tx.query_all(&[(&PERSON, &[&id]), (&LOCK, &[&id])]).await?;
    found(&rows[0])?;
    let before = rows[1].first().map(demographics).transpose()?;
    Ok((rows.swap_remove(0), before))
}

/// Writes and commits, in one round trip.
pub(super) async fn put(tx: TenantTx, new: &Demographics) -> Result<()> {
    let Demographics { person_id, fields, record, .. } = new;
    let sex = fields.sex.as_ref().map(Sex::column);
    let source = record.source.word();
    let parameters: [&(dyn ToSql + Sync); 18] = [
        person_id,
        &record.updated_at,
        &source,
        fields.metadata.column(),
        &record.updated_by,
        &fields.birth_date,
        &sex,
        &fields.american_indian_or_alaska_native,
        &fields.asian,
        &fields.black_or_african_american,
        &fields.native_hawaiian_or_other_pacific_islander,
        &fields.white,
        &fields.demographic_race_two_or_more_races,
        &fields.hispanic_or_latino_ethnicity,
        &fields.country_of_birth_code,
        &fields.state_of_birth_abbreviation,
        &fields.city_of_birth,
        &fields.public_school_residence_status,
    ];
    let statement = if record.version == 1 { &INSERT } else { &UPDATE };
    tx.commit_with(&[(statement, &parameters)]).await.map(drop)
}

/// Erases and commits, in one round trip.
pub(super) async fn delete(tx: TenantTx, id: PersonId) -> Result<()> {
    tx.commit_with(&[(&DELETE, &[&id]), (&DELETE_BEFORE, &[&id])]).await.map(drop)
}
