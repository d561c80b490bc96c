-- Each carries the tenant: a row can only point at a row of the same tenant.

alter table table_change
    add constraint table_change_run_fkey foreign key (tenant_id, run_id) references import_run (tenant_id, id);
