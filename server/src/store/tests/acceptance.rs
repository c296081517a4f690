//! Acceptance on both engines.

use super::*;

pub(super) async fn a_message_is_accepted_once_for_each_key(store: &Store) {
    let with_key = |id: &str, digest: &[u8]| NewMessage {
        key: Some(("k".to_owned(), digest.to_vec())),
        ..message(id, "a")
    };
    let batch = [with_key("1", b"x"), with_key("2", b"x"), with_key("3", b"y"), message("4", "a")];
    let expected =
        [Ok(vec![new("1")]), Ok(vec![replay("1")]), Err(Declined::Conflict), Ok(vec![new("4")])];
    assert_eq!(accept_each(store, &batch).await, expected);
    assert_eq!(accept_each(store, &[with_key("5", b"x")]).await, [Ok(vec![replay("1")])]);
    // Another connector has keys of its own.
    let other = NewMessage { connector: "b".to_owned(), ..with_key("6", b"y") };
    assert_eq!(accept_each(store, &[other]).await, [Ok(vec![new("6")])]);
    assert_eq!(claim(store).await.len(), 3);
}

pub(super) async fn a_call_is_accepted_whole_or_not_at_all(store: &Store) {
    let of = |id: &str, key: &str, digest: &[u8], recipient: &[u8]| NewMessage {
        key: Some((key.to_owned(), digest.to_vec())),
        recipient: recipient.to_vec(),
        limit: Some(RecipientLimit::new(1, std::time::Duration::from_secs(600))),
        ..message(id, "a")
    };
    let both = [vec![of("1", "k1", b"x", b"old"), of("2", "k2", b"x", b"new")]];
    let accepted = accept_calls(store, &both).await;
    assert_eq!(accepted, [Ok(vec![new("1"), new("2")])]);
    let again = [vec![of("3", "k1", b"x", b"old"), of("4", "k2", b"x", b"new")]];
    let accepted = accept_calls(store, &again).await;
    assert_eq!(accepted, [Ok(vec![replay("1"), replay("2")])]);
    // The first one of each could be accepted, the second one cannot. What the call beside them
    // asks for is not lost with them.
    let calls = [
        vec![of("5", "k5", b"x", b"jo"), of("6", "k6", b"x", b"new")],
        vec![of("7", "k7", b"x", b"sam"), of("8", "k1", b"y", b"kim")],
        vec![of("9", "k9", b"x", b"lou")],
    ];
    let accepted = accept_calls(store, &calls).await;
    assert!(matches!(accepted[0], Err(Declined::Limited(_))), "{accepted:?}");
    assert_eq!(accepted[1..], [Err(Declined::Conflict), Ok(vec![new("9")])]);
    let known = store.messages(&Look { limit: 9, ..Look::default() }).await.expect("the store");
    assert_eq!(known.iter().map(|known| known.id.as_str()).collect::<Vec<_>>(), ["9", "2", "1"]);
    // Nothing was counted for the recipients of what was not accepted.
    let later = [of("10", "k10", b"x", b"jo"), of("11", "k11", b"x", b"sam")];
    assert_eq!(accept_each(store, &later).await, [Ok(vec![new("10")]), Ok(vec![new("11")])]);
}

pub(super) async fn a_recipient_gets_no_more_than_the_limit(store: &Store) {
    let limit = RecipientLimit::new(2, std::time::Duration::from_secs(600));
    let to = |id: &str, recipient: &[u8]| NewMessage {
        limit: Some(limit),
        recipient: recipient.to_vec(),
        ..message(id, "a")
    };
    let batch = [to("1", b"jo"), to("2", b"jo"), to("3", b"jo"), to("4", b"sam")];
    let acceptances = accept_each(store, &batch).await;
    assert_eq!(acceptances.iter().flatten().count(), 3);
    let wait = acceptances.iter().find_map(|found| match found {
        Err(Declined::Limited(wait)) => Some(*wait),
        _ => None,
    });
    assert!((299 * SECOND..=300 * SECOND).contains(&wait.expect("one is too many")), "{wait:?}");
    let other = NewMessage { connector: "b".to_owned(), ..to("5", b"jo") };
    assert_eq!(accept_each(store, &[other]).await, [Ok(vec![new("5")])]);
}

pub(super) async fn calls_that_come_together_end_as_if_one_by_one(store: &Store) {
    let limit = RecipientLimit::new(3, std::time::Duration::from_secs(600));
    // Many share a recipient or a key; a key is always for one recipient.
    let calls = |sender: &str| -> Vec<NewMessage> {
        let of = |number: u32| NewMessage {
            key: (!number.is_multiple_of(3)).then(|| {
                let digest = if number.is_multiple_of(7) { b"other" } else { b"first" };
                (format!("k{}", number % 40), digest.to_vec())
            }),
            recipient: format!("r{}", number % 20).into_bytes(),
            limit: (number % 10 != 7).then_some(limit),
            ..message(&format!("{sender}{number:03}"), &format!("{sender}{}", number % 2))
        };
        (0..150).map(of).collect()
    };
    let what = |end: Names| match end {
        Ok(names) => {
            Ok(names.into_iter().map(|(id, is)| (id[1..].to_owned(), is)).collect::<Vec<_>>())
        }
        Err(Declined::Limited(_)) => Err("limited"),
        Err(Declined::Conflict) => Err("conflict"),
    };
    let mut one_by_one = Vec::new();
    for call in calls("a") {
        one_by_one.extend(accept_each(store, &[call]).await.into_iter().map(what));
    }
    let together = accept_each(store, &calls("b")).await;
    let together: Vec<_> = together.into_iter().map(what).collect();
    assert_eq!(together, one_by_one);
    for kind in ["limited", "conflict"] {
        assert!(together.contains(&Err(kind)), "no call is {kind}");
    }
    assert!(together.iter().flatten().flatten().any(|(_, is)| *is), "no call is a replay");
}

pub(super) async fn what_is_said_of_an_accepted_message_is_what_is_stored(store: &Store) {
    let message = NewMessage { key: Some(("k".to_owned(), b"x".to_vec())), ..message("1", "a") };
    for replayed in [false, true] {
        let said = store.accept(&[vec![message.clone()]]).await.expect("the store");
        let [Ok(said)] = &said[..] else { panic!("{said:?}") };
        let stored = store.message("1").await.expect("the store").expect("it is stored");
        assert_eq!((&said[0].record, said[0].replayed), (&stored, replayed));
    }
}

pub(super) async fn a_message_is_due_unless_its_lane_pauses_or_is_full(store: &Store) {
    set_lane(store, "a", room(1)).await;
    let is_due = async |id: &str| {
        let accepted = store.accept(&[vec![message(id, "a")]]).await.expect("the store");
        accepted[0].as_ref().expect("it is accepted")[0].is_due
    };
    assert!(is_due("1").await);
    let mut lease = claim_one(store).await;
    assert!(!is_due("2").await, "the lane is full");
    for failures in 0..5 {
        finish(store, &lease, Outcome::Again(0), Way::Down).await;
        if failures < 4 {
            assert!(is_due(&format!("{failures} down")).await, "the lane has room");
            lease = claim_one(store).await;
        }
    }
    assert!(!is_due("3").await, "the lane pauses");
}

pub(super) async fn nothing_is_done_of_a_transaction_that_is_given_up(store: &Store) {
    for id in ["1", "2", "3"] {
        let mut work = store.begin().await.expect("the store");
        let insert = "insert into setting (name, value) values ($1, $2)";
        let insert = sqlx::query(insert).bind(id).bind(b"x".to_vec());
        insert.execute(work.connection()).await.expect("the store");
        drop(work);
        accept(store, id, "a").await;
    }
    let count = sqlx::query_scalar("select count(*) from setting where value = $1");
    let mut reader = store.reader().await.expect("a connection");
    let count = count.bind(b"x".to_vec()).fetch_one(reader.connection()).await;
    let count: i64 = count.expect("the store");
    assert_eq!(count, 0);
}
