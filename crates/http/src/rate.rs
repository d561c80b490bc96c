//! The limits of one node: what holds for whoever has none of its own.

pub use cloister_tenancy::{Class, Rate, RateError};

/// The limits of one node, for each tenant or, for strangers, for each network of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSettings {
    /// Of a tenant, and of somebody signed in outside of every tenant.
    pub read: Rate,
    /// Likewise.
    pub write: Rate,
    /// Of a tenant.
    pub heavy: Rate,
    /// Of whatever key sign-in counts by.
    pub sign_in: Rate,
    /// Of whatever key sign-up counts by.
    pub sign_up: Rate,
    /// Of a network: somebody types a name and is told meanwhile whether it is free.
    pub name_check: Rate,
    /// Of a network. A whole school may be behind one address.
    pub visitor: Rate,
    /// Of a network. Who shows a valid token is let through all the same.
    pub refused: Rate,
}

impl Default for RateSettings {
    fn default() -> Self {
        Self {
            read: Rate::new(1000, 2),
            write: Rate::new(200, 2),
            heavy: Rate::new(10, 60),
            sign_in: Rate::new(30, 60),
            sign_up: Rate::new(10, 3600),
            name_check: Rate::new(60, 60),
            visitor: Rate::new(600, 10),
            refused: Rate::new(300, 60),
        }
    }
}

impl RateSettings {
    /// No limits at all.
    pub const UNLIMITED: Self = Self {
        read: Rate::UNLIMITED,
        write: Rate::UNLIMITED,
        heavy: Rate::UNLIMITED,
        sign_in: Rate::UNLIMITED,
        sign_up: Rate::UNLIMITED,
        name_check: Rate::UNLIMITED,
        visitor: Rate::UNLIMITED,
        refused: Rate::UNLIMITED,
    };

    /// The limit of a class.
    pub fn of(&self, class: Class) -> Rate {
        match class {
            Class::Read => self.read,
            Class::Write => self.write,
            Class::Heavy => self.heavy,
            Class::SignIn => self.sign_in,
            Class::SignUp => self.sign_up,
            Class::NameCheck => self.name_check,
            Class::Visitor => self.visitor,
            Class::Refused => self.refused,
        }
    }
}
