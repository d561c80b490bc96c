//! Which rule finds which kind of hole, and which facts a finding explains, so that nothing is told twice.

use cloister_postgres::{Client, Parameters, Statement};

use super::{
    ask, catalog_store as catalog, code, database_store as database,
    finding::{Code, Finding, Place},
    relation_store as relation, server_store as server, table_store as table,
};
use crate::Result;

/// A statement that selects what breaks a rule.
pub(super) struct Rule {
    code: &'static Code,
    statement: &'static Statement,
    /// Kinds of fact about the same object that are thereby told.
    explains: &'static [&'static str],
}

/// The logins of a cluster.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) application: String,
    pub(super) system: String,
    pub(super) owner: String,
}

/// A finding, and the facts that it has told.
pub(super) struct Broken {
    pub(super) space: String,
    pub(super) object: String,
    pub(super) item: String,
    pub(super) finding: Finding,
    pub(super) explains: &'static [&'static str],
}

const fn rule(code: &'static Code, statement: &'static Statement, explains: &'static [&'static str]) -> Rule {
    Rule { code, statement, explains }
}

const WHOLE: &[&str] = &["relation", "owner", "grant", "column", "constraint", "index", "rule", "row security"];

/// About tables with rows of tenants.
pub(super) static OF_TABLES: &[Rule] = &[
    rule(&code::TENANT_NULLABLE, &table::TENANT_NULLABLE, &["column"]),
    rule(&code::PRIMARY_KEY, &table::PRIMARY_KEY, &["constraint"]),
    rule(&code::UNIQUE_KEY, &table::UNIQUE_KEY, &["constraint", "index"]),
    rule(&code::INDEX_ORDER, &table::INDEX_ORDER, &["index"]),
    rule(&code::INDEX_INVALID, &table::INDEX_INVALID, &["index", "constraint"]),
    rule(&code::EXCLUSION, &table::EXCLUSION, &["constraint"]),
    rule(&code::FOREIGN_KEY, &table::FOREIGN_KEY, &["constraint"]),
    rule(&code::FOREIGN_KEY_OUT, &table::FOREIGN_KEY_OUT, &["constraint"]),
    rule(&code::FOREIGN_KEY_SETS, &table::FOREIGN_KEY_SETS, &["constraint"]),
    rule(&code::FOREIGN_KEY_UNCHECKED, &table::FOREIGN_KEY_UNCHECKED, &["constraint"]),
    rule(&code::TRIGGER_DISABLED, &table::TRIGGER_DISABLED, &["trigger of a key"]),
    rule(&code::ROW_SECURITY_OFF, &table::ROW_SECURITY_OFF, &["row security"]),
    rule(&code::ROW_SECURITY_FORCED, &table::ROW_SECURITY_FORCED, &["row security"]),
    rule(&code::POLICY_MISSING, &table::POLICY_MISSING, &["policy"]),
    rule(&code::POLICY_ALTERED, &table::POLICY_ALTERED, &["policy"]),
    rule(&code::POLICY_EXTRA, &table::POLICY_EXTRA, &["policy"]),
    rule(&code::POLICY_VOLATILE, &table::POLICY_VOLATILE, &["policy"]),
    rule(&code::INHERITANCE, &table::INHERITANCE, &["relation"]),
    rule(&code::UNLOGGED, &table::UNLOGGED, &["relation"]),
    rule(&code::PUBLISHED, &table::PUBLISHED, &["publication"]),
];

/// About everything in a schema.
pub(super) static OF_RELATIONS: &[Rule] = &[
    rule(&code::GRANT_BEYOND_ROWS, &relation::GRANT_BEYOND_ROWS, &["grant"]),
    rule(&code::GRANT_PUBLIC, &relation::GRANT_PUBLIC, &["grant", "schema grant"]),
    rule(&code::GRANT_COLUMN, &relation::GRANT_COLUMN, &["column grant"]),
    rule(&code::GRANT_STRANGER, &relation::GRANT_STRANGER, &["grant", "schema grant"]),
    rule(&code::OWNED_BY_LOGIN, &relation::OWNED_BY_LOGIN, &["owner", "schema", "grant", "schema grant"]),
    rule(&code::OWNED_BY_STRANGER, &relation::OWNED_BY_STRANGER, &["owner", "schema", "grant", "schema grant"]),
    rule(&code::CREATES, &relation::CREATES, &["schema grant"]),
    rule(&code::VIEW, &relation::VIEW, WHOLE),
    rule(&code::FOREIGN_TABLE, &relation::FOREIGN_TABLE, WHOLE),
    rule(&code::SEQUENCE, &relation::SEQUENCE, WHOLE),
    rule(&code::TRIGGER, &relation::TRIGGER, &["trigger"]),
    rule(&code::RULE, &relation::RULE, &["rule"]),
    rule(&code::FUNCTION_DEFINER, &relation::FUNCTION_DEFINER, &[]),
];

/// About a database.
pub(super) static OF_DATABASE: &[Rule] = &[
    rule(&code::DATABASE_PUBLIC, &database::DATABASE_PUBLIC, &[]),
    rule(&code::DATABASE_STRANGER, &database::DATABASE_STRANGER, &[]),
    rule(&code::CREATES, &database::DATABASE_CREATES, &[]),
    rule(&code::SCHEMA_UNKNOWN, &database::SCHEMA_UNKNOWN, &[]),
    rule(&code::OBJECT_OUTSIDE, &database::OBJECT_OUTSIDE, &[]),
    rule(&code::VIEW_OUTSIDE, &database::VIEW_OUTSIDE, &[]),
    rule(&code::REFERENCE_OUTSIDE, &database::REFERENCE_OUTSIDE, &[]),
    rule(&code::DEFINER_OUTSIDE, &database::DEFINER_OUTSIDE, &[]),
    rule(&code::DEFAULT_PRIVILEGES, &database::DEFAULT_PRIVILEGES, &[]),
    rule(&code::SETTING, &database::SETTING, &[]),
    rule(&code::EXTENSION, &database::EXTENSION, &[]),
    rule(&code::EXTENSION_UNKNOWN, &database::EXTENSION_UNKNOWN, &[]),
    rule(&code::EVENT_TRIGGER, &database::EVENT_TRIGGER, &[]),
    rule(&code::FOREIGN_SERVER, &database::FOREIGN_SERVER, &[]),
    rule(&code::LARGE_OBJECT, &database::LARGE_OBJECT, &[]),
    rule(&code::LANGUAGE, &database::LANGUAGE, &[]),
    rule(&code::CATALOG_GRANTED, &catalog::CATALOG_GRANTED, &[]),
    rule(&code::CREATES, &catalog::CATALOG_CREATES, &[]),
    rule(&code::SUBSCRIPTION, &catalog::SUBSCRIPTION, &[]),
    rule(&code::EXTENSION_MEMBER, &catalog::EXTENSION_MEMBER, &[]),
];

/// About a server and its logins.
pub(super) static OF_SERVER: &[Rule] = &[
    rule(&code::LOGIN_POWER, &database::LOGIN_POWER, &[]),
    rule(&code::LOGIN_MEMBER, &database::LOGIN_MEMBER, &[]),
    rule(&code::LOGIN_LENT, &database::LOGIN_LENT, &[]),
    rule(&code::ROLE_READS_ALL, &database::ROLE_READS_ALL, &[]),
    rule(&code::OWNER_SUPER, &database::OWNER_SUPER, &[]),
    rule(&code::SETTING_SERVER, &server::SETTING_SERVER, &[]),
    rule(&code::LIBRARY_UNKNOWN, &server::LIBRARY_UNKNOWN, &[]),
    rule(&code::PARAMETER, &server::PARAMETER, &[]),
];

/// Asks a server which of its logins break a rule.
pub(super) async fn judge_server(client: &Client, names: &Names, place: Place<'_>) -> Result<Vec<Broken>> {
    let mut broken = Vec::new();
    for rule in OF_SERVER {
        let with: &Parameters<'_> = &[&names.application, &names.system, &names.owner];
        for row in ask(client, rule.statement, with).await? {
            broken.push(rule.broken(place, std::array::from_fn(|at| row.get(at))));
        }
    }
    Ok(broken)
}

/// Asks what in these schemas breaks a rule; for rules about a database they are the known ones.
pub(super) async fn judge(
    client: &Client,
    rules: &'static [Rule],
    schemas: &[String],
    names: &Names,
    place: Place<'_>,
) -> Result<Vec<Broken>> {
    let mut broken = Vec::new();
    for rule in rules {
        let with: &Parameters<'_> = &[&schemas, &names.application, &names.system, &names.owner];
        for row in ask(client, rule.statement, with).await? {
            broken.push(rule.broken(place, std::array::from_fn(|at| row.get(at))));
        }
    }
    Ok(broken)
}

impl Rule {
    fn broken(&self, place: Place<'_>, [space, object, item, detail, mend]: [String; 5]) -> Broken {
        let path: Vec<&str> =
            [&space, &object, &item].into_iter().map(String::as_str).filter(|s| !s.is_empty()).collect();
        let finding = place.finding(self.code, path.join("."), detail, mend);
        Broken { space, object, item, finding, explains: self.explains }
    }
}
