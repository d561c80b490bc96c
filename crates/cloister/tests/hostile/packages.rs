//! Packages made to harm, brought in by the command line while the node serves: refused by name, and nothing of them kept.

use std::{
    fs,
    io::{Cursor, Read, Write},
};

use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::{
    bystander::Bystander,
    injection::UNLIMITED,
    node::Node,
    snapshot::{self, Whose, same},
};

/// Files by name, in their order.
type Files = Vec<(String, Vec<u8>)>;

fn unpacked(bytes: Vec<u8>) -> Files {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|at| {
            let mut file = archive.by_index(at).unwrap();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            (file.name().unwrap().into_owned(), content)
        })
        .collect()
}

fn packed(files: &Files) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The package with `orgs.csv` changed.
fn changed(files: &Files, change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let change = |(name, content): &(String, Vec<u8>)| {
        let content = if name == "orgs.csv" { change(content) } else { content.clone() };
        (name.clone(), content)
    };
    packed(&files.iter().map(change).collect())
}

/// With another row behind the first line, its name being `name`.
fn with_name(files: &Files, name: &[u8]) -> Vec<u8> {
    changed(files, |content| {
        let row = [b"hostile-1,,,".as_slice(), name, b",school,,\n"].concat();
        [content, &row].concat()
    })
}

/// Packages, each with the code that its refusal says.
fn packages(files: &Files) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let plus = |name: &str, content: &[u8]| {
        packed(&files.iter().cloned().chain([(name.to_owned(), content.to_vec())]).collect())
    };
    let whole = packed(files);
    let bomb = "hostile,,,A,school,,\n".repeat(400_000);
    let mut link = ZipWriter::new(Cursor::new(Vec::new()));
    link.add_symlink("users.csv", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let many: Files = (0..70).map(|number| (format!("{number}.csv"), b"a\n".to_vec())).collect();
    vec![
        ("a bomb", with_name(files, bomb.as_bytes()), "package_ratio_too_large"),
        ("a path that climbs", plus("../users.csv", b"x"), "package_unsafe_name"),
        ("a path from the root", plus("/etc/cron.d/x", b"x"), "package_unsafe_name"),
        ("a path of another system", plus("C:\\users.csv", b"x"), "package_unsafe_name"),
        ("a link", link.finish().unwrap().into_inner(), "package_not_a_file"),
        ("many files", packed(&many), "package_too_many_entries"),
        ("half of it", whole[..whole.len() / 2].to_vec(), "package_"),
        ("something in front", [b"MZ".as_slice(), &whole].concat(), "package_unusual_archive"),
        ("no archive", b"sourcedId,status\n".to_vec(), "package_not_an_archive"),
        ("a package in a package", plus("more.zip", &whole), ""),
        ("a long field", with_name(files, &b"x".repeat(70_000)), "package_field_too_long"),
        ("many columns", with_name(files, &b",".repeat(300)), "package_too_many_columns"),
        (
            "a quote that never ends",
            with_name(files, format!("\"{}", "x\n".repeat(50_000)).as_bytes()),
            "package_field_too_long",
        ),
        ("a NUL", with_name(files, b"No\0rth"), ""),
        ("bytes that are no text", with_name(files, b"No\xffrth"), ""),
        ("no lines", changed(files, |_| Vec::new()), ""),
        ("a header of commas", changed(files, |_| b",,,,,\n".repeat(3)), ""),
        ("UTF-16", changed(files, |content| content.iter().flat_map(|byte| [*byte, 0]).collect()), ""),
        ("a mark of order amid the file", changed(files, |content| [content, b"\xef\xbb\xbf\n"].concat()), ""),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_made_to_harm_is_refused_by_name_and_nothing_of_it_is_kept() {
    let mut node = Node::start("zip", UNLIMITED);
    let sound = node.directory.path().join("sound.zip");
    let sound = sound.to_str().unwrap();
    assert!(node.run(&["sample", sound, "--students", "3"]).status.success());
    let files = unpacked(fs::read(sound).unwrap());
    let before = snapshot::take(&node.prefix, &Whose::All).await;
    let bystander = Bystander::begin(node.address).await;
    let path = node.directory.path().join("hostile.zip");
    for (what, bytes, code) in packages(&files) {
        fs::write(&path, bytes).unwrap();
        let output = node.run(&["import", "oneroster", "--strict", "--tenant", "north", path.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(3 | 4)), "{what}: {:?} {said}", output.status);
        assert!(said.contains("error: ") && said.contains(code) && !said.contains("panicked"), "{what}: {said}");
    }
    same(&before, &snapshot::take(&node.prefix, &Whose::All).await, "packages");
    bystander.end().await;
    node.is_unharmed();
    node.stop().await;
}
