//! Placeholders: words in double braces, each of a fixed list, in a text that is otherwise taken as it is. What is put in place of
//! one is not looked through again.

use cloister_http::{invalid, words};

words! {
    /// What of a student and their part in an incident a letter can tell.
    pub(crate) enum Placeholder {
        /// Given and family name.
        StudentName = "student_name",
        /// Given name.
        StudentGivenName = "student_given_name",
        /// Family name.
        StudentFamilyName = "student_family_name",
        /// The school of the incident.
        SchoolName = "school_name",
        /// The number of the incident.
        IncidentIdentifier = "incident_identifier",
        /// The day of the incident.
        IncidentDate = "incident_date",
        /// The time of the incident.
        IncidentTime = "incident_time",
        /// Where it happened, by its word.
        IncidentLocation = "incident_location",
        /// The student's part.
        Participation = "participation",
        /// The title of the behavior code.
        Behavior = "behavior",
        /// What it counts for.
        Points = "points",
        /// What the school did about it, a line each.
        Actions = "actions",
        /// What somebody wrote for this letter alone.
        Message = "message",
        /// The day on which the letter is made.
        Today = "today",
    }
}

/// A piece of a template.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Place(Placeholder),
}

const OPEN: &str = "{{";
const CLOSE: &str = "}}";

fn pieces(template: &str) -> Result<Vec<Piece<'_>>, garde::Error> {
    let (mut pieces, mut rest) = (Vec::new(), template);
    while let Some((text, behind)) = rest.split_once(OPEN) {
        let Some((name, behind)) = behind.split_once(CLOSE) else {
            return Err(invalid(
                "placeholder_unclosed",
                "Close each placeholder with two braces, as in {{student_name}}.",
            ));
        };
        let place = name.trim().parse().map_err(|_| {
            let known: Vec<_> = Placeholder::ALL.iter().map(|place| place.word()).collect();
            invalid("placeholder_unknown", format!("Use placeholders of this list: {}.", known.join(", ")))
        })?;
        pieces.extend([Piece::Text(text), Piece::Place(place)]);
        rest = behind;
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

/// Nothing but placeholders that there are.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "rules are handed value and context by reference")]
pub(super) fn known(template: &str, (): &()) -> garde::Result {
    pieces(template).map(drop)
}

/// The text with its placeholders filled, as far as `most` characters go; none when it would be longer. A template that was
/// kept has no placeholder that is unknown.
pub(crate) fn fill(template: &str, most: usize, value: impl Fn(Placeholder) -> String) -> Option<String> {
    let (mut text, mut length) = (String::new(), 0);
    for piece in pieces(template).ok()? {
        let next = match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Place(place) => value(place),
        };
        length += next.chars().count();
        if length > most {
            return None;
        }
        text.push_str(&next);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::{Placeholder, fill, known};

    #[test]
    fn only_placeholders_of_the_list_are_taken() {
        for (template, accepted) in [
            ("No placeholder, one { and }} too", true),
            ("{{student_name}}, {{ incident_date }}", true),
            ("{{description}}", false),
            ("{{}}", false),
            ("{{student_name", false),
            ("{{ {{student_name}} }}", false),
        ] {
            assert_eq!(known(template, &()).is_ok(), accepted, "{template}");
        }
    }

    #[test]
    fn what_is_put_in_is_not_looked_through_again() {
        let value = |place| match place {
            Placeholder::Message => "{{student_name}}".to_owned(),
            _ => "Mila".to_owned(),
        };
        assert_eq!(fill("{{student_name}}: {{message}}!", 100, value), Some("Mila: {{student_name}}!".to_owned()));
        assert_eq!(fill("{{student_name}}: {{message}}!", 10, value), None);
    }
}
