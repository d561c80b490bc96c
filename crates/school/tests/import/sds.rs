//! Files of Microsoft School Data Sync.

use std::{fs, path::Path};

use cloister_school::{
    import::{ImportReport, ImportSettings, Outcome, import},
    oneroster::{Limits, Package, from_sds},
};
use cloister_tenancy::{TenantEntry, Tier};
use cloister_testkit::TestPlatform;

use crate::{
    fixture::{counts, dump, issues, platform},
    published::published,
};

const FILES: &[(&str, &str)] = &[
    ("orgs.csv", "sourcedId,name,type,parentSourcedId\nd,District,district,\ns,School,school,d\nc,College,college,d\n"),
    (
        "users.csv",
        "sourcedId,username,givenName,familyName,password,activeDirectoryMatchId,email,phone,sms\n\
         sam,sam@x.example,Sam,Small,secret,sam@x.example,,,\n\
         gus,gus@y.example,Gus,Great,secret,,gus@y.example,+1,+2\n\
         tess,tess@x.example,,,secret,,,,\n",
    ),
    (
        "roles.csv",
        "userSourcedId,orgSourcedId,role,sessionSourcedId,grade,isPrimary,roleStartDate,roleEndDate\n\
         sam,s,student,y,10,TRUE,2025-08-24,2026-06-11\n\
         tess,c,professor,y,,FALSE,,\n\
         tess,s,teacher,y,,TRUE,,\n\
         tess,s,faculty,y,,FALSE,,\n",
    ),
    (
        "academicSessions.csv",
        "sourcedId,title,type,schoolYear,startDate,endDate\ny,2026,schoolYear,2026,2025-08-24,2026-06-12\n",
    ),
    ("classes.csv", "sourcedId,orgSourcedId,title,sessionSourcedIds,courseSourcedId\nbio,s,Biology,y,\n"),
    ("enrollments.csv", "classSourcedId,userSourcedId,role\nbio,sam,student\nbio,tess,professor\n"),
    ("relationships.csv", "userSourcedId,relationshipUserSourcedId,relationshipRole\nsam,gus,guardian\n"),
    (
        "demographics.csv",
        "userSourcedId,sex,birthDate,birthCity,birthState,birthCountry,ethnicityCodes,raceCodes\n\
         sam,male,2010-07-02,Seattle,WA,USA,hispanicOrLatinoEthnicity,asian\n",
    ),
    ("userFlags.csv", "userSourcedId,flag\nsam,freeLunch\n"),
];

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn opened(path: &Path) -> Result<Package, String> {
    let files = Package::open(path, Limits::default()).unwrap();
    from_sds(files, tempfile::tempfile().unwrap()).map_err(|error| error.code().to_owned())
}

async fn bring(platform: &TestPlatform, tenant: &std::sync::Arc<TenantEntry>, path: &Path) -> ImportReport {
    let settings = ImportSettings { removal_threshold: 100, ..ImportSettings::default() };
    import(&platform.tenancy, &platform.cx(tenant), opened(path).unwrap(), &settings, &()).await.unwrap()
}

#[tokio::test]
async fn a_folder_comes_in_once_in_every_tier() {
    let platform = platform().await;
    let folder = folder(FILES);
    for tenant in platform.tenant_in_each_tier().await {
        let report = bring(&platform, &tenant, folder.path()).await;
        assert_eq!((report.outcome, issues(&report)), (Outcome::Applied, String::new()));
        assert_eq!(
            counts(&report),
            "orgs created 3\nacademicSessions created 1\ncourses created 1\nclasses created 1\nusers created 3\n\
             roles created 5\nenrollments created 2\ndemographics created 1\n"
        );
        let roles = dump(&platform, &tenant, "person_role", "sourced_id, role, role_type").await;
        assert_eq!(
            roles,
            [
                "gus.s.guardian|guardian|primary",
                "sam.s.student.y|student|primary",
                "tess.c.professor.y|teacher|primary",
                "tess.s.faculty.y|teacher|secondary",
                "tess.s.teacher.y|teacher|primary",
            ]
        );
        let people = dump(&platform, &tenant, "person", "sourced_id, given_name, grades, user_ids").await;
        assert_eq!(
            people,
            [
                "gus|Gus|{}|[]",
                "sam|Sam|{10}|[{\"type\": \"ActiveDirectory\", \"identifier\": \"sam@x.example\"}]",
                "tess|tess@x.example|{}|[]",
            ]
        );
        assert_eq!(dump(&platform, &tenant, "org", "sourced_id, type").await[0], "c|ext:college");
        assert_eq!(
            dump(&platform, &tenant, "enrollment", "sourced_id, role").await,
            ["bio.sam.student|student", "bio.tess.professor|teacher"]
        );
        let asian = "birth_date, asian, white, hispanic_or_latino_ethnicity";
        assert_eq!(dump(&platform, &tenant, "demographics", asian).await, ["2010-07-02|t|t"]);
        let again = counts(&bring(&platform, &tenant, folder.path()).await);
        assert!(!again.contains("created") && !again.contains("removed") && !again.contains(" changed"), "{again}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let without: Vec<_> = FILES.iter().filter(|(name, _)| *name != "roles.csv").copied().collect();
    assert_eq!(opened(folder(&without).path()).unwrap_err(), "sds_file_missing");
    let mut wrong = FILES.to_vec();
    wrong[0].1 = "id,name\nd,District\n";
    assert_eq!(opened(folder(&wrong).path()).unwrap_err(), "sds_column_missing");
}

#[tokio::test]
async fn the_published_sample_comes_in() {
    let Some(folder) = published("sds-2.1") else { return };
    let platform = platform().await;
    let tenant = platform.tenant("north", Tier::Schema).await;
    let report = bring(&platform, &tenant, &folder).await;
    assert_eq!((report.outcome, report.errors), (Outcome::Applied, 0), "{}", issues(&report));
    assert!(counts(&report).contains("users created 8\n"), "{}", counts(&report));
    assert!(counts(&report).contains("enrollments created 6\n"), "{}", counts(&report));
}
