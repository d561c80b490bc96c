//! TEMPORARY
use cloister_tenancy::Result;
use serde::Deserialize;
#[derive(Debug, Clone)]
pub struct PasswordPolicy {
    pub min_length: u32,
    pub min_strength: u8,
    pub max_age_days: Option<u32>,
    pub session_hours: u32,
    pub idle_minutes: u32,
    pub mfa_roles: Vec<String>,
}
impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            min_length: 10,
            min_strength: 3,
            max_age_days: None,
            session_hours: 720,
            idle_minutes: 10080,
            mfa_roles: vec![],
        }
    }
}
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PolicyOverrides {}
impl PasswordPolicy {
    pub fn with(&self, _: &PolicyOverrides) -> Self {
        self.clone()
    }
}
pub fn check_password(_field: &'static str, _policy: &PasswordPolicy, _password: &str, _names: &[&str]) -> Result<u8> {
    Ok(3)
}
