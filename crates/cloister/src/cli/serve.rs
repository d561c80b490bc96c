//! The words of `cloister serve`.

use std::{net::SocketAddr, str::FromStr};

use clap::Args;

#[derive(Args)]
pub(crate) struct Serve {
    /// Address and port for HTTP.
    #[arg(long)]
    pub(crate) listen: Option<SocketAddr>,
    /// Serve although a wall between tenants has a hole, for this reason. It is noted in the platform's audit log.
    #[arg(long, value_name = "REASON", value_parser = Reason::from_str)]
    pub(crate) despite_findings: Option<Reason>,
}

/// Why something is done that should not be: 10 to 500 characters.
#[derive(Debug, Clone)]
pub(crate) struct Reason(pub(crate) String);

impl FromStr for Reason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text.chars().count() {
            10..=500 if !text.chars().any(char::is_control) => Ok(Self(text.to_owned())),
            _ => Err("say why in 10 to 500 characters, on one line".to_owned()),
        }
    }
}
