//! Departures from the standard that real files contain, each with how it is read in lenient mode.
//!
//! A departure belongs here when its meaning is beyond doubt. What needs a guess is an error in both modes.

/// One kind of departure.
#[derive(Debug)]
pub(crate) struct Deviation {
    /// Stable, snake_case: the code in strict mode, the repair's in lenient mode.
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
    pub(crate) repair: &'static str,
}

macro_rules! deviations {
    ($($name:ident = $code:literal, $message:literal, $repair:literal;)*) => {
        $(pub(crate) static $name: Deviation = Deviation { code: $code, message: $message, repair: $repair };)*
        #[cfg(test)]
        pub(crate) static ALL: &[&Deviation] = &[$(&$name),*];
    };
}

deviations! {
    // The package and its manifest.
    MANIFEST_MISSING = "manifest_missing", "the package has no manifest.csv", "each roster file present is taken as bulk";
    FILE_NAME_CASE = "file_name_case", "a file name is spelt in other letters than the standard's", "the file is taken for the one meant";
    UNKNOWN_FILE = "unknown_file", "the standard has no file of this name", "the file is left alone";
    MANIFEST_HEADER = "manifest_header", "the manifest's header is not `propertyName,value`", "the first two columns are read as name and value";
    MANIFEST_VERSION = "manifest_version", "manifest.version is not 1.0", "the manifest is read as version 1.0";
    MANIFEST_PROPERTY_CASE = "manifest_property_case", "a manifest property is spelt in other letters than the standard's", "the property is taken for the one meant";
    MANIFEST_PROPERTY_REPEATED = "manifest_property_repeated", "a manifest property is given twice", "the two agree and count as one";
    MANIFEST_PROPERTY_UNKNOWN = "manifest_property_unknown", "the standard has no manifest property of this name", "the property is left alone";
    MANIFEST_FILE_UNSTATED = "manifest_file_unstated", "the manifest does not say whether a file is absent, bulk or delta", "bulk when the file is there, absent when it is not";
    MANIFEST_VALUE_CASE = "manifest_value_case", "a manifest value is not exactly absent, bulk or delta", "the value is taken for the one meant";
    ONEROSTER_VERSION_SPELLING = "oneroster_version_spelling", "oneroster.version is not exactly 1.1 or 1.2", "the version is taken for the one meant";
    FILE_MARKED_ABSENT = "file_marked_absent", "the manifest says that this file is absent, and it is there", "the file is left alone";
    TARGET_FILE_MISSING = "target_file_missing", "a bulk file refers to a file that is not in the package; a bulk set must be complete", "references are looked up among the records already there";
    USERS_VERSION = "users_version", "users.csv has the columns of another version than the manifest says", "the columns decide";
    // Rows and their form.
    BYTE_ORDER_MARK = "byte_order_mark", "the file begins with a byte order mark", "it is dropped, as the standard asks";
    CSV_QUOTE = "csv_quote", "a quote stands inside an unquoted field, or text follows a closing quote", "the quote is taken as written";
    CSV_CARRIAGE_RETURN = "csv_carriage_return", "a field holds a carriage return", "it becomes a line feed";
    CSV_BARE_RETURN = "csv_bare_return", "a row ends with a carriage return alone", "it ends the row";
    BLANK_LINE = "blank_line", "a line is blank", "the line is skipped";
    EMPTY_ROW = "empty_row", "a row has only empty fields", "the row is skipped";
    ROW_SHORT = "row_short", "a row has fewer fields than the header", "the missing fields are empty";
    ROW_LONG = "row_long", "a row has more fields than the header, all empty", "the surplus is dropped";
    NO_DATA_ROWS = "no_data_rows", "a file has a header and no rows", "the file counts as absent: nothing is removed because of it";
    ENCODING = "encoding", "a field is not UTF-8", "it is read as Windows-1252";
    CONTROL_CHARACTER = "control_character", "a field holds a control character", "the character is dropped";
    SURROUNDING_SPACE = "surrounding_space", "a value is surrounded by spaces", "the spaces are dropped";
    // Headers.
    HEADER_ORDER = "header_order", "the columns are not in the standard's order", "columns are found by name";
    HEADER_SPELLING = "header_spelling", "a column's name is not spelt as in the standard", "the column is taken for the one meant";
    HEADER_COLUMN_MISSING = "header_column_missing", "an optional column is missing", "its values are empty";
    HEADER_COLUMN_UNKNOWN = "header_column_unknown", "the standard has no column of this name; extensions are named metadata.<name>", "its values are kept as metadata";
    HEADER_COLUMN_EMPTY = "header_column_empty", "a column has no name", "the column is dropped";
    HEADER_METADATA_PLACE = "header_metadata_place", "a metadata column is not at the far right", "its values are kept as metadata";
    // Lifecycle.
    BULK_LIFECYCLE = "bulk_lifecycle", "status and dateLastModified must be empty in a bulk file", "the date is dropped; a row marked as deleted is deleted";
    STATUS_INACTIVE = "status_inactive", "`inactive` is not a status since OneRoster 1.1", "it is read as tobedeleted";
    DELTA_STATUS_MISSING = "delta_status_missing", "a delta row has no status", "it is read as active";
    DELTA_DATE_MISSING = "delta_date_missing", "a delta row has no dateLastModified", "the time of import is used";
    DELETED_ROW_INCOMPLETE = "deleted_row_incomplete", "a row marked tobedeleted lacks required values", "its sourcedId is enough to delete the record";
    // Values.
    GUID_CHARACTERS = "guid_characters", "a sourcedId may hold only letters, digits and . - _ / @", "it is kept as it is";
    BOOLEAN_SPELLING = "boolean_spelling", "a boolean is not exactly true or false", "it is read as the one meant";
    VALUE_SPELLING = "value_spelling", "a word of a fixed vocabulary is not spelt as in the standard", "it is taken for the word meant";
    VALUE_EXTENSION = "value_extension", "a word is not of the vocabulary, and extensions begin with ext:", "it is kept as an extension";
    DATE_FORM = "date_form", "a date is not written YYYY-MM-DD", "its year, month and day are beyond doubt";
    DATE_ORDER = "date_order", "a date is written with day and month in an order it does not tell", "the order of the package's other dates, or the one given, is used";
    DATE_WITH_TIME = "date_with_time", "a date has a time of day", "the time is dropped";
    DATETIME_FORM = "datetime_form", "a time is not ISO 8601 with a zone", "it is read as UTC";
    YEAR_FORM = "year_form", "a year is not written YYYY", "the year in which the span ends is used";
    USER_ID_FORM = "user_id_form", "a user id is not written {Type:Id}", "it is kept with the type unknown";
    LIST_ITEM_EMPTY = "list_item_empty", "a list has an empty or repeated item", "the item is dropped";
    LIST_LENGTHS = "list_lengths", "subjects and subjectCodes have different lengths", "both are kept as they are";
    // Between rows.
    ROW_REPEATED = "row_repeated", "the same row is there twice", "the two count as one";
    PRIMARY_ROLE_REPEATED = "primary_role_repeated", "a person has one primary role in an org, and this is another", "it is taken as secondary";
    PERIOD_EMPTY = "period_empty", "the end date, which is exclusive, equals the start date", "it is kept as it is";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::ALL;

    #[test]
    fn codes_are_stable_names_used_once() {
        let mut seen = BTreeSet::new();
        for deviation in ALL {
            assert!(deviation.code.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", deviation.code);
            assert!(seen.insert(deviation.code), "{} is used twice", deviation.code);
        }
    }
}
