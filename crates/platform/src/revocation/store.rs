//! All SQL about revocations.

use cloister_tenancy::sql::statements;

statements! {
    /// A session's tokens are refused from now on.
    REVOKE_SESSION = "insert into revocation (at, session_id) values ($1, $2)";
    /// An account's tokens for a tenant are refused when they are from before a version of its roles.
    REVOKE_MEMBERSHIP = "insert into revocation (at, account_id, tenant_id, roles_version) values ($1, $2, $3, $4)";
    /// Every token for a tenant is refused when it is from before a version of its roles.
    REVOKE_TENANT = "insert into revocation (at, tenant_id, roles_version) values ($1, $2, $3)";
    /// Tells every node.
    TELL = "select pg_notify('cloister_revocation', '')";
    /// Those since a moment, and those numbered later.
    SINCE = "select id, session_id, account_id, tenant_id, roles_version from revocation where at > $1 or id > $2";
    /// Those that no token outlives.
    FORGET = "delete from revocation where at < $1";
}
