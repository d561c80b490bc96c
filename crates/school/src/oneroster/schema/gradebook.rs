//! The gradebook and resource files: checked by the same rules, then counted and left alone.

use super::{
    Column, File, Kind, Table, boolean, date, reference, text,
    vocabulary::{IMPORTANCE, OBJECTIVE_SOURCE, ROLE, SCORE_STATUS},
    word,
};

const fn float(name: &'static str) -> Column {
    Column::new(name, Kind::Float)
}

pub(super) static CATEGORIES: Table = Table {
    v1_1: Some(&[text("title").required()]),
    v1_2: &[text("title").required(), Column::new("weight", Kind::Integer)],
};

pub(super) static LINE_ITEMS: Table = Table {
    v1_1: Some(&[
        text("title").required(),
        Column::new("description", Kind::Prose),
        date("assignDate").required(),
        date("dueDate").required(),
        reference("classSourcedId", File::Classes).required(),
        reference("categorySourcedId", File::Categories).required(),
        reference("gradingPeriodSourcedId", File::AcademicSessions).required(),
        float("resultValueMin"),
        float("resultValueMax"),
    ]),
    v1_2: &[
        text("title").required(),
        Column::new("description", Kind::Prose),
        date("assignDate").required(),
        date("dueDate").required(),
        reference("classSourcedId", File::Classes).required(),
        reference("categorySourcedId", File::Categories).required(),
        reference("academicSessionSourcedId", File::AcademicSessions).required(),
        float("resultValueMin"),
        float("resultValueMax"),
        reference("schoolSourcedId", File::Orgs).required(),
    ],
};

pub(super) static RESULTS: Table = Table {
    v1_1: Some(&[
        reference("lineItemSourcedId", File::LineItems).required(),
        reference("studentSourcedId", File::Users).required(),
        word("scoreStatus", &SCORE_STATUS).required(),
        float("score"),
        date("scoreDate").required(),
        Column::new("comment", Kind::Prose),
    ]),
    v1_2: &[
        reference("lineItemSourcedId", File::LineItems).required(),
        reference("studentSourcedId", File::Users).required(),
        word("scoreStatus", &SCORE_STATUS).required(),
        float("score"),
        date("scoreDate").required(),
        Column::new("comment", Kind::Prose),
        text("textScore"),
        reference("classSourcedId", File::Classes),
        boolean("inProgress"),
        boolean("incomplete"),
        boolean("late"),
        boolean("missing"),
    ],
};

const fn since_1_2(columns: &'static [Column]) -> Table {
    Table { v1_1: None, v1_2: columns }
}

const fn both(columns: &'static [Column]) -> Table {
    Table { v1_1: Some(columns), v1_2: columns }
}

pub(super) static SCORE_SCALES: Table = since_1_2(&[
    text("title").required(),
    text("type").required(),
    reference("orgSourcedId", File::Orgs).required(),
    reference("courseSourcedId", File::Courses).required(),
    reference("classSourcedId", File::Classes).required(),
    Column::new("scoreScaleValue", Kind::Prose).required(),
]);

pub(super) static LINE_ITEM_SCORE_SCALES: Table = since_1_2(&[
    text("title"),
    reference("lineItemSourcedId", File::LineItems).required(),
    reference("scoreScaleSourcedId", File::ScoreScales).required(),
]);

pub(super) static RESULT_SCORE_SCALES: Table = since_1_2(&[
    text("title"),
    reference("resultSourcedId", File::Results).required(),
    reference("scoreScaleSourcedId", File::ScoreScales).required(),
]);

pub(super) static LINE_ITEM_LEARNING_OBJECTIVE_IDS: Table = since_1_2(&[
    reference("lineItemSourcedId", File::LineItems).required(),
    word("source", &OBJECTIVE_SOURCE).required(),
    text("learningObjectiveId").required(),
]);

pub(super) static RESULT_LEARNING_OBJECTIVE_IDS: Table = since_1_2(&[
    reference("resultSourcedId", File::Results).required(),
    word("source", &OBJECTIVE_SOURCE).required(),
    text("learningObjectiveId").required(),
    float("score"),
    text("textScore"),
]);

pub(super) static RESOURCES: Table = both(&[
    text("vendorResourceId").required(),
    text("title"),
    Column::new("roles", Kind::WordList(&ROLE)),
    word("importance", &IMPORTANCE),
    text("vendorId"),
    text("applicationId"),
]);

pub(super) static CLASS_RESOURCES: Table = both(&[
    text("title"),
    reference("classSourcedId", File::Classes).required(),
    reference("resourceSourcedId", File::Resources).required(),
]);

pub(super) static COURSE_RESOURCES: Table = both(&[
    text("title"),
    reference("courseSourcedId", File::Courses).required(),
    reference("resourceSourcedId", File::Resources).required(),
]);

pub(super) static USER_RESOURCES: Table = since_1_2(&[
    reference("userSourcedId", File::Users).required(),
    reference("orgSourcedId", File::Orgs),
    reference("classSourcedId", File::Classes),
    reference("resourceSourcedId", File::Resources).required(),
]);
