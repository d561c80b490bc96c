-- Each carries the tenant: a row can only point at a row of the same tenant.

alter table contact
    add constraint contact_student_fkey foreign key (tenant_id, student_id) references person (tenant_id, id),
    add constraint contact_contact_fkey foreign key (tenant_id, contact_id) references person (tenant_id, id);
