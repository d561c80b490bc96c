//! Whatever the bytes, the reader gives an answer.

use proptest::prelude::*;

use super::fixture::{Fixture, read_bytes};
use crate::oneroster::{File, FileMode, Mode, Row, Settings, Version};

/// Text that looks like CSV more often than chance would have it.
fn csv_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(",".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\r".to_owned()),
        Just("\"".to_owned()),
        Just("active".to_owned()),
        Just("2024-08-01".to_owned()),
        Just("1/05/2023".to_owned()),
        Just("true".to_owned()),
        Just("{a:b}".to_owned()),
        Just("school".to_owned()),
        "[a-zA-Z0-9é, :/.-]{0,12}",
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn any_mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Strict), Just(Mode::Lenient)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..2000), mode in any_mode()) {
        let _ = read_bytes(bytes, &Settings::new(mode));
    }

    #[test]
    fn a_package_with_damaged_bytes_is_refused_or_read(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        mode in any_mode(),
    ) {
        let mut bytes = Fixture::v1_2().zip();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = read_bytes(bytes, &Settings::new(mode));
    }

    #[test]
    fn any_file_content_is_read_or_reported(
        file in prop::sample::select(File::ALL),
        content in prop_oneof![csv_like().prop_map(String::into_bytes), proptest::collection::vec(any::<u8>(), 0..500)],
        with_header in any::<bool>(),
        delta in any::<bool>(),
        mode in any_mode(),
    ) {
        let mut fixture = Fixture::v1_2();
        fixture.rows(file, Version::V1_2, &[]);
        let header = if with_header { fixture.files[file.file_name()].clone() } else { Vec::new() };
        fixture.files.insert(file.file_name().to_owned(), [header, content].concat());
        fixture.manifest(Version::V1_2, if delta { FileMode::Delta } else { FileMode::Bulk });
        if let Ok((rows, report)) = read_bytes(fixture.zip(), &Settings::new(mode)) {
            let rejected = rows.iter().filter(|row| matches!(row, Row::Rejected(_))).count();
            // A row that is not handed on is always explained.
            prop_assert!(rejected == 0 || report.findings.has_errors());
            for summary in &report.files {
                prop_assert_eq!(summary.rows, summary.accepted + summary.rejected + summary.ignored);
            }
            let texts = report.findings.issues().iter().filter_map(|issue| issue.value.as_ref());
            prop_assert!(texts.into_iter().all(|text| text.chars().count() <= 80));
        }
    }

    #[test]
    fn any_manifest_is_read_or_reported(content in csv_like(), mode in any_mode()) {
        let mut fixture = Fixture::v1_2();
        fixture.text("manifest.csv", &format!("propertyName,value\n{content}"));
        let _ = read_bytes(fixture.zip(), &Settings::new(mode));
    }

    /// What is written by the rules of RFC 4180 comes back as it was.
    #[test]
    fn quoted_text_survives(text in "[^\\r\\p{Cc}]{1,200}") {
        prop_assume!(!text.trim().is_empty());
        let mut fixture = Fixture::v1_2();
        fixture.change("orgs.csv", "North School", &format!("\"{}\"", text.replace('"', "\"\"")));
        let (rows, _) = fixture.read(&Settings::new(Mode::Strict));
        let Row::Org(org) = &rows[0] else { panic!("{rows:?}") };
        prop_assert_eq!(&org.name, &text);
    }
}
