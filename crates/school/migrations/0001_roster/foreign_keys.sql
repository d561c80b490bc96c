-- Each carries the tenant: a row can only point at a row of the same tenant.

alter table org
    add constraint org_parent_fkey foreign key (tenant_id, parent_id) references org (tenant_id, id);

alter table academic_session
    add constraint academic_session_parent_fkey
        foreign key (tenant_id, parent_id) references academic_session (tenant_id, id);

alter table course
    add constraint course_org_fkey foreign key (tenant_id, org_id) references org (tenant_id, id),
    add constraint course_school_year_fkey
        foreign key (tenant_id, school_year_id) references academic_session (tenant_id, id);

alter table class
    add constraint class_course_fkey foreign key (tenant_id, course_id) references course (tenant_id, id),
    add constraint class_school_fkey foreign key (tenant_id, school_id) references org (tenant_id, id);

alter table class_term
    add constraint class_term_class_fkey foreign key (tenant_id, class_id) references class (tenant_id, id),
    add constraint class_term_academic_session_fkey
        foreign key (tenant_id, academic_session_id) references academic_session (tenant_id, id);

alter table person
    add constraint person_primary_org_fkey foreign key (tenant_id, primary_org_id) references org (tenant_id, id);

alter table person_role
    add constraint person_role_person_fkey foreign key (tenant_id, person_id) references person (tenant_id, id),
    add constraint person_role_org_fkey foreign key (tenant_id, org_id) references org (tenant_id, id);

alter table enrollment
    add constraint enrollment_class_fkey foreign key (tenant_id, class_id) references class (tenant_id, id),
    add constraint enrollment_school_fkey foreign key (tenant_id, school_id) references org (tenant_id, id),
    add constraint enrollment_person_fkey foreign key (tenant_id, person_id) references person (tenant_id, id);

alter table demographics
    add constraint demographics_person_fkey foreign key (tenant_id, person_id) references person (tenant_id, id);
