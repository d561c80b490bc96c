//! All SQL of the registry.

use cloister_postgres::statements;

macro_rules! entry_columns {
    () => {
        "select t.id, t.slug, t.display_name, t.kind, t.status, t.tier, t.locale, t.time_zone, t.maintenance,
                t.maintenance_message, t.plan, t.limits, t.generation, d.cluster_id, d.name as database_name, p.schema_name, p.epoch,
                array(select host from domain where tenant_id = t.id and verified_at is not null) as hosts,
                array(select k.version from data_key k where k.tenant_id = t.id order by k.version) as key_versions,
                array(select k.wrapped from data_key k where k.tenant_id = t.id order by k.version) as data_keys
         from tenant t
         left join placement p on p.tenant_id = t.id
         left join database d on d.id = p.database_id "
    };
}

macro_rules! tenant_columns {
    () => {
        "select t.id, t.slug, t.display_name, t.legal_name, t.kind, t.status, t.tier, t.plan, t.region, t.locale,
                t.time_zone, t.contact_name, t.contact_email, t.contact_phone, t.address, t.trial_start_date,
                t.trial_end_date, t.demo, t.limits, t.maintenance, t.maintenance_message, t.suspended_reason, t.purge_after,
                array(select host from domain where tenant_id = t.id order by host) as domains,
                d.name as database_name, p.schema_name, p.epoch, t.version, t.created_at, t.created_by, t.updated_at,
                t.updated_by, t.deleted_at, t.deleted_by,
                (select w.id from workflow w where w.tenant_id = t.id and w.state in ('running', 'undoing', 'failed'))
                    as workflow_id
         from tenant t
         left join placement p on p.tenant_id = t.id
         left join database d on d.id = p.database_id "
    };
}

macro_rules! plan_columns {
    () => {
        "name, title, limits, version, created_at, created_by, updated_at, updated_by"
    };
}

macro_rules! tenant_filter {
    () => {
        "($2::text is null or t.status = $2) and ($3::text is null or t.tier = $3)
         and ($5::text is null or starts_with(t.slug, lower($5)) or strpos(lower(t.display_name), lower($5)) > 0)"
    };
}

statements! {
    /// Plans changed since a generation, for the cache.
    PLANS_SINCE = "select name, limits from plan where generation > $1";
    /// Plans by name, after one of them.
    PLANS = concat!("select ", plan_columns!(), " from plan where ($1::text is null or name > $1) order by name limit $2");
    /// The same from the last to the first.
    PLANS_DESC = concat!("select ", plan_columns!(), " from plan where ($1::text is null or name < $1)
        order by name desc limit $2");
    /// One plan.
    PLAN = concat!("select ", plan_columns!(), " from plan where name = $1");
    /// A plan, with the next generation, so that every node reads it.
    INSERT_PLAN = concat!("with g as (update registry_generation set value = value + 1 returning value)
        insert into plan (name, title, limits, generation, created_at, created_by, updated_at, updated_by)
        select $1, $2, $3, g.value, $4, $5, $4, $5 from g returning ", plan_columns!());
    /// What a plan says from now on, if it is still of a version.
    UPDATE_PLAN = concat!("with g as (update registry_generation set value = value + 1 returning value)
        update plan set title = $3, limits = $4, generation = g.value, version = version + 1, updated_at = $5,
            updated_by = $6
        from g where name = $1 and version = $2 returning ", plan_columns!());

    /// Registry entries changed since a generation, for the cache.
    ENTRIES_SINCE = concat!(entry_columns!(), "where t.generation > $1");
    /// One registry entry.
    ENTRY = concat!(entry_columns!(), "where t.id = $1");
    /// Tenants removed since a generation.
    REMOVED_SINCE = "select id, generation from removed_tenant where generation > $1";
    /// Generation of the last change.
    GENERATION = "select value from registry_generation";

    /// One tenant with everything.
    TENANT = concat!(tenant_columns!(), "where t.id = $1");
    /// One tenant by its name in addresses.
    TENANT_BY_SLUG = concat!(tenant_columns!(), "where t.slug = $1");
    /// A page of tenants in the order of their slugs, after one of them.
    TENANTS = concat!(
        tenant_columns!(),
        "where t.slug > $1 and ", tenant_filter!(), " order by t.slug limit $4"
    );
    /// The same from the last to the first, before one of them if it is named.
    TENANTS_DESC = concat!(
        tenant_columns!(),
        "where ($1 = '' or t.slug < $1) and ", tenant_filter!(), " order by t.slug desc limit $4"
    );

    /// A tenant, pending. Takes the next generation in the same statement.
    INSERT_TENANT = "with g as (update registry_generation set value = value + 1 returning value)
        insert into tenant (id, slug, display_name, legal_name, kind, status, tier, plan, region, locale, time_zone,
            contact_name, contact_email, contact_phone, address, trial_start_date, trial_end_date, demo, generation,
            created_at, created_by, updated_at, updated_by)
        select $1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, g.value,
            $18, $19, $18, $19 from g";
    /// A key for a tenant's encrypted columns.
    INSERT_DATA_KEY = "insert into data_key (tenant_id, version, wrapped, created_at) values ($1, $2, $3, $4)";
    /// Destroys a tenant's keys. Takes the next generation, so that every node forgets them.
    DESTROY_DATA_KEYS = "with g as (update registry_generation set value = value + 1 returning value),
        gone as (delete from data_key where tenant_id = $1)
        update tenant set generation = g.value from g where id = $1";
    /// A host name of a tenant.
    INSERT_DOMAIN = "insert into domain (id, tenant_id, host, verified_at, created_at, created_by)
        values ($1, $2, $3, $4, $4, $5)";
    /// Moves a tenant from one of some states to another; no row when it is in none of them.
    SET_STATUS = "with g as (update registry_generation set value = value + 1 returning value)
        update tenant set status = $3, generation = g.value, version = version + 1, updated_at = $4, updated_by = $5
        from g where id = $1 and status = any($2) returning tenant.version";
    /// Marks a tenant suspended, with the reason its people are told.
    SET_SUSPENDED = "with g as (update registry_generation set value = value + 1 returning value)
        update tenant set status = 'suspended', suspended_reason = $2, generation = g.value, version = version + 1,
            updated_at = $3, updated_by = $4
        from g where id = $1 and status in ('active', 'suspended') returning tenant.version";
    /// Opens a tenant again.
    SET_ACTIVE = "with g as (update registry_generation set value = value + 1 returning value)
        update tenant set status = 'active', suspended_reason = null, purge_after = null, deleted_at = null,
            deleted_by = null, generation = g.value, version = version + 1, updated_at = $2, updated_by = $3
        from g where id = $1 and status in ('preparing', 'suspended', 'deleted', 'active') returning tenant.version";
    /// Marks a tenant deleted, to be removed when its days of grace are over.
    SET_DELETED = "with g as (update registry_generation set value = value + 1 returning value)
        update tenant set status = 'deleted', purge_after = $2, deleted_at = coalesce(deleted_at, $3),
            deleted_by = coalesce(deleted_by, $4), generation = g.value, version = version + 1, updated_at = $3,
            updated_by = $4
        from g where id = $1 and status in ('active', 'suspended', 'failed', 'deleted') returning tenant.version";
    /// Marks a tenant as being removed for good.
    SET_PURGING = "with g as (update registry_generation set value = value + 1 returning value)
        update tenant set status = 'purging', deleted_at = coalesce(deleted_at, $2), deleted_by = coalesce(deleted_by, $3),
            generation = g.value, version = version + 1, updated_at = $2, updated_by = $3
        from g where id = $1 and status in ('deleted', 'failed', 'purging', 'pending', 'preparing')
        returning tenant.version";
    /// Maintenance on or off.
    SET_MAINTENANCE = "with g as (update registry_generation set value = value + 1 returning value)
        update tenant set maintenance = $2, maintenance_message = $3, generation = g.value, version = version + 1,
            updated_at = $4, updated_by = $5
        from g where id = $1 returning tenant.version";
    /// Whatever of a tenant may be changed while it lives, if it is still of a version.
    UPDATE_TENANT = "with g as (update registry_generation set value = value + 1 returning value)
        update tenant set display_name = $3, legal_name = $4, plan = $5, locale = $6, time_zone = $7, contact_name = $8,
            contact_email = $9, contact_phone = $10, address = $11, trial_start_date = $12, trial_end_date = $13,
            maintenance = $14, maintenance_message = $15, limits = $16, generation = g.value, version = version + 1,
            updated_at = $17, updated_by = $18
        from g where id = $1 and version = $2 returning tenant.version";
    /// Removes a tenant's row and leaves a mark for nodes that were away.
    REMOVE_TENANT = "with g as (update registry_generation set value = value + 1 returning value),
        gone as (delete from tenant where id = $1 returning id),
        chain as (delete from audit_head where chain = $1)
        insert into removed_tenant (id, generation, removed_at)
        select $1, g.value, $2 from g on conflict (id) do update set generation = excluded.generation";
    /// Tenants whose days of grace are over.
    PURGE_DUE = "select id from tenant where status = 'deleted' and purge_after <= $1 order by purge_after limit $2";
    /// Gives a tenant the next generation, so that every node reads it again.
    TOUCH = "with g as (update registry_generation set value = value + 1 returning value)
        update tenant set generation = g.value from g where id = $1";
    /// Tells every node.
    NOTIFY = "select pg_notify('cloister_registry', $1::text)";

    /// Where a tenant's rows are.
    PLACEMENT = "select p.database_id, d.cluster_id, d.name, p.schema_name, p.epoch, p.state, d.purpose
        from placement p join database d on d.id = p.database_id where p.tenant_id = $1";
    /// Every place of a tenant, as the registry has it, where something should be there.
    PLACES = "select p.tenant_id, p.database_id, p.schema_name, p.epoch, p.digest, t.tier,
            case t.status when 'active' then 'open' else 'closed' end as fence,
            exists (select from workflow w where w.tenant_id = p.tenant_id and w.state in ('running', 'undoing')) as is_moving
        from placement p join tenant t on t.id = p.tenant_id
        where t.status not in ('pending', 'preparing', 'failed', 'purging')";
    /// Schemas that there may be besides, of tenants that are being made or removed.
    UNSETTLED = "select p.tenant_id, p.database_id, p.schema_name, t.status in ('pending', 'preparing') as is_being_made
        from placement p join tenant t on t.id = p.tenant_id
        where t.status in ('pending', 'preparing', 'failed', 'purging')";
    /// Records where a tenant's rows will be.
    INSERT_PLACEMENT = "insert into placement (tenant_id, database_id, schema_name, epoch, state, updated_at)
        values ($1, $2, $3, 1, 'preparing', $4) on conflict (tenant_id) do nothing";
    /// Follows the fence.
    SET_PLACEMENT = "update placement set state = $2, epoch = $3, updated_at = $4 where tenant_id = $1";
    /// Forgets where a tenant's rows were.
    DELETE_PLACEMENT = "delete from placement where tenant_id = $1";
    /// Projects a placement's migrations.
    SET_PLACEMENT_DIGEST = "update placement set digest = $3 where database_id = $1 and schema_name = $2";

    /// Known clusters.
    CLUSTERS = "select id, name, region from cluster order by name";
    /// A cluster, if it is not known yet.
    INSERT_CLUSTER = "insert into cluster (id, name, region, created_at) values ($1, $2, $3, $4)
        on conflict (name) do nothing";
    /// Databases with the tenants placed in each.
    DATABASES = "select d.id, d.cluster_id, d.name, d.purpose, d.plumbing_digest, d.shared_digest,
            (select count(*) from placement p where p.database_id = d.id) as placements
        from database d order by d.id";
    /// A database for schemas with room for one more.
    SCHEMA_DATABASE = "select d.id, d.name from database d
        where d.cluster_id = $1 and d.purpose = 'schemas'
          and (select count(*) from placement p where p.database_id = d.id) < $2
        order by d.id limit 1";
    /// The database of the shared tables.
    SHARED_DATABASE = "select id, name from database where cluster_id = $1 and purpose = 'shared' order by id limit 1";
    /// Records a database.
    INSERT_DATABASE = "insert into database (id, cluster_id, name, purpose, created_at) values ($1, $2, $3, $4, $5)
        on conflict (cluster_id, name) do update set purpose = excluded.purpose returning id";
    /// Forgets a database.
    DELETE_DATABASE = "delete from database where id = $1";
    /// Projects a database's own migrations.
    SET_DATABASE_DIGESTS = "update database set plumbing_digest = $2, shared_digest = $3 where id = $1";
    /// Whether anything at all is not what this program carries, and what was applied to the control plane itself.
    FLEET = "select
            exists (select from database where plumbing_digest is distinct from $1
                or (purpose = 'shared' and shared_digest is distinct from $2))
            or exists (select from placement p join database d on d.id = p.database_id
                where p.digest is distinct from $2 and d.purpose <> 'shared') as behind,
            array(select format('%s %s %s', module, number, checksum) from schema_migration
                where schema_name = 'control' order by module, number) as control";
    /// Databases whose plumbing or shared tables are not what this program carries.
    DATABASES_BEHIND = "select id, cluster_id, name, purpose from database
        where plumbing_digest is distinct from $1 or (purpose = 'shared' and shared_digest is distinct from $2)
        order by id";
    /// Placements in schemas of their own whose tables are not what this program carries.
    PLACEMENTS_BEHIND = "select p.tenant_id, p.database_id, d.cluster_id, d.name, p.schema_name
        from placement p join database d on d.id = p.database_id
        where p.digest is distinct from $1 and d.purpose <> 'shared'
        order by p.tenant_id";

    /// A workflow at its first step, if the tenant is in one of some states. They are looked at under the tenant's lock:
    /// what was asked for a moment too late must not be recorded, for nobody could ever finish it.
    INSERT_WORKFLOW = "insert into workflow (id, kind, tenant_id, state, step, next_run_at, input, requested_by, origin,
            reason, created_at, updated_at)
        select $1, $2, t.id, 'running', 0, clock_timestamp(), $4, $5, $6, $7, $8, $8
        from tenant t where t.id = $3 and t.status = any($9) for update returning id";
    /// One workflow.
    WORKFLOW = "select id, kind, tenant_id, state, step, attempts, input, requested_by, origin, reason, error,
            greatest(0, extract(epoch from next_run_at - clock_timestamp()) * 1000)::bigint as wait_ms
        from workflow where id = $1";
    /// Takes a workflow for some milliseconds, unless another worker has it or it is not due. Leases go by the database's
    /// clock: nodes need not agree on the time.
    CLAIM_WORKFLOW = "update workflow set lease_owner = $2, lease_until = clock_timestamp() + $3::float8 * interval '1 millisecond'
        where id = $1 and state in ('running', 'undoing') and next_run_at <= clock_timestamp()
          and (lease_until is null or lease_until < clock_timestamp())
        returning id, kind, tenant_id, state, step, attempts, input, requested_by, origin, reason, error, 0::bigint as wait_ms";
    /// Workflows that wait for a worker.
    DUE_WORKFLOWS = "select id from workflow
        where state in ('running', 'undoing') and next_run_at <= clock_timestamp()
          and (lease_until is null or lease_until < clock_timestamp())
        order by next_run_at limit $1";
    /// Keeps a workflow a while longer.
    RENEW_WORKFLOW = "update workflow set lease_until = clock_timestamp() + $3::float8 * interval '1 millisecond'
        where id = $1 and lease_owner = $2 returning id";
    /// Where a workflow stands now. Only its holder may say so; with `$8` it keeps holding it, from now for `$10`
    /// milliseconds: many short steps may take longer than one lease.
    SAVE_WORKFLOW = "update workflow set state = $3, step = $4, attempts = $5,
            next_run_at = clock_timestamp() + $6::float8 * interval '1 millisecond', error = $7,
            lease_until = case when $8 then clock_timestamp() + $10::float8 * interval '1 millisecond' end, lease_owner = case when $8 then lease_owner end,
            updated_at = $9
        where id = $1 and lease_owner = $2 returning id";
    /// Sets a failed workflow going again, onward or backward.
    RESTART_WORKFLOW = "update workflow set state = $2, attempts = 0,
            -- Backward begins with the step that failed: it may be half done.
            step = case when $2 = 'undoing' then step + 1 else step end, next_run_at = clock_timestamp(), error = null,
            lease_owner = null, lease_until = null, updated_at = $3
        where tenant_id = $1 and state = 'failed' returning id, kind";
    /// What a step did.
    LOG_STEP = "insert into workflow_step (workflow_id, step, outcome, message, at) values ($1, $2, $3, $4, $5)";
    /// Everything a tenant's workflows did, in order.
    STEPS = "select w.id, w.kind, w.state, s.step, s.outcome, s.message, s.at
        from workflow w join workflow_step s on s.workflow_id = w.id where w.tenant_id = $1 order by w.created_at, s.ordinal";
    /// How far a tenant's latest workflow of a kind got.
    PROGRESS = "select w.id, w.state, w.step,
            array(select s.step from workflow_step s where s.workflow_id = w.id and s.outcome = 'done' order by s.ordinal)
                as done,
            array(select s.at from workflow_step s where s.workflow_id = w.id and s.outcome = 'done' order by s.ordinal)
                as done_at
        from workflow w where w.tenant_id = $1 and w.kind = $2 order by w.created_at desc, w.id desc limit 1";
    /// Forgets the finished workflows of a tenant that is gone, except the one that removes it.
    DELETE_WORKFLOWS = "delete from workflow where tenant_id = $1 and id <> $2";

    /// An entry of the platform's own audit log. A step that is repeated names the same id and writes nothing more.
    AUDIT = "with noted as (
            insert into audit (id, at, actor, account_id, acting_as, action, tenant_id, resource, resource_id, client,
                request_id, reason, changes)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (id) do nothing returning id, at)
        insert into audit_unsealed (audit_id, at) select id, at from noted";
    /// Forgets what the audit log says of a tenant beside what happened to it and when.
    REDACT_AUDIT = "update audit set changes = null, resource_id = null, client = null where tenant_id = $1";
}
