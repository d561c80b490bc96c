-- Each carries the tenant: a row can only point at a row of the same tenant.

alter table student_school_association
    add constraint student_school_association_student_fkey
        foreign key (tenant_id, student_id) references person (tenant_id, id),
    add constraint student_school_association_school_fkey
        foreign key (tenant_id, school_id) references org (tenant_id, id),
    add constraint student_school_association_next_year_school_fkey
        foreign key (tenant_id, next_year_school_id) references org (tenant_id, id);

alter table school_exit_place
    add constraint school_exit_place_association_fkey
        foreign key (tenant_id, association_id) references student_school_association (tenant_id, id),
    add constraint school_exit_place_enrollment_fkey
        foreign key (tenant_id, enrollment_id) references enrollment (tenant_id, id);

alter table year_rollover
    add constraint year_rollover_school_fkey foreign key (tenant_id, school_id) references org (tenant_id, id),
    add constraint year_rollover_from_session_fkey
        foreign key (tenant_id, from_session_id) references academic_session (tenant_id, id),
    add constraint year_rollover_to_session_fkey
        foreign key (tenant_id, to_session_id) references academic_session (tenant_id, id);

alter table year_rollover_student
    add constraint year_rollover_student_rollover_fkey
        foreign key (tenant_id, year_rollover_id) references year_rollover (tenant_id, id),
    add constraint year_rollover_student_association_fkey
        foreign key (tenant_id, association_id) references student_school_association (tenant_id, id),
    add constraint year_rollover_student_next_association_fkey
        foreign key (tenant_id, next_association_id) references student_school_association (tenant_id, id),
    add constraint year_rollover_student_next_school_fkey
        foreign key (tenant_id, next_school_id) references org (tenant_id, id);
