//! Whole packages in every tier.

use cloister_school::import::{ImportSettings, Outcome};

use crate::fixture::{Fixture, bring, counts, dump, issues, platform};

#[tokio::test]
async fn a_school_comes_in_once_in_every_tier() {
    let platform = platform().await;
    for tenant in platform.tenant_in_each_tier().await {
        let report = bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
        assert_eq!(issues(&report), "");
        assert_eq!(report.outcome, Outcome::Applied);
        assert_eq!(
            counts(&report),
            "orgs created 2\nacademicSessions created 2\ncourses created 1\nclasses created 2\nusers created 4\n\
             roles created 4\nenrollments created 4\ndemographics created 2\n"
        );
        let people = dump(&platform, &tenant, "person", "sourced_id, name_search, user_ids, grades, version").await;
        assert_eq!(people, [""]);

        let again = bring(&platform, &tenant, &Fixture::school(), &ImportSettings::default()).await.unwrap();
        assert_eq!(
            counts(&again),
            "orgs unchanged 2\nacademicSessions unchanged 2\ncourses unchanged 1\nclasses unchanged 2\nusers unchanged 4\n\
             roles unchanged 4\nenrollments unchanged 4\ndemographics unchanged 2\n"
        );
    }
}
