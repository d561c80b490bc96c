-- Each carries the tenant: a row can only point at a row of the same tenant.

alter table contact
    add constraint contact_student_fkey foreign key (tenant_id, student_id) references person (tenant_id, id),
    add constraint contact_contact_fkey foreign key (tenant_id, contact_id) references person (tenant_id, id);

alter table family_member
    add constraint family_member_family_fkey foreign key (tenant_id, family_id) references family (tenant_id, id),
    add constraint family_member_person_fkey foreign key (tenant_id, person_id) references person (tenant_id, id);

alter table staff_assignment
    add constraint staff_assignment_person_fkey foreign key (tenant_id, person_id) references person (tenant_id, id),
    add constraint staff_assignment_org_fkey foreign key (tenant_id, org_id) references org (tenant_id, id);

alter table person_merge
    add constraint person_merge_kept_fkey foreign key (tenant_id, kept_id) references person (tenant_id, id),
    add constraint person_merge_merged_fkey foreign key (tenant_id, merged_id) references person (tenant_id, id);

alter table person_merge_row
    add constraint person_merge_row_merge_fkey foreign key (tenant_id, merge_id) references person_merge (tenant_id, id);

alter table academic_record
    add constraint academic_record_student_fkey foreign key (tenant_id, student_id) references person (tenant_id, id),
    add constraint academic_record_org_fkey foreign key (tenant_id, org_id) references org (tenant_id, id);

alter table custom_value
    add constraint custom_value_custom_field_fkey
        foreign key (tenant_id, custom_field_id) references custom_field (tenant_id, id),
    add constraint custom_value_person_fkey foreign key (tenant_id, person_id) references person (tenant_id, id),
    add constraint custom_value_org_fkey foreign key (tenant_id, org_id) references org (tenant_id, id),
    add constraint custom_value_course_fkey foreign key (tenant_id, course_id) references course (tenant_id, id),
    add constraint custom_value_class_fkey foreign key (tenant_id, class_id) references class (tenant_id, id);
