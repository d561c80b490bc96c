alter table note add constraint note_parent_fkey foreign key (tenant_id, parent_id) references note (tenant_id, id);
