//! What two tenants may do, drawn by chance. What is drawn is small and says what it means, so that a failure can be read.

use proptest::{collection::vec, prelude::*};

/// Both tenants choose among the same few names, keys and numbers: whatever is not kept apart collides.
pub(crate) const NAMES: [&str; 6] = ["Ada", "ada", "Älva", "Berg", "Bergman", "Øst"];
/// What is searched for.
pub(crate) const SEARCHES: [&str; 5] = ["ad", "ber", "ALV", "øst b", "zz"];

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    A,
    B,
}

/// What a tenant keeps. A company has components, whatever is drawn for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Component,
    Org,
    Person,
    Class,
    Place,
}

/// One record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pick {
    /// One of its own, counted around.
    Own(usize),
    /// One of the other tenant's.
    Foreign(usize),
    /// One that nobody has.
    Nowhere,
}

/// The version that a change is meant for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known {
    Current,
    Wrong,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation {
    /// `number` is the record's own, unique among its kind; `key` the idempotency key; `of` and `who` what it points at.
    Create {
        kind: Kind,
        name: usize,
        family: usize,
        number: Option<u8>,
        key: Option<u8>,
        of: Pick,
        who: Pick,
    },
    /// An earlier creation that had an idempotency key, sent once more.
    Repeat {
        which: usize,
    },
    Read {
        kind: Kind,
        which: Pick,
    },
    Rename {
        kind: Kind,
        which: Pick,
        known: Known,
        name: usize,
    },
    Delete {
        kind: Kind,
        which: Pick,
        known: Known,
    },
    /// Every page, of so many.
    List {
        kind: Kind,
        search: Option<usize>,
        class: Option<Pick>,
        descending: bool,
        limit: usize,
    },
    /// A page behind a cursor that the other tenant was given for the same list.
    ForeignCursor {
        kind: Kind,
        descending: bool,
    },
    /// Writes a mail and, by a job, an entry in the log.
    Invite {
        guest: u8,
    },
    /// What was done here, as a page or whole.
    Log {
        whole: bool,
    },
}

/// A case: what the two do, in turns or at the same time.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) at_once: bool,
    pub(crate) steps: Vec<(Who, Operation)>,
}

fn kind() -> impl Strategy<Value = Kind> + Clone {
    prop_oneof![1 => Just(Kind::Org), 3 => Just(Kind::Person), 1 => Just(Kind::Class), 2 => Just(Kind::Place)]
}

fn pick() -> impl Strategy<Value = Pick> + Clone {
    prop_oneof![
        6 => (0..8usize).prop_map(Pick::Own),
        3 => (0..8usize).prop_map(Pick::Foreign),
        1 => Just(Pick::Nowhere),
    ]
}

/// What a new record points at is most often there, or little would be made.
fn target() -> impl Strategy<Value = Pick> + Clone {
    prop_oneof![
        14 => (0..8usize).prop_map(Pick::Own),
        2 => (0..8usize).prop_map(Pick::Foreign),
        1 => Just(Pick::Nowhere),
    ]
}

fn known() -> impl Strategy<Value = Known> + Clone {
    prop_oneof![5 => Just(Known::Current), 1 => Just(Known::Wrong)]
}

fn operation() -> impl Strategy<Value = Operation> {
    let name = 0..NAMES.len();
    let key = proptest::option::weighted(0.6, 0..4u8);
    let number = proptest::option::weighted(0.4, 0..4u8);
    let create = (kind(), name.clone(), name.clone(), number, key, target(), target()).prop_map(
        |(kind, name, family, number, key, of, who)| Operation::Create { kind, name, family, number, key, of, who },
    );
    let list = (
        kind(),
        proptest::option::weighted(0.4, 0..SEARCHES.len()),
        proptest::option::weighted(0.4, pick()),
        any::<bool>(),
        1..4usize,
    );
    let list = list.prop_map(|(kind, search, class, descending, limit)| Operation::List {
        kind,
        search,
        class,
        descending,
        limit,
    });
    prop_oneof![
        8 => create,
        2 => (0..8usize).prop_map(|which| Operation::Repeat { which }),
        3 => (kind(), pick()).prop_map(|(kind, which)| Operation::Read { kind, which }),
        4 => (kind(), pick(), known(), name)
            .prop_map(|(kind, which, known, name)| Operation::Rename { kind, which, known, name }),
        2 => (kind(), pick(), known()).prop_map(|(kind, which, known)| Operation::Delete { kind, which, known }),
        4 => list,
        1 => (kind(), any::<bool>()).prop_map(|(kind, descending)| Operation::ForeignCursor { kind, descending }),
        2 => (0..2u8).prop_map(|guest| Operation::Invite { guest }),
        1 => any::<bool>().prop_map(|whole| Operation::Log { whole }),
    ]
}

/// Up to so many steps.
pub(crate) fn case(most: usize) -> impl Strategy<Value = Case> {
    let who = prop_oneof![Just(Who::A), Just(Who::B)];
    (any::<bool>(), vec((who, operation()), 1..most)).prop_map(|(at_once, steps)| Case { at_once, steps })
}
