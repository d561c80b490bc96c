-- Each carries the tenant: a row can only point at a row of the same tenant.

alter table document
    add constraint document_person_fkey foreign key (tenant_id, person_id) references person (tenant_id, id);

alter table document_part
    add constraint document_part_document_fkey foreign key (tenant_id, document_id) references document (tenant_id, id);

alter table person_photo
    add constraint person_photo_person_fkey foreign key (tenant_id, person_id) references person (tenant_id, id);

alter table contact
    add constraint contact_court_order_fkey
        foreign key (tenant_id, court_order_document_id) references document (tenant_id, id);
