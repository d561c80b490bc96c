-- Each carries the tenant: a row can only point at a row of the same tenant.

alter table attendance_register
    add constraint attendance_register_class_fkey foreign key (tenant_id, class_id) references class (tenant_id, id),
    add constraint attendance_register_school_fkey foreign key (tenant_id, school_id) references org (tenant_id, id),
    add constraint attendance_register_class_period_fkey
        foreign key (tenant_id, class_period_id) references class_period (tenant_id, id);

alter table attendance_event
    add constraint attendance_event_student_fkey foreign key (tenant_id, student_id) references person (tenant_id, id),
    add constraint attendance_event_school_fkey foreign key (tenant_id, school_id) references org (tenant_id, id),
    add constraint attendance_event_class_fkey foreign key (tenant_id, class_id) references class (tenant_id, id),
    add constraint attendance_event_class_period_fkey
        foreign key (tenant_id, class_period_id) references class_period (tenant_id, id),
    add constraint attendance_event_code_fkey foreign key (tenant_id, code_id) references attendance_code (tenant_id, id),
    add constraint attendance_event_register_fkey
        foreign key (tenant_id, register_id) references attendance_register (tenant_id, id),
    add constraint attendance_event_supersedes_fkey
        foreign key (tenant_id, supersedes_id) references attendance_event (tenant_id, id);

alter table absence_request
    add constraint absence_request_student_fkey foreign key (tenant_id, student_id) references person (tenant_id, id),
    add constraint absence_request_code_fkey foreign key (tenant_id, code_id) references attendance_code (tenant_id, id);

alter table attendance_event
    add constraint attendance_event_absence_request_fkey
        foreign key (tenant_id, absence_request_id) references absence_request (tenant_id, id);
