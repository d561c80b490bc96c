//! Every table of tenants, tried by another tenant.

use cloister_tenancy::{Rights, kernel_tables};

use crate::{
    Ground, catalog, holes, modules,
    report::{self, Noticed},
    seed,
    trial::Trial,
};

/// What was declared of each table.
fn rights(tables: &[catalog::Table]) -> Vec<Rights> {
    let modules = modules();
    let of_modules = modules.iter().flat_map(|module| module.migrations().iter().flat_map(|change| change.made));
    let declared: Vec<_> = of_modules.collect();
    let of = |table: &catalog::Table| {
        let known = if table.schema == "cloister" {
            kernel_tables().find(|known| known.name == table.name)
        } else {
            declared.iter().copied().find(|known| known.name == table.name)
        };
        known.unwrap_or_else(|| panic!("{} was declared by nobody", table.title())).rights
    };
    tables.iter().map(of).collect()
}

#[tokio::test]
async fn another_tenants_rows_are_out_of_reach() {
    let ground = Ground::new().await;
    let client = &ground.admin;
    let tables = catalog::tables(client, ground.schema()).await;
    let rights = rights(&tables);
    seed::fill(client, &tables, [ground.theirs.id, ground.ours.id]).await;
    let application = ground.platform.cluster.application.user();
    let trial = Trial { client, application, ours: ground.ours.id, theirs: ground.theirs.id };
    let begin = format!("begin; set local walls.ours = '{}'", ground.ours.id.uuid());

    client.batch_execute(&begin).await.unwrap();
    for (table, rights) in tables.iter().zip(&rights) {
        assert_eq!(trial.fault(table, *rights).await, None);
        assert_eq!(trial.making(table).await, None);
        // Where a right stands before the policy, the policy holds without it too.
        let give =
            format!("savepoint given; grant select, insert, update, delete on {} to \"{application}\"", table.path());
        client.batch_execute(&give).await.unwrap();
        assert_eq!(trial.fault(table, Rights::Write).await, None);
        client.batch_execute("rollback to given").await.unwrap();
    }
    client.batch_execute("rollback").await.unwrap();

    let Some(path) = report::wanted() else { return };
    let mut noticed = Vec::new();
    for hole in holes::all(&tables, &rights, application) {
        let text = format!("{begin}; {}", hole.sql);
        client.batch_execute(&text).await.unwrap_or_else(|error| panic!("{}: {text}: {error:?}", hole.name));
        let table = &tables[hole.table];
        let by = match trial.fault(table, hole.rights).await {
            Some(fault) => Some(fault),
            None => trial.making(table).await,
        };
        client.batch_execute("rollback").await.unwrap();
        noticed.push(Noticed { hole: hole.name, by, otherwise: String::new() });
    }
    report::add(&path, &noticed);
}
