//! What taking an import back needs besides the records themselves: terms of classes, contacts, versions of persons whose
//! roles changed, and room for primary roles.

cloister_tenancy::sql::statements! {
    /// One import at a time is remembered: what was kept for others goes.
    FORGET = "delete from import_change where tenant_id = $1";
    /// And they can no longer be taken back. `$2` now, `$3` who.
    FORGET_RUNS = "update import_run set undoable = false, version = version + 1, updated_at = $2, updated_by = $3
        where tenant_id = $1 and undoable";
    /// Terms of the classes that the import `$2` changes.
    KEEP_TERMS = "update import_change c set parts = array(select x.academic_session_id from class_term x
            where x.tenant_id = $1 and x.class_id = c.record_id)
        where c.tenant_id = $1 and c.run_id = $2 and c.kind = 'class'";
    /// Makes room: two roles may be about to change places. Those that are brought back are released first, but for `$3`, which stay.
    RELEASE_ROLES = "update person_role t set role_type = 'secondary' from import_change c
        where c.tenant_id = $1 and c.run_id = $2 and c.kind = 'person_role' and t.tenant_id = $1 and t.id = c.record_id
        and t.version = c.version_after and t.role_type = 'primary' and t.status = 'active'
        and c.record_id <> all($3::uuid[])";
    /// Terms of classes that were brought back at `$3`: those they had not.
    REMOVE_TERMS = "delete from class_term x using import_change c, class t
        where x.tenant_id = $1 and c.tenant_id = $1 and c.run_id = $2 and c.kind = 'class' and x.class_id = c.record_id
        and t.tenant_id = $1 and t.id = c.record_id and t.updated_at = $3
        and not exists (select from unnest(c.parts) p (part) where p.part = x.academic_session_id)";
    /// And those they had.
    INSERT_TERMS = "insert into class_term (tenant_id, class_id, academic_session_id)
        select $1, c.record_id, p.part from import_change c
        join class t on t.tenant_id = $1 and t.id = c.record_id and t.updated_at = $3
        cross join lateral unnest(c.parts) p (part)
        where c.tenant_id = $1 and c.run_id = $2 and c.kind = 'class'
        on conflict do nothing";
    /// Contacts that the import applied at `$2` made or brought back count no more, and those it ended count again; `$3` now,
    /// `$4` who. What somebody changed since has another time, and stays, as do those of the students `$5`.
    TURN_CONTACTS = "update contact a set status = case a.status when 'active' then 'tobedeleted' else 'active' end,
            date_last_modified = $3::timestamptz, updated_at = $3, updated_by = $4::text, version = a.version + 1
        where a.tenant_id = $1 and a.source = 'import' and a.date_last_modified = $2::timestamptz
        and a.student_id <> all($5::uuid[])";
    /// Roles are part of what is read as the person: when those changed at `$2`, the person's version does. `$3` who.
    TOUCH = "update person p set version = p.version + 1, date_last_modified = $2::timestamptz, updated_at = $2,
            updated_by = $3::text
        from (select distinct t.person_id from person_role t where t.tenant_id = $1 and t.updated_at = $2) c
        where p.tenant_id = $1 and p.id = c.person_id and p.updated_at <> $2";
}
