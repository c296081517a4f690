//! What the webhooks of connectors are to be told.

use super::*;

/// How long a turn lasts.
const TURN: i64 = 60 * SECOND;

/// The turn of the connector `a`, which has come.
async fn turn(store: &Store) -> Turn {
    let turns = store.webhooks(10, TURN).await.expect("the store");
    let [turn] = &turns[..] else { panic!("one has its turn: {turns:?}") };
    assert_eq!(turn.connector, "a");
    turn.clone()
}

async fn is_quiet(store: &Store) -> bool {
    store.webhooks(10, TURN).await.expect("the store").is_empty()
}

async fn untold(store: &Store) -> Vec<Untold> {
    store.untold("a", 10).await.expect("the store").0
}

/// Lets time pass for webhooks.
async fn outwait(store: &Store) {
    let mut work = store.begin().await.expect("the store");
    for statement in [
        "update webhook set due = 1, leased_until = 0 where due is not null",
        "update untold set due = 1",
    ] {
        sqlx::query(statement).execute(work.connection()).await.expect("the store");
    }
    work.commit().await.expect("the store");
}

/// A message of the connector `a` that was taken back.
async fn end_one(store: &Store, id: &str) {
    accept(store, id, "a").await;
    assert!(store.cancel(id).await.expect("the store"));
}

async fn tell(store: &Store, turn: &Turn, tellings: &[(Untold, Telling)]) {
    store.end_turn(turn, tellings).await.expect("the store");
}

pub(super) async fn an_end_is_told_once_and_only_where_there_is_a_webhook(store: &Store) {
    store.set_webhook("a", true).await.expect("the store");
    assert!(is_quiet(store).await);
    end_one(store, "1").await;
    accept(store, "2", "b").await;
    assert!(store.cancel("2").await.expect("the store"));
    assert_eq!(store.untold_count().await.expect("the store"), 1);
    let turn = turn(store).await;
    assert!(is_quiet(store).await, "nobody else has it");
    let untold = untold(store).await;
    assert_eq!((untold.len(), untold[0].message.as_str()), (1, "1"));
    // What ends meanwhile is told in the next turn.
    end_one(store, "3").await;
    assert!(is_quiet(store).await);
    tell(store, &turn, &[(untold[0].clone(), Telling::Done)]).await;
    let next = self::turn(store).await;
    let untold = self::untold(store).await;
    assert_eq!((untold.len(), untold[0].message.as_str()), (1, "3"));
    tell(store, &next, &[(untold[0].clone(), Telling::Done)]).await;
    assert!(is_quiet(store).await);
}

pub(super) async fn each_way_to_end_is_told(store: &Store) {
    store.set_webhook("a", true).await.expect("the store");
    end_one(store, "cancelled").await;
    let late = NewMessage { within: -1, ..message("expired", "a") };
    store.accept(&[vec![late]]).await.expect("the store");
    store.expire().await.expect("the store");
    accept(store, "accepted", "a").await;
    let lease = claim_one(store).await;
    assert!(finish(store, &lease, Outcome::Final(State::Accepted), Way::Up).await);
    accept(store, "ambiguous", "a").await;
    let lease = claim_one(store).await;
    assert!(permit(store, &lease).await);
    store.recover(true).await.expect("the store");
    accept(store, "again", "a").await;
    let lease = claim_one(store).await;
    assert!(finish(store, &lease, Outcome::Again(0), Way::Up).await);
    accept(store, "abandoned", "a").await;
    store.abandon("a").await.expect("the store");
    let mut told: Vec<_> = untold(store).await.into_iter().map(|untold| untold.message).collect();
    told.sort();
    assert_eq!(told, ["abandoned", "accepted", "again", "ambiguous", "cancelled", "expired"]);
}

pub(super) async fn what_cannot_be_told_waits_and_does_not_delay_the_rest(store: &Store) {
    store.set_webhook("a", true).await.expect("the store");
    end_one(store, "1").await;
    let first = turn(store).await;
    let one = untold(store).await.remove(0);
    tell(store, &first, &[(one, Telling::Failed)]).await;
    // Nothing could be told, so that all of it waits.
    end_one(store, "2").await;
    assert!(is_quiet(store).await);
    outwait(store).await;
    let second = turn(store).await;
    assert_eq!(second.failures, 1);
    let mut both = untold(store).await;
    both.sort_by(|a, b| a.message.cmp(&b.message));
    assert_eq!(both.iter().map(|untold| untold.attempts).collect::<Vec<_>>(), [1, 0]);
    let tellings = [(both[0].clone(), Telling::Failed), (both[1].clone(), Telling::Done)];
    tell(store, &second, &tellings).await;
    assert!(is_quiet(store).await, "the one that failed waits");
    end_one(store, "3").await;
    assert_eq!(turn(store).await.failures, 0);
    let waiting = untold(store).await;
    assert_eq!((waiting.len(), waiting[0].message.as_str()), (1, "3"));
}

pub(super) async fn an_end_that_is_revised_is_told_again(store: &Store) {
    store.set_webhook("a", true).await.expect("the store");
    accept(store, "1", "a").await;
    let lease = claim_one(store).await;
    assert!(permit(store, &lease).await);
    store.recover(true).await.expect("the store");
    let first = turn(store).await;
    let ambiguous = untold(store).await.remove(0);
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    assert!(finish(store, &lease, Outcome::Final(State::Accepted), Way::Up).await);
    tell(store, &first, &[(ambiguous, Telling::Done)]).await;
    turn(store).await;
    assert_eq!(untold(store).await.len(), 1);
}

pub(super) async fn what_is_too_old_is_not_told_nor_what_has_no_webhook_any_more(store: &Store) {
    store.set_webhook("a", true).await.expect("the store");
    end_one(store, "1").await;
    let mut work = store.begin().await.expect("the store");
    let age = "update untold set ended = ended - 86500000000";
    sqlx::query(age).execute(work.connection()).await.expect("the store");
    work.commit().await.expect("the store");
    let first = turn(store).await;
    assert_eq!(store.untold("a", 10).await.expect("the store"), (Vec::new(), 1));
    tell(store, &first, &[]).await;
    assert!(is_quiet(store).await);
    end_one(store, "2").await;
    store.set_webhook("a", false).await.expect("the store");
    assert!(is_quiet(store).await);
    assert!(untold(store).await.is_empty());
    // What is forgotten is not told.
    store.set_webhook("a", true).await.expect("the store");
    end_one(store, "3").await;
    store.forget(-1).await.expect("the store");
    assert!(untold(store).await.is_empty());
}
