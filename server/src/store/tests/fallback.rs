//! Fallback: messages that go through another connector than their own.

use super::*;

on_both!(
    a_detour_is_carried_at_the_cost_of_the_other_connector,
    a_detour_keeps_the_exactly_one_end,
    what_waits_for_a_relay_that_is_down_goes_through_the_next_that_is_not,
    where_all_relays_are_down_one_message_finds_out_whether_one_is_back,
    what_is_not_due_or_has_no_other_way_waits,
    a_lane_has_no_more_diverted_messages_in_line_than_its_own_can_bear,
    many_failures_at_once_open_a_circuit_for_no_longer_than_a_few,
    a_circuit_stays_open_until_the_configuration_is_another_or_all_starts_anew,
);

/// Lanes for connectors, each with its fallback.
async fn lanes(store: &Store, lanes: &[(&str, &str)]) {
    for (name, fallback) in lanes {
        let fallback = fallback.split_terminator(',').map(str::to_owned).collect();
        set_lane(store, name, LaneSettings { fallback, ..room(100) }).await;
    }
}

/// Has the relay of a lane be down until a time, or for so long that its pause is over.
async fn close(store: &Store, connector: &str, paused: i64) {
    let mut work = store.begin().await.expect("the store");
    let close = "update lane set failures = 5, paused = $2 where connector = $1";
    let close = sqlx::query(close).bind(connector).bind(paused).execute(work.connection());
    close.await.expect("the store");
    work.commit().await.expect("the store");
}

async fn through(store: &Store, id: &str) -> String {
    store.message(id).await.expect("the store").expect("a message").through
}

fn detour(through: &str, promising: bool) -> Outcome {
    Outcome::Elsewhere(Detour { through: through.to_owned(), after: 0, promising })
}

async fn a_detour_is_carried_at_the_cost_of_the_other_connector(store: &Store) {
    lanes(store, &[("a", "b"), ("b", "")]).await;
    set_lane(store, "b", room(1)).await;
    for id in ["1", "2"] {
        accept(store, id, "a").await;
    }
    for message in claim(store).await {
        let lease = Lease { id: message.id, fence: message.fence };
        assert_eq!((message.lane.as_str(), message.promising), ("a", 0));
        assert!(finish(store, &lease, detour("b", true), Way::Down).await);
    }
    assert_eq!((in_flight(store, "a").await, in_flight(store, "b").await), (0, 0));
    let claimed = claim(store).await;
    assert_eq!(claimed.len(), 1, "the other connector has one place");
    let message = &claimed[0];
    assert_eq!((message.connector.as_str(), message.lane.as_str()), ("a", "b"));
    assert_eq!((message.promising, message.attempts), (1, 2));
    assert_eq!((in_flight(store, "a").await, in_flight(store, "b").await), (0, 1));
    let lease = Lease { id: message.id.clone(), fence: message.fence };
    assert!(permit(store, &lease).await);
    assert!(finish(store, &lease, Outcome::Final(State::Accepted), Way::Up).await);
    assert_eq!(in_flight(store, "b").await, 0);
    assert_eq!(through(store, &lease.id).await, "b");
    // What a dead worker had goes on where it was.
    let left = claim_one(store).await;
    assert_eq!(in_flight(store, "b").await, 1);
    store.recover(true).await.expect("the store");
    assert_eq!((in_flight(store, "b").await, through(store, &left.id).await), (0, "b".to_owned()));
}

async fn a_detour_keeps_the_exactly_one_end(store: &Store) {
    lanes(store, &[("a", "b"), ("b", "")]).await;
    accept(store, "1", "a").await;
    let first = claim_one(store).await;
    assert!(permit(store, &first).await);
    store.recover(true).await.expect("the store");
    assert_eq!(state(store, "1").await, State::Ambiguous);
    assert!(!finish(store, &first, detour("b", true), Way::Up).await, "it is never sent again");
    accept(store, "2", "a").await;
    let first = claim_one(store).await;
    assert!(finish(store, &first, detour("b", true), Way::Up).await);
    let second = claim_one(store).await;
    assert!(!permit(store, &first).await, "it is another claim's by now");
    assert!(!finish(store, &first, detour("b", true), Way::Up).await);
    assert!(finish(store, &second, Outcome::Final(State::Accepted), Way::Up).await);
    assert!(claim(store).await.is_empty());
}

async fn what_waits_for_a_relay_that_is_down_goes_through_the_next_that_is_not(store: &Store) {
    lanes(store, &[("a", "b,none,c"), ("b", ""), ("c", ""), ("d", "")]).await;
    for id in ["1", "2", "3"] {
        accept(store, id, "a").await;
    }
    accept(store, "4", "d").await;
    assert!(store.divert().await.expect("the store").is_empty(), "all relays are up");
    for name in ["a", "b", "d"] {
        close(store, name, i64::MAX / 2).await;
    }
    let diverted = store.divert().await.expect("the store");
    let [Diverted { connector, from, through: to, count }] = &diverted[..] else {
        panic!("{diverted:?}")
    };
    assert_eq!((&**connector, &**from, &**to, *count), ("a", "a", "c", 3));
    assert!(store.divert().await.expect("the store").is_empty(), "they are there");
    let claimed = claim(store).await;
    assert_eq!(claimed.len(), 3);
    assert!(claimed.iter().all(|message| message.lane == "c" && message.attempts == 1));
    // The way of a message is its own connector's, wherever it waits.
    let lease = Lease { id: claimed[0].id.clone(), fence: claimed[0].fence };
    assert!(finish(store, &lease, Outcome::Again(0), Way::Down).await);
    close(store, "c", i64::MAX / 2).await;
    let configuration = b"another".to_vec();
    set_lane(store, "b", LaneSettings { configuration, ..room(100) }).await;
    let diverted = store.divert().await.expect("the store");
    assert_eq!((&*diverted[0].from, &*diverted[0].through), ("c", "b"));
    assert_eq!(claim_one(store).await.id, lease.id);
}

async fn where_all_relays_are_down_one_message_finds_out_whether_one_is_back(store: &Store) {
    lanes(store, &[("a", "b"), ("b", "")]).await;
    for id in ["1", "2", "3"] {
        accept(store, id, "a").await;
    }
    close(store, "a", i64::MAX / 2).await;
    close(store, "b", i64::MAX / 2).await;
    assert!(store.divert().await.expect("the store").is_empty());
    assert!(claim(store).await.is_empty());
    close(store, "b", 1).await;
    let diverted = store.divert().await.expect("the store");
    assert_eq!(diverted.iter().map(|diverted| diverted.count).collect::<Vec<_>>(), [1]);
    let probe = claim_one(store).await;
    assert!(store.divert().await.expect("the store").is_empty(), "one for each pause");
    assert!(finish(store, &probe, Outcome::Final(State::Accepted), Way::Up).await);
    assert_eq!(store.divert().await.expect("the store")[0].count, 2, "the relay is back");
    assert_eq!(claim(store).await.len(), 2);
}

async fn a_lane_has_no_more_diverted_messages_in_line_than_its_own_can_bear(store: &Store) {
    lanes(store, &[("a", "b,c"), ("b", ""), ("c", "")]).await;
    let all: Vec<_> = (0..450).map(|number| message(&number.to_string(), "a")).collect();
    accept_each(store, &all).await;
    close(store, "a", i64::MAX / 2).await;
    for (to, expected) in [("b", 200), ("c", 200)] {
        let diverted = store.divert().await.expect("the store");
        assert_eq!((&*diverted[0].through, diverted[0].count), (to, expected));
    }
    assert!(store.divert().await.expect("the store").is_empty(), "the rest waits");
    assert_eq!(claim(store).await.len(), 16, "eight of each lane");
    let diverted = store.divert().await.expect("the store");
    assert_eq!((&*diverted[0].through, diverted[0].count), ("b", 8));
}

async fn what_is_not_due_or_has_no_other_way_waits(store: &Store) {
    lanes(store, &[("a", "b"), ("b", "")]).await;
    accept(store, "1", "a").await;
    let lease = claim_one(store).await;
    assert!(finish(store, &lease, Outcome::Again(3600 * SECOND), Way::Up).await);
    accept(store, "2", "b").await;
    close(store, "a", i64::MAX / 2).await;
    close(store, "b", i64::MAX / 2).await;
    assert!(store.divert().await.expect("the store").is_empty());
    assert_eq!((through(store, "1").await, through(store, "2").await), ("a".into(), "b".into()));
}

async fn a_circuit_stays_open_until_the_configuration_is_another_or_all_starts_anew(store: &Store) {
    let open = async || store.open_circuits().await.expect("the store");
    set_lane(store, "a", room(1)).await;
    assert!(open().await.is_empty());
    close(store, "a", i64::MAX / 2).await;
    // Another process takes the connector over.
    set_lane(store, "a", room(2)).await;
    assert_eq!(open().await, ["a"]);
    set_lane(store, "a", LaneSettings { configuration: b"another".to_vec(), ..room(2) }).await;
    assert!(open().await.is_empty());
    close(store, "a", i64::MAX / 2).await;
    store.recover(false).await.expect("the store");
    assert_eq!(open().await, ["a"]);
    store.recover(true).await.expect("the store");
    assert!(open().await.is_empty());
}

async fn many_failures_at_once_open_a_circuit_for_no_longer_than_a_few(store: &Store) {
    set_lane(store, "a", room(100)).await;
    for number in 0..30 {
        accept(store, &number.to_string(), "a").await;
    }
    let failures = async || {
        let mut reader = store.reader().await.expect("a connection");
        let failures = sqlx::query_scalar("select failures from lane where connector = 'a'");
        let failures: i64 = failures.fetch_one(reader.connection()).await.expect("a lane");
        failures
    };
    let mut claimed = Vec::new();
    for _ in 0..3 {
        claimed.extend(claim(store).await);
    }
    assert_eq!(claimed.len(), 24);
    let failed = |message: &Claimed| Finish {
        lease: Lease { id: message.id.clone(), fence: message.fence },
        outcome: Outcome::Again(0),
        way: Way::Down,
        result: None,
    };
    let (most, last): (Vec<_>, _) = (claimed[1..].iter().map(failed).collect(), &claimed[0]);
    for batch in most.chunks(8) {
        store.finish(batch).await.expect("the store");
        assert_eq!(failures().await, 5);
    }
    store.finish(&[failed(last)]).await.expect("the store");
    assert_eq!(failures().await, 6, "it was alone");
    close(store, "a", 1).await;
    let probe = claim_one(store).await;
    assert!(finish(store, &probe, Outcome::Again(0), Way::Down).await);
    assert_eq!(failures().await, 6, "each probe that fails doubles the pause");
}
