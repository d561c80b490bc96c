-- Each carries the tenant: a row can only point at a row of the same tenant.

alter table class_period
    add constraint class_period_school_fkey foreign key (tenant_id, school_id) references org (tenant_id, id);

alter table bell_schedule
    add constraint bell_schedule_school_fkey foreign key (tenant_id, school_id) references org (tenant_id, id);

alter table bell_schedule_period
    add constraint bell_schedule_period_bell_schedule_fkey
        foreign key (tenant_id, bell_schedule_id) references bell_schedule (tenant_id, id),
    add constraint bell_schedule_period_class_period_fkey
        foreign key (tenant_id, class_period_id) references class_period (tenant_id, id);

alter table calendar_date
    add constraint calendar_date_school_fkey foreign key (tenant_id, school_id) references org (tenant_id, id),
    add constraint calendar_date_bell_schedule_fkey
        foreign key (tenant_id, bell_schedule_id) references bell_schedule (tenant_id, id);

alter table room
    add constraint room_school_fkey foreign key (tenant_id, school_id) references org (tenant_id, id);

alter table meeting
    add constraint meeting_class_fkey foreign key (tenant_id, class_id) references class (tenant_id, id),
    add constraint meeting_class_period_fkey
        foreign key (tenant_id, class_period_id) references class_period (tenant_id, id),
    add constraint meeting_room_fkey foreign key (tenant_id, room_id) references room (tenant_id, id),
    add constraint meeting_teacher_fkey foreign key (tenant_id, teacher_id) references person (tenant_id, id);
