//! SQL texts, registered before they are run.

use tokio_postgres::types::ToSql;

/// What a statement is run with.
pub type Parameters<'a> = [&'a (dyn ToSql + Sync)];

/// One SQL text with a name for logs and errors.
///
/// Made only by [`statements!`](crate::statements), which also lists it, so that a test can prepare and plan every one.
/// The text is constant: no tenant, schema or filter is ever glued into it, which keeps the number of prepared statements
/// of a connection bounded.
#[derive(Debug)]
pub struct Statement {
    name: &'static str,
    sql: &'static str,
}

impl Statement {
    #[doc(hidden)]
    pub const fn register(name: &'static str, sql: &'static str) -> Self {
        Self { name, sql }
    }

    /// Module path and constant, such as `cloister_school::org::store::GET`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The text.
    pub const fn sql(&self) -> &'static str {
        self.sql
    }

    /// Where the text lies: tells statements apart without comparing texts.
    pub(crate) fn key(&self) -> usize {
        self.sql.as_ptr() as usize
    }
}

/// Declares the statements of a store, and `STATEMENTS`, the list of them.
///
/// ```
/// cloister_postgres::statements! {
///     /// One component.
///     GET = "select name from component where tenant_id = $1 and id = $2";
///     /// Two halves that are known when the program is built may be joined.
///     ALL = concat!("select name from component ", "where tenant_id = $1");
/// }
/// assert_eq!(STATEMENTS.len(), 2);
/// ```
#[macro_export]
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $(
            $(#[$doc])*
            pub static $name: $crate::Statement =
                $crate::Statement::register(concat!(module_path!(), "::", stringify!($name)), $sql);
        )*
        /// Every statement of this store.
        pub static STATEMENTS: &[&$crate::Statement] = &[$(&$name),*];
    };
}
