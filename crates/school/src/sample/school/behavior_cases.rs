//! What happens at a sample school, and what it does about it.

/// Short name, title, how much it matters, and what it counts for.
pub(super) const CODES: [(&str, &str, &str, i32); 7] = [
    ("HO", "Helped others", "positive", 3),
    ("FP", "Fair play", "positive", 2),
    ("DL", "Disrupted a lesson", "minor", -1),
    ("PH", "Telephone in class", "minor", -1),
    ("DP", "Damaged property", "major", -4),
    ("FI", "Fighting", "major", -5),
    ("BU", "Bullying", "critical", -8),
];

/// Something that happens.
pub(super) struct Case {
    pub(super) code: &'static str,
    /// Of a hundred incidents, so many.
    pub(super) share: u32,
    pub(super) location: &'static str,
    pub(super) place: Option<&'static str>,
    /// The full hour behind which it happens.
    pub(super) hour: i8,
    pub(super) description: &'static str,
    /// Somebody else suffers it.
    pub(super) has_victim: bool,
    pub(super) confidential: bool,
    pub(super) cost: Option<i32>,
    /// What the school does, and for how many days.
    pub(super) action: Option<(&'static str, i32)>,
    /// What is still to be done, and what comes of it.
    pub(super) task: Option<(&'static str, &'static str)>,
}

const PLAIN: Case = Case {
    code: "DL",
    share: 0,
    location: "classroom",
    place: None,
    hour: 9,
    description: "",
    has_victim: false,
    confidential: false,
    cost: None,
    action: None,
    task: None,
};

/// In the order in which the first ones happen, so that even a small sample has every case.
pub(super) const CASES: [Case; 10] = [
    Case {
        code: "FI",
        share: 12,
        location: "playground",
        hour: 12,
        description: "A quarrel over a ball became a fight. Both were parted by the teacher on duty.",
        has_victim: true,
        action: Some(("in_school_suspension", 1)),
        task: Some(("Talk with both of them together.", "They shook hands, and will share the ball.")),
        ..PLAIN
    },
    Case {
        code: "DL",
        share: 24,
        description: "Called out and threw paper in spite of two warnings.",
        action: Some(("detention", 1)),
        ..PLAIN
    },
    Case {
        code: "HO",
        share: 10,
        location: "hallway",
        place: Some("Stairs to the first floor"),
        hour: 10,
        description: "Stayed with a younger child who had fallen, and fetched help.",
        ..PLAIN
    },
    Case {
        code: "DP",
        share: 8,
        location: "gymnasium",
        hour: 13,
        description: "Broke a window of the sports hall with a ball, and did not say so.",
        cost: Some(18_500),
        action: Some(("parent_meeting", 0)),
        task: Some(("Settle with the family who pays for the window.", "The family's insurance pays.")),
        ..PLAIN
    },
    Case {
        code: "PH",
        share: 18,
        hour: 11,
        description: "Used a telephone under the table during a test.",
        action: Some(("warning", 0)),
        ..PLAIN
    },
    Case {
        code: "BU",
        share: 4,
        location: "online",
        place: Some("A group of the class in a messenger"),
        hour: 14,
        description: "Sent pictures of a classmate with insults to a group, over several weeks.",
        has_victim: true,
        confidential: true,
        action: Some(("out_of_school_suspension", 3)),
        task: Some((
            "See the family of the one it was done to, with the counselor.",
            "They feel heard. To be asked again in a month.",
        )),
        ..PLAIN
    },
    Case {
        code: "FP",
        share: 10,
        location: "gymnasium",
        hour: 13,
        description: "Told the referee of a foul of their own in the last minute of a match.",
        ..PLAIN
    },
    Case {
        code: "DL",
        share: 6,
        location: "bus",
        place: Some("Line North"),
        hour: 14,
        description: "Stood up again and again while the bus was driving, and shouted at the driver.",
        action: Some(("parent_meeting", 0)),
        task: Some(("Ask the bus company whether it has become better.", "The driver is content.")),
        ..PLAIN
    },
    Case {
        code: "FI",
        share: 4,
        location: "cafeteria",
        hour: 12,
        description: "Pushed somebody in the queue, who fell and hurt a wrist.",
        has_victim: true,
        action: Some(("detention", 2)),
        task: Some(("Ask the nurse and the family about the wrist.", "Sprained, and well again.")),
        ..PLAIN
    },
    Case {
        code: "DP",
        share: 4,
        location: "restroom",
        hour: 10,
        description: "Wrote on the walls with a felt pen.",
        cost: Some(4_000),
        action: Some(("other", 1)),
        ..PLAIN
    },
];
