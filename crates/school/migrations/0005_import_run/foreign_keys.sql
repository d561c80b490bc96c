-- Each carries the tenant: a row can only point at a row of the same tenant.

alter table import_part
    add constraint import_part_run_fkey foreign key (tenant_id, run_id) references import_run (tenant_id, id);

alter table import_change
    add constraint import_change_run_fkey foreign key (tenant_id, run_id) references import_run (tenant_id, id);
