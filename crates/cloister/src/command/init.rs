//! `cloister init`: what an installation needs on its server.

use anyhow::Context;
use cloister_postgres::{Server, embedded};
use serde::Serialize;

use crate::{
    cli::Init,
    configuration::Configuration,
    installation::{self, Database},
    logins::{Login, StoredLogins},
    output::Output,
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

/// Makes the logins (or takes those given), then control plane and shared tables.
pub(crate) async fn run(configuration: &Configuration, args: &Init, output: Output) -> anyhow::Result<()> {
    anyhow::ensure!(
        !(args.admin_url.is_some() && args.owner_login.is_some()),
        "give either --admin-url, which makes the logins, or the three logins"
    );
    let prefix = &configuration.database.prefix;
    let external = args.admin_url.is_some() || args.owner_login.is_some();
    anyhow::ensure!(
        !external || configuration.database.url.is_some(),
        "set database.url (CLOISTER_DATABASE_URL) to the server's address without login, such as \
         postgresql://db.example:5432/?sslmode=verify-full: the server will be found there later"
    );
    let given = match (&args.owner_login, &args.application_login, &args.system_login) {
        (Some(owner), Some(application), Some(system)) => {
            Some(StoredLogins { owner: login(owner)?, application: login(application)?, system: login(system)? })
        }
        _ => None,
    };
    let names = given.clone().unwrap_or_else(|| StoredLogins::generate(prefix));
    let mut made = Made {
        server: configuration.database.url.as_ref().map_or_else(|| "embedded".to_owned(), |url| without_login(url)),
        owner: names.owner.user.clone(),
        application: names.application.user.clone(),
        system: names.system.user.clone(),
        databases: [format!("{prefix}_control"), format!("{prefix}_shared")],
        logins_file: configuration.data_dir.join("logins.toml").display().to_string(),
        done: false,
    };
    if !args.dry_run {
        embedded::claim(&configuration.data_dir)?;
        if let Some(given) = &given {
            given.write(&configuration.data_dir)?;
        } else if let Some(url) = &args.admin_url {
            // Running it again keeps the passwords that running nodes use.
            let logins = StoredLogins::read(&configuration.data_dir)?.unwrap_or(names);
            let administrator = Server::from_url(url).context("--admin-url")?;
            logins.for_kernel().create(&administrator).await?;
            logins.write(&configuration.data_dir)?;
        }
        let database = Database::open(configuration).await?;
        let result = async {
            let logins = database.logins(configuration).await?;
            installation::prepare(configuration, &database.cluster(&logins), installation::modules()).await
        };
        let result = result.await;
        database.close().await?;
        result?;
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

fn login(text: &str) -> anyhow::Result<Login> {
    let (user, password) = text.split_once(':').context("a login is given as user:password")?;
    anyhow::ensure!(!user.is_empty() && !password.is_empty(), "a login is given as user:password");
    Ok(Login { user: user.to_owned(), password: password.to_owned() })
}

/// An address may carry a password; what we print must not.
fn without_login(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => url.to_owned(),
    }
}
