//! `cloister init`: what an installation needs on its server.
//!
//! Everything that can be refused is refused before anything is made. Whatever is interrupted nevertheless is continued by
//! running it again.

use anyhow::Context;
use cloister_postgres::{Server, embedded};
use cloister_tenancy::{Error, ErrorKind, Existing, Installation};
use serde::Serialize;

use crate::{
    cli::Init,
    configuration::Configuration,
    installation::{self, Database, Rooms, Running},
    logins::{Login, StoredLogins},
    output::Output,
    unreachable,
};

#[derive(Serialize)]
struct Made {
    server: String,
    owner: String,
    application: String,
    system: String,
    databases: [String; 2],
    logins_file: String,
    done: bool,
}

/// Where the logins come from.
enum Source {
    /// An administrator of an external server makes them.
    Administrator(Server),
    /// Somebody made them.
    Given(StoredLogins),
    /// They are kept here; on the embedded cluster they are made when they are not.
    Kept,
}

/// Makes the logins (or takes those given), then control plane and shared tables.
pub(crate) async fn run(configuration: &Configuration, args: &Init, output: Output) -> anyhow::Result<()> {
    let prefix = &configuration.database.prefix;
    let source = source(args)?;
    let server = configuration.database.url.as_deref().map(installation::external).transpose()?;
    if server.is_none() && !matches!(source, Source::Kept) {
        let message = "Set database.url (CLOISTER_DATABASE_URL) to the server's address without login, such as \
                       postgresql://db.example:5432/?sslmode=verify-full: the server will be found there later.";
        return Err(Error::new(ErrorKind::Invalid, "database_url_missing", message).into());
    }
    let stored = StoredLogins::read(&configuration.data_dir)?;
    let names = match (&source, &stored) {
        // The key stays whatever the logins: what was sealed under it would be lost.
        (Source::Given(given), stored) => {
            StoredLogins { key: stored.as_ref().and_then(|stored| stored.key.clone()), ..given.clone() }
        }
        (_, Some(stored)) => stored.clone(),
        _ => StoredLogins::generate(prefix),
    };
    let mut made = Made {
        server: configuration.database.url.as_ref().map_or_else(|| "embedded".to_owned(), |url| without_login(url)),
        owner: names.owner.user.clone(),
        application: names.application.user.clone(),
        system: names.system.user.clone(),
        databases: [format!("{prefix}_control"), format!("{prefix}_shared")],
        logins_file: configuration.data_dir.join("logins.toml").display().to_string(),
        done: false,
    };
    match (&source, &server) {
        (Source::Given(given), Some(server)) => {
            let logins = given.for_kernel();
            logins.check(server).await?;
            let (owner, password) = &logins.owner;
            Installation::refuse_foreign(&server.with_login(owner, password), prefix, owner).await?;
            if !args.dry_run {
                embedded::claim(&configuration.data_dir)?;
                names.write(&configuration.data_dir)?;
            }
        }
        (Source::Administrator(administrator), Some(server)) => {
            Installation::refuse_foreign(administrator, prefix, &names.owner.user).await?;
            // Nobody's login is in this address; whether it leads to a server shows without one.
            let visitor = server.with_login(&names.owner.user, &names.owner.password);
            match visitor.connect("postgres").await {
                Err(error) if !unreachable::was_reached(&error) => {
                    return Err(anyhow::Error::from(error).context("database.url"));
                }
                _ => {}
            }
            if !args.dry_run {
                let existing = if args.new_passwords { Existing::Renew } else { Existing::Keep };
                make_logins(configuration, administrator, server, &names, existing).await?;
            }
        }
        _ => {}
    }
    if !args.dry_run {
        prepare(configuration).await?;
        made.done = true;
    }
    let lines = [
        ("server", made.server.clone()),
        ("owner login", made.owner.clone()),
        ("application login", made.application.clone()),
        ("system login", made.system.clone()),
        ("databases", made.databases.join(", ")),
        ("logins kept in", made.logins_file.clone()),
        ("state", if made.done { "ready" } else { "dry run: nothing was made" }.to_owned()),
    ];
    output.record(&made, &lines)
}

fn source(args: &Init) -> anyhow::Result<Source> {
    if let Some(url) = &args.admin_url {
        return Ok(Source::Administrator(Server::from_url(url).context("--admin-url")?));
    }
    Ok(match (&args.owner_login, &args.application_login, &args.system_login) {
        (Some(owner), Some(application), Some(system)) => Source::Given(StoredLogins {
            owner: login(owner, "--owner-login")?,
            application: login(application, "--application-login")?,
            system: login(system, "--system-login")?,
            key: None,
        }),
        _ => Source::Kept,
    })
}

/// Has the administrator make the logins, saves their passwords, and tries them where they will be used.
async fn make_logins(
    configuration: &Configuration,
    administrator: &Server,
    server: &Server,
    names: &StoredLogins,
    existing: Existing,
) -> anyhow::Result<()> {
    // Running it again keeps the passwords that running nodes use, unless told otherwise.
    let logins = if existing == Existing::Renew { names.renewed() } else { names.clone() };
    let unsaved =
        || Error::new(ErrorKind::Internal, "logins_not_saved", "The logins cannot be saved here, so none was made.");
    let save = || {
        embedded::claim(&configuration.data_dir).map_err(|error| unsaved().because(error))?;
        logins.write(&configuration.data_dir).map_err(|error| unsaved().because(error))
    };
    logins.for_kernel().create_saving(administrator, existing, save).await?;
    logins.for_kernel().check(server).await.map_err(|error| {
        anyhow::Error::from(error)
            .context("the logins were made by --admin-url; database.url must lead to the same server")
    })
}

/// Control plane and shared tables; then starts the kernel on them, which refuses an application login that may too much.
async fn prepare(configuration: &Configuration) -> anyhow::Result<()> {
    let database = Database::open(configuration).await?;
    let result = async {
        let logins = database.logins(configuration).await?;
        let cluster = database.cluster(&logins);
        let rooms = Rooms::new();
        installation::prepare(configuration, &cluster, rooms.for_kernel()).await?;
        Running::start_on(configuration, cluster.clone(), &rooms).await?;
        cluster.system.connect(&format!("{}_shared", configuration.database.prefix)).await?;
        anyhow::Ok(())
    };
    let result = result.await;
    database.close().await?;
    result
}

fn login(text: &str, flag: &str) -> anyhow::Result<Login> {
    let invalid = |what: &str| Error::field(flag, "login_invalid", what);
    let (user, password) = text.split_once(':').ok_or_else(|| invalid("give it as user:password"))?;
    if user.is_empty() || password.is_empty() {
        return Err(invalid("give it as user:password").into());
    }
    if user.len() > 63 || !user.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.@".contains(&b)) {
        return Err(invalid("a login's name is 1 to 63 of letters, digits, _, -, . and @").into());
    }
    Ok(Login { user: user.to_owned(), password: password.to_owned() })
}

/// What we print of an address: neither login nor password, wherever in it they may stand.
fn without_login(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "external".to_owned() };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
    let told = ["sslmode", "sslrootcert", "target_session_attrs"];
    let query: Vec<_> =
        query.split('&').filter(|pair| pair.split_once('=').is_some_and(|(name, _)| told.contains(&name))).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}://{hosts}/{path}{mark}{}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::without_login;

    #[test]
    fn a_printed_address_holds_no_password() {
        for (url, printed) in [
            ("postgresql://db.example:5432/?sslmode=verify-full", "postgresql://db.example:5432/?sslmode=verify-full"),
            ("postgresql://ann:p%40ss@db.example/x", "postgresql://db.example/x"),
            ("postgresql://ann:p@ss@db.example", "postgresql://db.example/"),
            ("postgresql://db.example/?password=pass&sslmode=require", "postgresql://db.example/?sslmode=require"),
            ("host=db.example password=pass", "external"),
        ] {
            assert_eq!(without_login(url), printed);
        }
    }
}
