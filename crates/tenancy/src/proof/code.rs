//! The kinds of hole there are: one stable word each, how bad it is, and why it matters.

use super::finding::{Code, Severity};

macro_rules! codes {
    ($($(#[$doc:meta])* $constant:ident = $name:literal $severity:ident $why:literal;)*) => {
        $($(#[$doc])* pub(super) static $constant: Code = Code { name: $name, severity: Severity::$severity, why: $why };)*
        /// Every kind of hole.
        pub static CODES: &[&Code] = &[$(&$constant),*];
    };
}

codes! {
    TENANT_NULLABLE = "tenant_id_nullable" Critical
        "a row whose tenant_id is null or of another type belongs to nobody, and no key or policy holds it";
    PRIMARY_KEY = "primary_key_without_tenant" Critical
        "two tenants could not have rows of the same key, and one would learn of the other's";
    UNIQUE_KEY = "unique_key_without_tenant" Critical
        "uniqueness is looked at past every policy: one tenant is refused because of another's row and learns of it";
    INDEX_ORDER = "index_without_tenant" Warning
        "what one tenant asks makes the server read the rows of all";
    INDEX_INVALID = "index_invalid" Critical
        "a key that is not enforced admits rows that it should refuse";
    EXCLUSION = "exclusion_without_tenant" Critical
        "one tenant's row is refused because of another's, and tells of it";
    FOREIGN_KEY = "foreign_key_without_tenant" Critical
        "references are looked at past every policy: a row could refer to another tenant's and learn that it exists";
    FOREIGN_KEY_OUT = "foreign_key_leaves_schema" Critical
        "a reference into another schema ties one tenant's place to another's";
    FOREIGN_KEY_SETS = "foreign_key_changes_columns" Warning
        "setting columns would set tenant_id with them";
    FOREIGN_KEY_UNCHECKED = "constraint_not_validated" Warning
        "rows from before the constraint may break it";
    TRIGGER_DISABLED = "foreign_key_not_enforced" Critical
        "with its triggers off a foreign key admits a reference to anybody's row";
    ROW_SECURITY_OFF = "row_security_off" Critical
        "the second wall is down: a statement that forgets the tenant reaches every tenant's rows";
    ROW_SECURITY_FORCED = "row_security_forced" Warning
        "logical replication cannot write into such a table, so an online move hangs";
    POLICY_MISSING = "policy_missing" Critical
        "without its policy a table is either shut to everybody, or open by another";
    POLICY_ALTERED = "policy_altered" Critical
        "any other form lets rows of other tenants through, or makes a request read the rows of all";
    POLICY_EXTRA = "policy_undeclared" Critical
        "policies are joined by OR: one more can only let more rows through";
    POLICY_VOLATILE = "policy_function_volatile" Critical
        "a volatile function is called for every row of every tenant, and sees what it is given";
    INHERITANCE = "table_inherits" Critical
        "rows reached through another table are held by that table's policies, not by this one's";
    UNLOGGED = "table_unlogged" Warning
        "after a crash the table is empty";
    PUBLISHED = "table_published" Warning
        "replication sends rows past every policy to whoever subscribes";
    GRANT_BEYOND_ROWS = "grant_beyond_rows" Critical
        "TRUNCATE asks no policy and empties the table for every tenant; REFERENCES and TRIGGER get round them";
    GRANT_PUBLIC = "grant_to_public" Critical
        "every login of the server has what everybody has";
    GRANT_COLUMN = "grant_on_column" Critical
        "rights on a column stay when those on the table are taken away";
    GRANT_STRANGER = "grant_to_stranger" Critical
        "only the three logins of this program have business with tenants' rows";
    OWNED_BY_LOGIN = "login_owns" Critical
        "policies do not hold the owner of a table";
    OWNED_BY_STRANGER = "owner_wrong" Critical
        "policies do not hold the owner of a table, and the owner may change them";
    CREATES = "login_creates" Critical
        "whoever may create objects may put a function or table where another session finds it first";
    VIEW = "view_present" Critical
        "a view reads with the rights of its owner, whom no policy holds";
    FOREIGN_TABLE = "foreign_table_present" Critical
        "rows of a foreign table are behind no policy";
    SEQUENCE = "sequence_present" Warning
        "what comes from a sequence tells one tenant how much the others do";
    TRIGGER = "trigger_present" Critical
        "a trigger may copy rows elsewhere, with rights that the caller does not have";
    RULE = "rule_present" Critical
        "a rule turns one statement into another, past what was checked";
    FUNCTION_DEFINER = "function_security_definer" Critical
        "such a function reaches what its caller may not";
    DATABASE_PUBLIC = "database_open_to_public" Critical
        "every login of the server may enter the database";
    DATABASE_STRANGER = "database_open_to_stranger" Critical
        "only the three logins of this program have business in it";
    DATABASE_UNKNOWN = "database_unknown" Warning
        "it holds what no tenant answers for: what is left of a removed tenant, or a copy";
    DATABASE_MISSING = "database_missing" Critical
        "the registry names a database that cannot be entered: its tenants cannot be served";
    DATABASE_UNREACHABLE = "database_unreachable" Critical
        "what cannot be looked at is not proven, whoever else may enter it";
    SCHEMA_UNKNOWN = "schema_unknown" Warning
        "it holds what no tenant answers for: what is left of a removed tenant, or a copy";
    SCHEMA_MISSING = "schema_missing" Critical
        "the registry names a place that is not there: its tenants cannot be served";
    SCHEMA_BEHIND = "schema_behind" Warning
        "migrations have not run there, so it was held to the rules alone and not compared";
    OBJECT_OUTSIDE = "object_outside" Warning
        "what lies outside of every known schema is behind no wall";
    VIEW_OUTSIDE = "view_widens" Critical
        "a view reads with the rights of its owner, whom no policy holds";
    REFERENCE_OUTSIDE = "foreign_key_from_outside" Critical
        "whoever may insert there learns which rows exist here";
    DEFINER_OUTSIDE = "function_security_definer_outside" Critical
        "such a function reaches what its caller may not";
    DEFAULT_PRIVILEGES = "default_privileges" Critical
        "the next table is granted to others as soon as it is made";
    SETTING = "setting_of_role" Critical
        "a session that begins with another search path, another role or a tenant of its own stands elsewhere than it believes";
    SETTING_SERVER = "setting_of_server" Critical
        "a session that begins without triggers, policies or the usual meaning of a statement is held by nothing that was proven";
    LIBRARY_UNKNOWN = "library_undeclared" Warning
        "its code runs in every session, within tenants' statements, and nobody looked at it";
    PARAMETER = "grant_on_parameter" Critical
        "a session that may switch off triggers or libraries at will gets past every key";
    CATALOG_GRANTED = "grant_on_catalog" Critical
        "what the server keeps from everybody shows values of other tenants' rows, or reads the server's files";
    SUBSCRIPTION = "subscription_present" Critical
        "rows that come in by replication are held by no policy and no trigger";
    EXTENSION_MEMBER = "extension_member" Critical
        "what belongs to an extension is in no dump of the place, and goes when the extension goes";
    EXTENSION = "extension_dangerous" Critical
        "it reaches files, raw pages, programs or other servers from within a statement";
    EXTENSION_UNKNOWN = "extension_undeclared" Warning
        "its functions run within tenants' statements, and nobody looked at them";
    EVENT_TRIGGER = "event_trigger_present" Warning
        "it runs code with the rights of whoever migrates";
    FOREIGN_SERVER = "foreign_server_present" Critical
        "it carries statements and rows to another database";
    LARGE_OBJECT = "large_object_present" Warning
        "large objects belong to no tenant and are behind no policy";
    LANGUAGE = "language_untrusted" Critical
        "functions in such a language do what the server itself can do";
    LOGIN_POWER = "login_too_powerful" Critical
        "such a login is held by no policy, or can make one that is not";
    LOGIN_MEMBER = "login_is_member" Critical
        "whatever the other role may do, this login may do too";
    LOGIN_LENT = "login_lent" Critical
        "another login can act as ours";
    ROLE_READS_ALL = "role_reads_everything" Critical
        "such a role reaches every schema; with the system's policy or an owner's rights, every row";
    OWNER_SUPER = "owner_too_powerful" Warning
        "the owner needs no more than CREATEDB; a superuser's mistake reaches the whole server";
    TABLE_UNDECLARED = "table_undeclared" Critical
        "a table that no module declares is in no rule, no move, no export and no removal";
    TABLE_MISSING = "table_missing" Critical
        "statements fail for the tenants of this place alone";
    TABLE_KIND = "table_kind_wrong" Critical
        "policies, keys and moves follow from the declared kind";
    GRANT_DRIFT = "drift_grant" Critical
        "a login may do more or less here than it was given";
    POLICY_DRIFT = "drift_policy" Critical
        "this place is held by other policies than the rest";
    TABLE_DRIFT = "drift_table" Warning
        "the table is of another form here than it was made";
    COLUMN_DRIFT = "drift_column" Warning
        "a statement means something else in this place, or fails";
    KEY_DRIFT = "drift_key" Critical
        "a key or reference that is missing or different lets through what it should refuse";
    CHECK_DRIFT = "drift_check" Warning
        "values that are refused elsewhere are taken here";
    INDEX_DRIFT = "drift_index" Warning
        "the same question takes longer here";
    FUNCTION_DRIFT = "drift_function" Critical
        "the fence and the entrance to a tenant are functions: another text is another fence";
    OBJECT_DRIFT = "drift_object" Warning
        "something is here that no migration made";
    FENCE_ELSEWHERE = "fence_open_elsewhere" Critical
        "two places let requests of one tenant in: what is written in one is missing in the other";
    FENCE_MISSING = "fence_missing" Warning
        "no request can enter this tenant";
    FENCE_DIFFERS = "fence_differs" Warning
        "requests of this tenant are refused, or late ones of a tenant that is shut are let in";
    ROW_MISPLACED = "row_of_another_tenant" Critical
        "rows of one tenant lie in another's own place";
    ROW_UNOWNED = "row_of_no_tenant" Warning
        "what is left of a removed tenant should not be there";
    STATEMENT_UNBOUND = "statement_unbound" Critical
        "a statement that is not held to its tenant leans on row security alone";
}

/// What is found when registry and databases do not say the same: also when the registry changed while it was looked.
pub(super) static OF_REGISTRY: &[&Code] = &[
    &DATABASE_UNKNOWN,
    &DATABASE_MISSING,
    &DATABASE_UNREACHABLE,
    &SCHEMA_UNKNOWN,
    &SCHEMA_MISSING,
    &SCHEMA_BEHIND,
    &FENCE_ELSEWHERE,
    &FENCE_MISSING,
    &FENCE_DIFFERS,
    &ROW_MISPLACED,
    &ROW_UNOWNED,
];
