//! Every SQL text is prepared against the migrated schema, and none that runs for a tenant reaches beyond it, even with row
//! security out of the way.

use std::collections::BTreeSet;

use cloister_postgres::Statement;
use cloister_tenancy::{Plane, Tier, kernel_statements};
use cloister_testkit::{Notebook, TestPlatform, statement_faults, statements_of};

fn of(plane: Plane) -> Vec<&'static Statement> {
    let lists = kernel_statements().into_iter().filter(|(of, _)| *of == plane);
    lists.flat_map(|(_, list)| list.iter().copied()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_of_the_kernel_can_be_prepared_where_it_runs() {
    let platform = TestPlatform::start().await;
    let tenant = platform.tenant("anybody", Tier::Shared).await;
    let control = format!("{}_control", platform.prefix);
    let shared = tenant.placement.as_ref().unwrap().database.to_string();
    let mut wrong = Vec::new();
    for (plane, server, database, schema) in [
        (Plane::Control, &platform.cluster.application, control, "control"),
        (Plane::System, &platform.cluster.system, shared, "cloister"),
    ] {
        let client = server.connect(&database).await.unwrap();
        client
            .batch_execute(&format!("set search_path = {schema}; set plan_cache_mode = force_generic_plan"))
            .await
            .unwrap();
        let statements = of(plane);
        assert!(statements.len() > 5, "{plane:?}");
        for statement in statements {
            match client.prepare(statement.sql()).await {
                Err(error) => wrong.push(format!("{}: {error:?}", statement.name())),
                // EXPLAIN asks for the rights to it as well.
                Ok(ready) => {
                    let nulls = vec!["null"; ready.params().len()].join(", ");
                    let call = if nulls.is_empty() { nulls } else { format!("({nulls})") };
                    let text = format!("prepare p as {}; explain execute p{call}; deallocate p", statement.sql());
                    if let Err(error) = client.batch_execute(&text).await {
                        wrong.push(format!("{}: {error:?}", statement.name()));
                        let _ = client.batch_execute("deallocate all").await;
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_that_runs_for_a_tenant_reaches_beyond_it() {
    let platform = TestPlatform::start().await;
    let statements = of(Plane::Tenant);
    assert!(statements.len() > 5);
    let mut faults = statement_faults(&platform, &statements).await;
    // The kernel's own way to let one large piece of work go on at a time: a lock that is tried, never waited for, whose key
    // is made of the tenant. A module's statement may not take one. And the time of its statements, for this transaction.
    let lock = faults.remove("cloister_tenancy::tx::WORK_ALONE");
    assert_eq!(lock, Some(["calls pg_try_advisory_xact_lock", "calls set_config"].map(str::to_owned).to_vec()));
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The checker sees what is wrong: these were written to be refused. Everything else in the notebook is in order.
#[tokio::test(flavor = "multi_thread")]
async fn careless_hostile_lingering_and_wandering_statements_are_found_out() {
    let platform = TestPlatform::start().await;
    let modules: Vec<std::sync::Arc<dyn cloister_tenancy::Module>> = vec![std::sync::Arc::new(Notebook)];
    let faults = statement_faults(&platform, &statements_of(&modules)).await;
    let found: BTreeSet<&str> = faults.keys().map(|name| name.rsplit("::").next().unwrap()).collect();
    assert_eq!(found, BTreeSet::from(["CARELESS", "HOSTILE", "LINGER", "WANDER"]), "{faults:#?}");
    let said = |name: &str| faults.iter().find(|(key, _)| key.ends_with(name)).unwrap().1.join("; ");
    assert_eq!(said("CARELESS"), "Seq Scan of note (note) is not held to tenant_id = $1");
    assert_eq!(said("HOSTILE"), "puts a row into note whose tenant_id is `$2` and not $1");
    assert_eq!(said("LINGER"), "calls pg_sleep");
    assert_eq!(said("WANDER"), "calls set_config");
}

/// More ways to reach beyond, each a statement as somebody might write it.
mod bad {
    use cloister_postgres::statements;

    statements! {
        /// No tenant in the inner half of a join.
        JOIN = "select a.id from note a join note b on b.id = a.parent_id where a.tenant_id = $1";
        /// Nor in a sub-select.
        SUBSELECT = "select id, (select count(*) from note b where b.parent_id = a.id) from note a where tenant_id = $1";
        /// One arm of two.
        EITHER = "select id from note where tenant_id = $1 or label = $2";
        /// The result of a sub-select that EXPLAIN may call `$1`.
        INITPLAN = "select id from note where tenant_id = (select max(x) from unnest(array[$2::text, $1::uuid::text]) x)::uuid";
        /// Another parameter.
        OTHER = "select id from note where tenant_id = $2 and $1::uuid is not null";
        /// Moves a row.
        MOVE = "update note set body = $3, tenant_id = $2 where tenant_id = $1 and id = $4";
        /// Deletes everybody's.
        DELETE = "delete from note where id = $2 and $1::uuid is not null";
        /// Copies everybody's.
        COPY = "insert into note (tenant_id, id, body) select tenant_id, $2, body from note where $1::uuid is not null";
        /// The second row is somebody else's.
        ROWS = "insert into note (tenant_id, id, body) values ($1, $2, 'a'), ($3, $2, 'b')";
        /// Looks at the server.
        SERVER = "select query from pg_stat_activity where $1::uuid is not null";
        /// By a function.
        FUNCTION = "select query from pg_stat_get_activity(null) where $1::uuid is not null";
        /// Takes no tenant.
        NOBODY = "select 1";
        /// Takes something else first.
        MIXED = "select id from note where id = $2 and body = $1 and tenant_id = $3";
        /// Names a column that is not there.
        MISSING = "select title from note where tenant_id = $1";
        /// Lives on after the transaction.
        LASTING = "create temporary table lasting (id uuid)";
        /// Hides a table.
        HIDING = "create temporary table note (id uuid) on commit drop";
        /// Is about no rows.
        PATH = "set search_path = public";
        /// Moves a row with another column.
        MOVE_PAIR = "update note set (tenant_id, body) = ($2, $3) where tenant_id = $1 and id = $4";
        /// Moves one that is there already.
        MOVE_CONFLICT = "insert into note (tenant_id, id, body) values ($1, $2, 'a') on conflict (tenant_id, id)
            do update set (tenant_id, body) = ($3::uuid, excluded.body)";
        /// Moves within a table expression.
        MOVE_WITH = "with moved as (update note set body = 'a', \"tenant_id\" = $2 where tenant_id = $1 returning id) select id from moved";
        /// The tenant is not in the first place.
        ROWS_ORDER = "insert into note (id, tenant_id, body) values ($1, $2, 'a'), ($1, $3, 'b')";
        /// Nor where it seems to be.
        ROWS_SWAPPED = "insert into note (tenant_id, id, body) select b, a, 'c' from (values ($1::uuid, $2::uuid), ($1, $3)) as v (a, b)";
        /// It is worked out.
        ROWS_WORKED_OUT = "insert into note (tenant_id, id, body) select coalesce(b, a), a, 'c' from (values ($1::uuid, $2::uuid), ($1, $3)) as v (a, b)";
        /// The second arm of a union.
        ROWS_UNION = "insert into note (tenant_id, id, body) select a, b, 'c' from (values ($1::uuid, $2::uuid), ($1, $3)) as v (a, b)
            union all select a, b, 'd' from (values ($2::uuid, $3::uuid), ($3, $3)) as v (a, b)";
        /// The fourth result of a sub-select, which EXPLAIN may call `$3`.
        INITPLANS = "select id from note where id in ((select $1::uuid where random() < 1), (select $2::uuid where random() < 2),
                (select $2::uuid where random() < 3)) and tenant_id = (select $2::uuid where random() < 4)";
        /// Runs a text as a statement.
        QUERY = "select query_to_xml('select * from note', true, true, '')::text where $1::uuid is not null";
        /// Shows a whole table.
        TABLE = "select table_to_xml('note', true, true, '')::text where $1::uuid is not null";
        /// Shows a schema.
        SCHEMA = "select schema_to_xml('shared', true, true, '')::text where $1::uuid is not null";
        /// Counts words of everybody.
        WORDS = "select (ts_stat('select to_tsvector(body) from note')).word where $1::uuid is not null";
        /// Runs a text to rewrite a search.
        REWRITE = "select ts_rewrite('a'::tsquery, 'select body::tsquery, body::tsquery from note')::text where $1::uuid is not null";
        /// Tells what everybody has.
        SIZE = "select pg_relation_size('note') where $1::uuid is not null";
        /// Becomes another tenant.
        BECOME = "select cloister.enter_read($2, $3, $4) where $1::uuid is not null";
        /// Fills a temporary table with everybody's rows.
        STAGED = "create temporary table stage_all on commit drop as select * from note";
        /// May not be done by requests.
        FENCE = "update cloister.fence set epoch = 9 where tenant_id = $1";
    }
}

/// Right, though not at first sight.
mod good {
    use cloister_postgres::statements;

    statements! {
        /// Held by way of the join.
        JOIN = "select a.id, b.body from note a left join note b on b.tenant_id = a.tenant_id and b.id = a.parent_id
            where a.tenant_id = $1 order by a.id limit $2";
        /// Both arms.
        EITHER = "select id from note where (tenant_id = $1 and id = $2) or (tenant_id = $1 and label = $3)";
        /// A sub-select that is held, beside one whose result EXPLAIN calls `$0`.
        SUBSELECT = "select id, (select count(*) from note b where b.tenant_id = $1 and b.parent_id = a.id)
            from note a where tenant_id = $1 and exists (select from note c where c.tenant_id = a.tenant_id and c.label = $2)";
        /// Through a table expression.
        WITH = "with mine as materialized (select id, body from note where tenant_id = $1)
            update note set body = mine.body from mine where note.tenant_id = $1 and note.parent_id = mine.id returning note.id";
        /// Many rows.
        ROWS = "insert into note (tenant_id, id, body) values ($1, $2, $3), ($1, $4, $5) on conflict (tenant_id, id) do update
            set body = excluded.body where note.tenant_id = $1";
        /// Rows of its own.
        COPY = "insert into note (tenant_id, id, body) select tenant_id, $2, body from note where tenant_id = $1 and id = $3";
        /// The tenant where it likes.
        ROWS_ORDER = "insert into note (id, tenant_id, body) values ($2, $1, $3), ($4, $1, $5)";
        /// By way of a sub-select.
        ROWS_SELECT = "insert into note (tenant_id, id, body) select b, a, 'c' from (values ($2::uuid, $1::uuid), ($3, $1)) as v (a, b)";
        /// Several columns at once.
        PAIR = "update note set (label, body) = ($2, $3) where tenant_id = $1 and id = $4";
        /// Functions that look at what they are given.
        CALLS = "select upper(body), now(), jsonb_build_object('id', id), concat(label, body), date_trunc('day', $2::timestamptz),
            $2::timestamptz + interval '1 day' > now(), $2::date < now(), count(*) over (), array_agg(id) over ()
            from note where tenant_id = $1 order by lower(body) collate \"C\"";
        /// Many rows from arrays.
        ARRAYS = "insert into note (tenant_id, id, body) select $1, id, body from unnest($2::uuid[], $3::text[]) as new (id, body)";
        /// Ten parameters and more.
        MANY = "select $2::int + $3 + $4 + $5 + $6 + $7 + $8 + $9 + $10 + $11 from note where tenant_id = $1 and id = $12";
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_ways_to_reach_beyond_are_found_out_too() {
    let platform = TestPlatform::start().await;
    // One at a time: a temporary table of one statement is visible to those after it.
    for statement in bad::STATEMENTS {
        let faults = statement_faults(&platform, &[statement]).await;
        let said =
            faults.get(statement.name()).unwrap_or_else(|| panic!("{} was let through", statement.name())).join("; ");
        // For what it does, not for what its author mistook.
        let mistaken = ["MISSING", "FENCE"].iter().any(|name| statement.name().ends_with(name));
        assert!(mistaken || !said.contains(" (42"), "{}: {said}", statement.name());
    }
    let faults = statement_faults(&platform, good::STATEMENTS).await;
    assert!(faults.is_empty(), "{faults:#?}");
}
