//! The API document says what the endpoints do.

use cloister_http::openapi;
use cloister_testkit::document_faults;

use crate::http_modules;

#[test]
fn it_keeps_the_rules_of_the_house() {
    let document = serde_json::to_value(openapi(&http_modules())).unwrap();
    assert_eq!(document_faults(&document), Vec::<String>::new());
}
