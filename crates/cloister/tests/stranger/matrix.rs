//! Who may do what, about what.
