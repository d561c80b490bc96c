//! A roster goes out by command, and comes in elsewhere.

use crate::{program::Program, server::TlsServer};

#[tokio::test(flavor = "multi_thread")]
async fn a_roster_goes_from_one_tier_to_another_by_command() {
    let server = TlsServer::start().await;
    let program = Program { data_dir: server.path("node"), url: server.url(&server.verified()) };
    program.succeed(&["init", "--admin-url", &server.admin_url("localhost", &server.verified())]);
    let path = |name: &str| server.path(name).to_str().unwrap().to_owned();
    let (sample, first, second) = (path("sample.zip"), path("first.zip"), path("second.zip"));
    program.succeed(&["sample", &sample, "--students", "40"]);
    for (slug, tier) in [("north", "shared"), ("south", "schema")] {
        program.succeed(&["tenant", "create", slug, "--tier", tier]);
    }
    program.succeed(&["import", "oneroster", "--strict", "--tenant", "north", &sample]);
    let told = program.succeed(&["export", "oneroster", "--tenant", "north", &first]);
    assert!(told.contains("users.csv") && told.contains("LEFT OUT"), "{told}");
    program.succeed(&["import", "oneroster", "--strict", "--tenant", "south", &first]);
    let told = program.succeed(&["--output", "json", "export", "oneroster", "--tenant", "south", &second]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["files"][7]["file"], "demographics");
    assert_eq!(told["files"][7]["rows"], 40);
    let before = std::fs::read(&first).unwrap();
    assert!(before == std::fs::read(&second).unwrap(), "the two packages differ");

    // What is there stays, unless it is meant to be replaced.
    let refused = program.run(&["export", "oneroster", "--tenant", "south", &first]);
    assert_eq!(refused.code, Some(4), "{}", refused.err);
    assert!(refused.err.contains("--force"), "{}", refused.err);
    program.succeed(&["export", "oneroster", "--tenant", "south", &first, "--force"]);
    assert!(before == std::fs::read(&first).unwrap());

    // A table comes in by command, once it was tried, and goes again.
    let table = path("rooms.csv");
    std::fs::write(&table, "Raum;school;Art\nA 1;Lindgren;classroom\nA 2;Lindgren;laboratory\n").unwrap();
    let school = path("school.csv");
    std::fs::write(&school, "name,type\nLindgren,school\n").unwrap();
    program.succeed(&["import", "table", &school, "--tenant", "south", "--resource", "orgs"]);
    let into = ["import", "table", &table, "--tenant", "south", "--resource", "rooms", "--map", "Art=room_type"];
    let told = program.succeed(&[into.as_slice(), &["--dry-run"]].concat());
    assert!(told.contains("created  row 2 (A 1)") && told.contains("column  Raum: room_number"), "{told}");
    program.succeed(&into);
    let refused = program.run(&into);
    assert!(refused.code != Some(0) && refused.out.contains("error    row 2"), "{} {}", refused.out, refused.err);
    program.succeed(&["import", "undo", "--tenant", "south"]);
    program.succeed(&into);

    // Nothing half written is left behind.
    let nowhere = program.run(&["export", "oneroster", "--tenant", "east", &path("third.zip")]);
    assert_eq!(nowhere.code, Some(3), "{}", nowhere.err);
    let folder = server.path("node").parent().unwrap().to_owned();
    let left = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = left.filter(|name| name.contains("cloister-export") || name.contains("third")).collect();
    assert_eq!(left, Vec::<String>::new());
    server.stop().await;
}
