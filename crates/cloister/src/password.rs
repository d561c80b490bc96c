//! Asking for a password at the command line.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::Context;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use secrecy::SecretString;

/// The password: typed unseen and twice at a terminal, else the first line of the input.
pub(crate) fn ask() -> anyhow::Result<SecretString> {
    if !std::io::stdin().is_terminal() {
        return line();
    }
    let first = unseen("password: ")?;
    let again = unseen("again:    ")?;
    anyhow::ensure!(same(&first, &again), "the two are not the same; nothing was done");
    Ok(first)
}

fn same(a: &SecretString, b: &SecretString) -> bool {
    use secrecy::ExposeSecret;
    a.expose_secret() == b.expose_secret()
}

fn line() -> anyhow::Result<SecretString> {
    let mut text = String::new();
    std::io::stdin().lock().read_line(&mut text).context("the password cannot be read")?;
    let text = text.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(!text.is_empty(), "give the password as the first line of the input");
    Ok(text.to_owned().into())
}

/// Reads a line that the terminal does not show.
fn unseen(prompt: &str) -> anyhow::Result<SecretString> {
    let stdin = std::io::stdin();
    eprint!("{prompt}");
    std::io::stderr().flush()?;
    let shown = tcgetattr(&stdin)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Now, &hidden)?;
    let read = line();
    tcsetattr(&stdin, OptionalActions::Now, &shown)?;
    eprintln!();
    read
}
