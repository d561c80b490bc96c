//! Passwords are told apart, the room has a size, and it is never left smaller.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cloister_ids::{SystemClock, TenantId};
use cloister_tenancy::{Error, ErrorKind, GateStatus};

use super::{MAX_BYTES, PasswordSettings, Passwords, needs_rehash, phc};

const ONE: PasswordSettings = PasswordSettings { threads: 1, queue: 2, wait: Duration::from_secs(20) };

fn room(settings: PasswordSettings) -> Passwords {
    Passwords::start(settings).unwrap()
}

#[tokio::test]
async fn a_password_is_known_again_and_no_other_is() {
    let room = room(ONE);
    let hash = room.hash("correct horse".into(), None).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert!(hash.len() <= 300, "fits its column");
    assert_ne!(hash, room.hash("correct horse".into(), None).await.unwrap(), "salted");
    assert!(room.verify("correct horse".into(), Some(hash.clone()), None).await.unwrap());
    assert!(!room.verify("correct horsf".into(), Some(hash.clone()), None).await.unwrap());
    assert!(!room.verify("".into(), Some(hash), None).await.unwrap());
}

#[tokio::test]
async fn an_unknown_account_costs_a_hash_too() {
    let room = room(ONE);
    // The hash of nobody is one that is really computed, with our parameters.
    let nobody = room.0.nobody.clone();
    assert!(!needs_rehash(&nobody));
    assert!(!phc::verify(b"anything", &nobody).unwrap());
    assert!(!room.verify("anything".into(), None, None).await.unwrap());
    // It takes its turn like any other: with no turn to be had, it is turned away as they are.
    let room = self::room(PasswordSettings { queue: 0, ..ONE });
    let (release, held) = hold(&room).await;
    for hash in [None, Some(nobody)] {
        assert_eq!(room.verify("anything".into(), hash, None).await.unwrap_err().code(), "sign_in_busy");
    }
    release.send(()).unwrap();
    held.await.unwrap().unwrap();
}

#[tokio::test]
async fn spellings_of_the_same_characters_are_one_password() {
    let room = room(ONE);
    let hash = room.hash("caf\u{e9} au lait".into(), None).await.unwrap();
    assert!(room.verify("cafe\u{301} au lait".into(), Some(hash), None).await.unwrap());
}

#[tokio::test]
async fn what_is_too_long_is_not_hashed() {
    let room = room(ONE);
    assert!(room.hash("a".repeat(MAX_BYTES).into(), None).await.is_ok());
    let error = room.hash("a".repeat(MAX_BYTES + 1).into(), None).await.unwrap_err();
    assert_eq!(error.fields()[0].code, "password_too_long");
    assert!(!room.verify("a".repeat(MAX_BYTES + 1).into(), None, None).await.unwrap());
}

#[tokio::test]
async fn a_kept_hash_may_not_ask_for_everything() {
    let room = room(ONE);
    let ours = room.0.nobody.clone();
    assert!(!needs_rehash(&ours));
    assert!(needs_rehash(&ours.replace("t=2", "t=1")));
    assert!(needs_rehash("not a hash"));
    for greedy in [
        ours.replace("m=19456", "m=1000000"),
        ours.replace("t=2", "t=1000"),
        ours.replace("argon2id", "argon2i"),
        "not a hash".to_owned(),
    ] {
        let error = room.verify("x".into(), Some(greedy.clone()), None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{greedy}");
        assert!(!error.message().contains("hash"), "the client is not told");
    }
    assert!(!room.verify("x".into(), Some(ours.replace("t=2", "t=1")), None).await.unwrap(), "older ones still count");
}

/// What lets go of the thread.
type Release = std::sync::mpsc::Sender<()>;

/// Takes the only thread until it is let go, or for five seconds if a test goes wrong.
async fn hold(room: &Passwords) -> (Release, tokio::task::JoinHandle<Result<(), Error>>) {
    let (release, released) = std::sync::mpsc::channel();
    let (started, start) = tokio::sync::oneshot::channel();
    let room = room.clone();
    let held = tokio::spawn(async move {
        room.turn(None, move || {
            let _ = started.send(());
            let _ = released.recv_timeout(Duration::from_secs(5));
            Ok(())
        })
        .await
    });
    start.await.unwrap();
    (release, held)
}

/// Until so many are inside and wait.
async fn until(room: &Passwords, inside: usize, waiting: usize) {
    let seen = async {
        while room.0.gate.status() != (GateStatus { inside, waiting }) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), seen).await.unwrap();
}

#[tokio::test]
async fn a_full_room_turns_away_at_once_and_serves_who_waits() {
    let room = room(ONE);
    let (release, held) = hold(&room).await;
    let waiters: Vec<_> = (0..2)
        .map(|_| {
            let room = room.clone();
            tokio::spawn(async move { room.turn(None, || Ok(())).await })
        })
        .collect();
    until(&room, 1, 2).await;
    let error = room.turn(None, || Ok(())).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "sign_in_busy"));
    assert_eq!(error.retry_hint(), Some(Duration::from_secs(2)));
    release.send(()).unwrap();
    held.await.unwrap().unwrap();
    for waiter in waiters {
        waiter.await.unwrap().unwrap();
    }
    room.turn(None, || Ok(())).await.unwrap();
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let room = room(PasswordSettings { wait: Duration::from_millis(20), ..ONE });
    let (release, held) = hold(&room).await;
    assert_eq!(room.turn(None, || Ok(())).await.unwrap_err().code(), "sign_in_busy");
    release.send(()).unwrap();
    held.await.unwrap().unwrap();
    room.turn(None, || Ok(())).await.unwrap();
    until(&room, 0, 0).await;
}

#[tokio::test]
async fn who_leaves_does_not_let_another_in_early() {
    let room = room(PasswordSettings { wait: Duration::from_millis(20), ..ONE });
    let (release, held) = hold(&room).await;
    held.abort();
    assert!(held.await.unwrap_err().is_cancelled());
    assert_eq!(room.turn(None, || Ok(())).await.unwrap_err().code(), "sign_in_busy", "the thread is still at work");
    release.send(()).unwrap();
    until(&room, 0, 0).await;
    room.turn(None, || Ok(())).await.unwrap();
}

#[tokio::test]
async fn no_more_hash_at_once_than_there_are_threads() {
    let room = room(PasswordSettings { threads: 2, queue: 64, ..ONE });
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let all: Vec<_> = (0..20)
        .map(|_| {
            let (room, now, most) = (room.clone(), Arc::clone(&now), Arc::clone(&most));
            tokio::spawn(async move {
                let of = Some(TenantId::generate(&SystemClock));
                room.turn(of, move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    now.fetch_sub(1, Ordering::SeqCst);
                    Ok(())
                })
                .await
            })
        })
        .collect();
    for one in all {
        one.await.unwrap().unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_crowd_of_one_tenant_neither_fills_the_room_nor_keeps_others_waiting() {
    let room = room(PasswordSettings { threads: 2, queue: 2, ..ONE });
    let [loud, quiet] = [(); 2].map(|()| Some(TenantId::generate(&SystemClock)));
    let (release, released) = std::sync::mpsc::channel::<()>();
    let begun = tokio::spawn({
        let room = room.clone();
        async move {
            room.turn(loud, move || {
                let _ = released.recv_timeout(Duration::from_secs(5));
                Ok(())
            })
            .await
        }
    });
    until(&room, 1, 0).await;
    let crowd: Vec<_> = (0..2)
        .map(|_| {
            let room = room.clone();
            tokio::spawn(async move { room.turn(loud, || Ok(())).await })
        })
        .collect();
    until(&room, 1, 2).await;
    assert_eq!(room.turn(loud, || Ok(())).await.unwrap_err().code(), "sign_in_busy", "its own queue is full");
    room.turn(quiet, || Ok(())).await.unwrap();
    room.turn(None, || Ok(())).await.unwrap();
    release.send(()).unwrap();
    begun.await.unwrap().unwrap();
    for one in crowd {
        one.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_panic_costs_one_answer_and_no_thread() {
    let room = room(ONE);
    let error = room.turn::<()>(None, || panic!("on purpose")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    room.turn(None, || Ok(())).await.unwrap();
    until(&room, 0, 0).await;
}
