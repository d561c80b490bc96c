-- Each carries the tenant: a row can only point at a row of the same tenant.

alter table allergy
    add constraint allergy_student_fkey foreign key (tenant_id, student_id) references person (tenant_id, id);

alter table health_condition
    add constraint health_condition_student_fkey foreign key (tenant_id, student_id) references person (tenant_id, id);

alter table medication
    add constraint medication_student_fkey foreign key (tenant_id, student_id) references person (tenant_id, id);

alter table immunization
    add constraint immunization_student_fkey foreign key (tenant_id, student_id) references person (tenant_id, id);

alter table health_visit
    add constraint health_visit_student_fkey foreign key (tenant_id, student_id) references person (tenant_id, id);
