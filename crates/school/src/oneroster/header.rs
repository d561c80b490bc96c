//! Finds the columns of the standard in a file's first row.

use std::collections::BTreeSet;

use super::{
    deviation::{
        HEADER_COLUMN_EMPTY, HEADER_COLUMN_MISSING, HEADER_COLUMN_UNKNOWN, HEADER_METADATA_PLACE, HEADER_ORDER,
        HEADER_SPELLING,
    },
    finding::{Findings, Place, Refused},
    record::Record,
    schema::{Columns, fold},
};

/// Where the columns of a file are.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) columns: Columns,
    /// For each column of the standard, the field it is in.
    places: Vec<Option<usize>>,
    /// Extension columns: field and name.
    pub(crate) metadata: Vec<(usize, String)>,
    /// Fields of the header.
    pub(crate) width: usize,
    /// Empty fields that each row has beyond the header's.
    pub(crate) surplus: usize,
}

impl Layout {
    /// The field a column of the standard is in.
    pub(crate) fn place(&self, column: usize) -> Option<usize> {
        self.places.get(column).copied().flatten()
    }
}

/// What names of extension columns begin with.
pub(crate) const METADATA: &str = "metadata.";
const LONGEST_NAME: usize = 255;

/// Reads the header. A layout is given back whenever rows can be read by it, though errors may have been noted.
pub(crate) fn read_header(
    record: &Record,
    columns: Columns,
    file: &str,
    findings: &mut Findings,
) -> Result<Layout, Refused> {
    let at = Place::line(file, record.line);
    let names: Vec<String> = record.fields().map(|field| String::from_utf8_lossy(field).trim().to_owned()).collect();
    let exact: Vec<&[u8]> = record.fields().collect();
    if names.len() == 1 && names[0].contains([';', '\t', '|']) {
        return Err(findings.error(
            "header_separator",
            at,
            None,
            "columns are not separated by commas",
            expected(columns),
        ));
    }
    refuse_repeated(&names, at, findings)?;
    let places = place_columns(&names, columns);

    // Errors of the header do not stop its reading: all of them are worth knowing at once.
    let mut noted = Ok(());
    let mut note = |outcome: Result<(), Refused>| noted = noted.and(outcome);
    for (index, column) in columns.iter().enumerate() {
        let at = at.column(column.name);
        match places[index] {
            Some(field) if exact[field] == column.name.as_bytes() => {}
            Some(field) => {
                note(findings.deviation(&HEADER_SPELLING, at, Some(&names[field]), Some(column.name.into())));
            }
            None if column.required => {
                let message = "a required column is missing";
                note(Err(findings.error("header_column_required", at, None, message, Some(named(column.name)))));
            }
            None => note(findings.deviation(&HEADER_COLUMN_MISSING, at, None, Some(named(column.name)))),
        }
    }
    let lasts = places.iter().flatten().max().copied().unwrap_or(0);
    let known: BTreeSet<usize> = places.iter().flatten().copied().collect();
    if places.iter().flatten().zip(places.iter().flatten().skip(1)).any(|(this, next)| this > next) {
        note(findings.deviation(&HEADER_ORDER, at, None, expected(columns)));
    }
    let mut metadata = Vec::new();
    for (field, name) in names.iter().enumerate().filter(|(field, _)| !known.contains(field)) {
        if name.is_empty() {
            note(findings.deviation(&HEADER_COLUMN_EMPTY, at, None, Some("a name for each column".into())));
            continue;
        }
        let at = at.column(name);
        let extension = name.strip_prefix(METADATA).filter(|rest| is_extension_name(rest));
        if extension.is_none() {
            let right = format!("metadata.{}", name.strip_prefix(METADATA).unwrap_or(name));
            note(findings.deviation(&HEADER_COLUMN_UNKNOWN, at, Some(name), Some(right.into())));
        } else if field < lasts {
            let right = "metadata columns after all columns of the standard";
            note(findings.deviation(&HEADER_METADATA_PLACE, at, Some(name), Some(right.into())));
        }
        if !is_secret(name) {
            let name = extension.unwrap_or(name);
            metadata.push((field, name.chars().take(LONGEST_NAME).collect()));
        }
    }
    noted.map(|()| Layout { columns, places, metadata, width: names.len(), surplus: 0 })
}

fn refuse_repeated(names: &[String], at: Place<'_>, findings: &mut Findings) -> Result<(), Refused> {
    let mut seen = BTreeSet::new();
    for name in names.iter().filter(|name| !name.is_empty()) {
        if !seen.insert(name) {
            let message = "two columns have the same name";
            return Err(findings.error("header_column_repeated", at.column(name), Some(name), message, None));
        }
    }
    Ok(())
}

/// Finds each column: by its exact name, then by its letters, then by names of older versions, then by a slip of the pen.
fn place_columns(names: &[String], columns: Columns) -> Vec<Option<usize>> {
    let mut places: Vec<Option<usize>> = vec![None; columns.len()];
    let mut free: Vec<bool> = names.iter().map(|name| !name.is_empty() && !name.starts_with(METADATA)).collect();
    let folded: Vec<String> = names.iter().map(|name| fold(name)).collect();
    let matches: [fn(&str, &str, &str) -> bool; 4] = [
        |column, name, _| column == name,
        |column, _, folded| fold(column) == folded,
        |column, _, folded| is_older_name(column, folded),
        |column, _, folded| is_slip(&fold(column), folded),
    ];
    for matches in matches {
        for (index, column) in columns.iter().enumerate() {
            if places[index].is_some() {
                continue;
            }
            let mut candidates = (0..names.len()).filter(|&f| free[f] && matches(column.name, &names[f], &folded[f]));
            if let Some(field) = candidates.next()
                && candidates.next().is_none()
            {
                places[index] = Some(field);
                free[field] = false;
            }
        }
    }
    places
}

/// Singular for plural, and the names of OneRoster 1.0.
fn is_older_name(column: &str, folded: &str) -> bool {
    let current = fold(column);
    let stem = |text: &str| text.strip_suffix('s').unwrap_or(text).to_owned();
    // Only lists changed their number; `status` has no singular.
    let listed = current.ends_with("ids") || matches!(column, "grades" | "subjects" | "subjectCodes" | "periods");
    (listed && stem(&current) == stem(folded)) || (column == "agentSourcedIds" && folded == "agents")
}

/// Two letters more, fewer, other or swapped, in a name long enough that this is no other word.
fn is_slip(column: &str, name: &str) -> bool {
    const SHORTEST: usize = 8;
    const SLIPS: usize = 2;
    let (column, name): (Vec<char>, Vec<char>) = (column.chars().collect(), name.chars().collect());
    column.len() >= SHORTEST
        && name.len() >= SHORTEST
        && name.len() <= LONGEST_NAME
        && column.len().abs_diff(name.len()) <= SLIPS
        && distance(&column, &name) <= SLIPS
}

/// The number of letters to insert, delete, change or swap with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = last;
        last = row;
    }
    last[b.len()]
}

/// Whether an extension column of this name is taken from a package, and given to one.
pub(crate) fn is_kept_extension(name: &str) -> bool {
    is_extension_name(name) && !is_secret(name)
}

fn is_extension_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Vendors add columns with passwords; they are not to be kept.
fn is_secret(name: &str) -> bool {
    let folded = fold(name);
    ["password", "passwd", "passphrase", "secret", "pincode"].iter().any(|word| folded.contains(word))
        || matches!(folded.as_str(), "pwd" | "pin" | "metadatapwd" | "metadatapin")
}

fn named(column: &str) -> std::borrow::Cow<'static, str> {
    format!("a column named {column}").into()
}

fn expected(columns: Columns) -> std::borrow::Cow<'static, str> {
    columns.iter().map(|column| column.name).collect::<Vec<_>>().join(",").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_are_recognised_and_other_words_are_not() {
        assert!(is_slip("datelastmodified", "datalastmodified"));
        assert!(is_slip("preferredgivenname", "prefferedgivenname"));
        assert!(is_slip("sourcedid", "sourceid"));
        assert!(!is_slip("enddate", "enddates"), "too short to be sure");
        assert!(!is_slip("subjectcodes", "subjects"));
        assert!(!is_slip("preferredgivenname", "preferredmiddlename"));
        assert!(!is_slip("schoolsourcedid", "orgsourcedid"));
    }

    #[test]
    fn vendor_passwords_are_known_by_their_names() {
        assert!(is_secret("ext_imagineLearning_studentPassword"));
        assert!(is_secret("PIN"));
        assert!(!is_secret("shipping"));
    }
}
