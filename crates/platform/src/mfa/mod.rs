//! The second factor: codes of an authenticator app, and recovery codes for the day it is lost.

mod api;
pub(crate) mod store;

use std::net::IpAddr;

use cloister_ids::AccountId;
use cloister_tenancy::{ControlPlane, ControlTx, Error, Result};
use jiff::Timestamp;
use secrecy::ExposeSecret;

pub(crate) use api::routes;

use crate::{
    Purpose, Service,
    attempts::Keys,
    mail,
    mail::{MfaChange, NewMail, Template},
    totp,
};

/// Whether a second factor is asked of an account.
pub(crate) async fn is_on(control: &ControlPlane, account: AccountId) -> Result<bool> {
    let rows = control.run(&store::TOTP, &[&account]).await?;
    Ok(rows.first().is_some_and(|row| row.get::<_, Option<Timestamp>>("confirmed_at").is_some()))
}

/// Takes a code of the app, or a recovery code: each works once. A first code of the app puts it in use.
pub(crate) async fn accept(service: &Service, account: AccountId, code: &str) -> Result<bool> {
    let (control, now) = (service.control(), service.tenancy().clock().now());
    let code = code.trim();
    if code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()) {
        let rows = control.run(&store::TOTP, &[&account]).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        let secret = service.keyring().unseal(Purpose::Totp, account.uuid().as_bytes(), row.get("sealed"))?;
        let secret = totp::Secret::from_bytes(&secret)?;
        let Some(step) = totp::verify(&secret, code, now, row.get("last_step")) else { return Ok(false) };
        return Ok(!control.run(&store::TAKE_STEP, &[&account, &step, &now]).await?.is_empty());
    }
    let Some(hash) = totp::recovery_hash(service.keyring(), account, code)? else { return Ok(false) };
    let mut tx = control.begin().await?;
    if tx.query(&store::TAKE_CODE, &[&account, &hash.as_slice(), &now]).await?.is_empty() {
        return Ok(false);
    }
    tell(&mut tx, service, account, MfaChange::CodeUsed).await?;
    tx.commit().await?;
    Ok(true)
}

/// The same, where somebody may be guessing: wrong codes are counted, over all sign-ins, as wrong passwords are.
pub(crate) async fn accept_counted(
    service: &Service,
    account: AccountId,
    client: Option<IpAddr>,
    code: &str,
) -> Result<bool> {
    let keys = Keys::new(service.keyring(), None, &format!("second factor of {account}"), client, None)?;
    service.counted(&keys, accept(service, account, code)).await
}

/// New recovery codes instead of all earlier ones. They are shown once.
async fn renew_codes(tx: &mut ControlTx, service: &Service, account: AccountId) -> Result<Vec<String>> {
    let now = service.tenancy().clock().now();
    let codes: Vec<String> = totp::recovery_codes()?.iter().map(|code| code.expose_secret().to_owned()).collect();
    tx.query(&store::REMOVE_CODES, &[&account]).await?;
    for code in &codes {
        let hash = totp::recovery_hash(service.keyring(), account, code)?;
        let hash = hash.ok_or_else(|| Error::internal("a recovery code is none"))?;
        tx.query(&store::INSERT_CODE, &[&account, &hash.as_slice(), &now]).await?;
    }
    Ok(codes)
}

/// A mail to the account's person, who may not have been the one that changed it.
async fn tell(tx: &mut ControlTx, service: &Service, id: AccountId, what: MfaChange) -> Result<()> {
    let account = crate::account::lock(tx, id).await?;
    let Some(to) = account.email else { return Ok(()) };
    let template = Template::MfaChanged { what, at: service.tenancy().clock().now() };
    mail::queue(tx, service, NewMail { tenant: None, account: Some(id), to, locale: &account.locale, template })
        .await?;
    Ok(())
}
