//! Shares, turns and queues of a gate; no place is lost.

use std::time::Duration;

use super::{Gate, GateSettings, Holder, Permit, Share};

fn gate(places: usize, kept: usize) -> Gate {
    Gate::new(GateSettings { places, kept, queue: 8, wait: Duration::from_secs(20) })
}

fn holder(key: u128) -> Holder {
    Holder::new(key, Share::percent(75))
}

/// As many as can be had at once.
async fn all(gate: &Gate, of: Holder) -> Vec<Permit> {
    let mut permits = Vec::new();
    while let Ok(permit) = tokio::time::timeout(Duration::ZERO, gate.enter(of)).await {
        permits.push(permit.unwrap());
    }
    permits
}

#[tokio::test]
async fn alone_one_gets_its_share_and_beside_others_less_and_some_stay_free() {
    let gate = gate(16, 0);
    let first = all(&gate, holder(1)).await;
    assert_eq!(first.len(), 12);
    let second = all(&gate, holder(2)).await;
    assert_eq!(second.len(), 3, "of the four that were left");
    assert_eq!(all(&gate, holder(3)).await.len(), 1, "whoever has none gets the last");
    // The crowd of the first gives way as its places come back, to those who have fewer.
    let waiting = tokio::spawn({
        let gate = gate.clone();
        async move { gate.enter(holder(2)).await }
    });
    tokio::task::yield_now().await;
    drop(first);
    waiting.await.unwrap().unwrap();
    drop(second);
    let small = Holder::new(9, Share::percent(25));
    assert_eq!(all(&gate, small).await.len(), 4, "a plan's share holds");
    assert_eq!(gate.status().inside, 0);
}

#[tokio::test]
async fn some_are_kept_for_the_house_and_it_cannot_take_all() {
    let gate = gate(8, 2);
    let mut guests = Vec::new();
    for key in 1..20 {
        guests.extend(all(&gate, holder(key)).await);
    }
    assert_eq!(guests.len(), 6);
    assert_eq!(all(&gate, Holder::HOUSE).await.len(), 2);
    drop(guests);
    let house = all(&gate, Holder::HOUSE).await;
    assert_eq!(house.len(), 6);
    assert_eq!(all(&gate, holder(1)).await.len(), 2, "guests still get in");
}

/// The house works for everybody: a thousand of one account are not before the one of another.
#[tokio::test]
async fn accounts_of_one_holder_take_turns_and_fill_only_their_own_line() {
    let gate = gate(8, 2);
    let inside = all(&gate, Holder::HOUSE).await;
    let (heard, mut order) = tokio::sync::mpsc::unbounded_channel();
    let ask = |account: u128| {
        let (gate, heard) = (gate.clone(), heard.clone());
        tokio::spawn(async move {
            let permit = gate.enter(Holder::HOUSE.for_account(account)).await;
            let _ = heard.send((account, permit.is_ok()));
        })
    };
    let flood: Vec<_> = (0..20).map(|_| ask(7)).collect();
    for _ in 0..12 {
        assert_eq!(order.recv().await, Some((7, false)), "only so many of one account wait");
    }
    let others = [ask(8), ask(9)];
    while gate.status().waiting < 10 {
        tokio::task::yield_now().await;
    }
    drop(inside);
    let mut served = Vec::new();
    for _ in 0..10 {
        served.push(order.recv().await.unwrap());
    }
    assert!(served.iter().all(|(_, served)| *served));
    for task in flood.into_iter().chain(others) {
        task.await.unwrap();
    }
    assert_eq!(gate.status(), super::GateStatus { inside: 0, waiting: 0 });
    // One at a time, so that the order is seen.
    let mut inside = all(&gate, Holder::HOUSE).await;
    let tasks = [ask(7), ask(7), ask(7)];
    while gate.status().waiting < 3 {
        tokio::task::yield_now().await;
    }
    let late = ask(8);
    while gate.status().waiting < 4 {
        tokio::task::yield_now().await;
    }
    drop(inside.pop());
    let order = [order.recv().await.unwrap().0, order.recv().await.unwrap().0];
    assert_eq!(order, [7, 8], "the next place is the other's");
    drop(inside);
    for task in tasks.into_iter().chain([late]) {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_queue_is_bounded_and_who_leaves_it_makes_room() {
    let gate = gate(1, 0);
    let inside = gate.enter(holder(1)).await.unwrap();
    let mut waiting: Vec<_> = (0..8).map(|_| Box::pin(gate.enter(holder(1)))).collect();
    for one in &mut waiting {
        assert!(tokio::time::timeout(Duration::ZERO, one).await.is_err());
    }
    assert_eq!(gate.status().waiting, 8);
    assert!(gate.enter(holder(1)).await.is_err(), "its queue is full");
    let mut other = Box::pin(gate.enter(holder(2)));
    assert!(tokio::time::timeout(Duration::ZERO, &mut other).await.is_err(), "another's is not");
    drop(waiting);
    assert!(tokio::time::timeout(Duration::ZERO, gate.enter(holder(1))).await.is_err(), "there is room to wait");
    drop(inside);
    other.await.unwrap();
    assert_eq!(gate.status(), super::GateStatus { inside: 0, waiting: 0 });
}

#[tokio::test]
async fn those_who_wait_take_turns_whoever_came_first_with_many() {
    let gate = gate(1, 0);
    let inside = gate.enter(holder(1)).await.unwrap();
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let mut tasks = tokio::task::JoinSet::new();
    for key in [1, 1, 1, 1, 2, 3] {
        let (gate, told) = (gate.clone(), told.clone());
        tasks.spawn(async move {
            let _permit = gate.enter(holder(key)).await.unwrap();
            told.send(key).unwrap();
        });
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(super::PATIENCE * 2).await;
    drop(inside);
    while tasks.join_next().await.is_some() {}
    let mut order = Vec::new();
    while let Ok(key) = heard.try_recv() {
        order.push(key);
    }
    let last_of_others = order.iter().rposition(|key| *key != 1).unwrap();
    assert!(last_of_others <= 3, "{order:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_place_is_lost_however_callers_come_and_go() {
    let gate = gate(4, 1);
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..32u128 {
        let gate = gate.clone();
        tasks.spawn(async move {
            for round in 0..200u32 {
                let key = (caller + u128::from(round)) % 6;
                let patience = Duration::from_micros(u64::from(round % 7) * 150);
                if let Ok(Ok(_permit)) = tokio::time::timeout(patience, gate.enter(holder(key))).await {
                    tokio::task::yield_now().await;
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    assert_eq!(gate.status(), super::GateStatus { inside: 0, waiting: 0 });
    assert_eq!(all(&gate, holder(1)).await.len(), 3);
}
