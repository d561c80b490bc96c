//! TEMPORARY
pub(crate) mod store {
    use cloister_tenancy::sql::statements;
    statements! {
    /// Forgets.
    FORGET = "delete from sign_in_failure where last_at < $1"; }
}
use crate::Keyring;
use cloister_tenancy::{ControlPlane, Result};
use jiff::Timestamp;
pub(crate) struct Attempt;
impl Attempt {
    pub(crate) fn of(_: &Keyring, _: &str, _: &str) -> Result<Self> {
        Ok(Self)
    }
    pub(crate) async fn check(&self, _: &ControlPlane, _: Timestamp) -> Result<()> {
        Ok(())
    }
    pub(crate) async fn failed(&self, _: &ControlPlane, _: Timestamp) -> Result<()> {
        Ok(())
    }
    pub(crate) async fn succeeded(&self, _: &ControlPlane) -> Result<()> {
        Ok(())
    }
}
