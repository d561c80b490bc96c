//! The three logins' passwords and the installation's key, kept in files that only we can read.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use cloister_platform::Keyring;
use cloister_tenancy::Logins;
use serde::{Deserialize, Serialize};

/// A login's name and password.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// `logins.toml`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StoredLogins {
    pub(crate) owner: Login,
    pub(crate) application: Login,
    pub(crate) system: Login,
    /// The installation's own key as hexadecimal digits: the same on every node, and in no database.
    pub(crate) key: Option<String>,
}

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("logins.toml")
}

/// 192 random bits, in characters that need no quoting anywhere.
pub(crate) fn secret() -> String {
    let bytes: [u8; 24] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl StoredLogins {
    /// New passwords for logins named after the installation.
    pub(crate) fn generate(prefix: &str) -> Self {
        let login = |role: &str| Login { user: format!("{prefix}_{role}"), password: secret() };
        Self { owner: login("owner"), application: login("app"), system: login("system"), key: None }
    }

    /// The same logins with new passwords.
    pub(crate) fn renewed(&self) -> Self {
        let renew = |login: &Login| Login { user: login.user.clone(), password: secret() };
        let key = self.key.clone();
        Self { owner: renew(&self.owner), application: renew(&self.application), system: renew(&self.system), key }
    }

    /// None when `cloister init` has not run.
    pub(crate) fn read(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = file(data_dir);
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map(Some).with_context(|| format!("{} cannot be read", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    pub(crate) fn write(&self, data_dir: &Path) -> anyhow::Result<()> {
        write_private(&file(data_dir), &toml::to_string(self)?)
    }

    /// The installation's key; made and kept when there is none.
    pub(crate) fn keyring(data_dir: &Path) -> anyhow::Result<Keyring> {
        let path = file(data_dir);
        let mut stored = Self::read(data_dir)?.with_context(|| format!("{} does not exist", path.display()))?;
        let text = match &stored.key {
            Some(text) => text.clone(),
            None => {
                let bytes: [u8; 32] = rand::random();
                let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                stored.key = Some(text.clone());
                stored.write(data_dir)?;
                text
            }
        };
        let mut root = [0; 32];
        let pairs = text.as_bytes().chunks_exact(2);
        let whole = text.len() == 64 && text.is_ascii();
        for (byte, pair) in root.iter_mut().zip(pairs) {
            let digits = std::str::from_utf8(pair).ok().filter(|_| whole);
            let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            *byte = value.with_context(|| format!("`key` in {} must have 64 hexadecimal digits", path.display()))?;
        }
        anyhow::ensure!(whole, "`key` in {} must have 64 hexadecimal digits", path.display());
        Ok(Keyring::new(root))
    }

    pub(crate) fn for_kernel(&self) -> Logins {
        let pair = |login: &Login| (login.user.clone(), login.password.clone());
        Logins { owner: pair(&self.owner), application: pair(&self.application), system: pair(&self.system) }
    }
}

/// Written whole or not at all, and never readable by others, not even for a moment.
pub(crate) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let write = || -> std::io::Result<()> {
        let _ = fs::remove_file(&unfinished);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}
