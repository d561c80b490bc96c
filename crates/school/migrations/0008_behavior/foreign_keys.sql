-- Each carries the tenant: a row can only point at a row of the same tenant.

alter table discipline_incident
    add constraint discipline_incident_school_fkey foreign key (tenant_id, school_id) references org (tenant_id, id),
    add constraint discipline_incident_reporter_fkey foreign key (tenant_id, reporter_id) references person (tenant_id, id);

alter table incident_participant
    add constraint incident_participant_incident_fkey
        foreign key (tenant_id, incident_id) references discipline_incident (tenant_id, id),
    add constraint incident_participant_person_fkey foreign key (tenant_id, person_id) references person (tenant_id, id),
    add constraint incident_participant_behavior_code_fkey
        foreign key (tenant_id, behavior_code_id) references behavior_code (tenant_id, id);

alter table discipline_action
    add constraint discipline_action_student_fkey foreign key (tenant_id, student_id) references person (tenant_id, id),
    add constraint discipline_action_incident_fkey
        foreign key (tenant_id, incident_id) references discipline_incident (tenant_id, id),
    add constraint discipline_action_school_fkey foreign key (tenant_id, responsibility_school_id) references org (tenant_id, id);

alter table incident_follow_up
    add constraint incident_follow_up_incident_fkey
        foreign key (tenant_id, incident_id) references discipline_incident (tenant_id, id),
    add constraint incident_follow_up_assignee_fkey foreign key (tenant_id, assigned_to_id) references person (tenant_id, id);

alter table incident_letter
    add constraint incident_letter_participant_fkey
        foreign key (tenant_id, participant_id) references incident_participant (tenant_id, id),
    add constraint incident_letter_incident_fkey
        foreign key (tenant_id, incident_id) references discipline_incident (tenant_id, id),
    add constraint incident_letter_student_fkey foreign key (tenant_id, student_id) references person (tenant_id, id),
    add constraint incident_letter_template_fkey
        foreign key (tenant_id, template_id) references incident_letter_template (tenant_id, id);
