//! Those of one holder that wait: in lines that take turns.

use std::{collections::VecDeque, time::Instant};

use tokio::sync::oneshot;

use super::Permit;

#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) since: Instant,
    pub(super) offer: oneshot::Sender<Permit>,
}

impl Waiter {
    fn is_gone(&self) -> bool {
        self.offer.is_closed()
    }
}

/// None of the lines is empty, and the first one's turn is next.
#[derive(Debug, Default)]
pub(super) struct Lines(VecDeque<(u128, VecDeque<Waiter>)>);

impl Lines {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|(_, line)| line.len()).sum()
    }

    pub(super) fn len_of(&self, line: u128) -> usize {
        self.0.iter().find(|(key, _)| *key == line).map_or(0, |(_, waiters)| waiters.len())
    }

    /// Those that did not go away.
    pub(super) fn present(&self) -> usize {
        self.0.iter().flat_map(|(_, line)| line).filter(|waiter| !waiter.is_gone()).count()
    }

    pub(super) fn push(&mut self, line: u128, waiter: Waiter) {
        match self.0.iter_mut().find(|(key, _)| *key == line) {
            Some((_, waiters)) => waiters.push_back(waiter),
            None => self.0.push_back((line, VecDeque::from([waiter]))),
        }
    }

    pub(super) fn first(&self) -> Option<&Waiter> {
        self.0.front().and_then(|(_, line)| line.front())
    }

    /// The next; the line behind it waits for its next turn.
    pub(super) fn pop(&mut self) -> Option<Waiter> {
        let (key, mut line) = self.0.pop_front()?;
        let waiter = line.pop_front();
        if !line.is_empty() {
            self.0.push_back((key, line));
        }
        waiter
    }

    /// Strikes off who went away at the front, and says how many those were.
    pub(super) fn tidy_front(&mut self) -> usize {
        let mut gone = 0;
        while let Some((_, line)) = self.0.front_mut() {
            while line.front().is_some_and(Waiter::is_gone) {
                line.pop_front();
                gone += 1;
            }
            if !line.is_empty() {
                break;
            }
            self.0.pop_front();
        }
        gone
    }

    /// Strikes off everybody who went away.
    pub(super) fn tidy(&mut self) {
        for (_, line) in &mut self.0 {
            line.retain(|waiter| !waiter.is_gone());
        }
        self.0.retain(|(_, line)| !line.is_empty());
    }
}
