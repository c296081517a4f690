//! What a store promises, on both engines.

mod acceptance;
mod webhooks;

use std::collections::HashMap;

use sqlx::Connection as _;

use self::acceptance::{
    a_call_is_accepted_whole_or_not_at_all, a_message_is_accepted_once_for_each_key,
    a_message_is_due_unless_its_lane_pauses_or_is_full, a_recipient_gets_no_more_than_the_limit,
    calls_that_come_together_end_as_if_one_by_one,
    nothing_is_done_of_a_transaction_that_is_given_up,
    what_is_said_of_an_accepted_message_is_what_is_stored,
};
use self::webhooks::{
    an_end_is_told_once_and_only_where_there_is_a_webhook, an_end_that_is_revised_is_told_again,
    each_way_to_end_is_told, what_cannot_be_told_waits_and_does_not_delay_the_rest,
    what_is_too_old_is_not_told_nor_what_has_no_webhook_any_more,
};
use super::*;
use crate::limits::RecipientLimit;

/// Where the tests find a PostgreSQL server, each in a schema of its own.
const POSTGRES: &str = "SMTP_CONNECTOR_TEST_POSTGRES";

/// Tries a promise on both engines.
macro_rules! on_both {
    ($($promise:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $promise() {
                let folder = tempfile::tempdir().expect("a folder");
                let path = folder.path().join("a store.db");
                let store = super::Store::open(path.to_str().expect("UTF-8")).await;
                super::$promise(&store.expect("a store")).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test]
            #[ignore = "needs a PostgreSQL server, named by SMTP_CONNECTOR_TEST_POSTGRES"]
            async fn $promise() {
                let store = super::postgres(stringify!($promise)).await;
                super::$promise(&store).await;
            })+
        }
    };
}

mod fallback;

on_both!(
    a_message_is_accepted_once_for_each_key,
    a_call_is_accepted_whole_or_not_at_all,
    a_recipient_gets_no_more_than_the_limit,
    calls_that_come_together_end_as_if_one_by_one,
    what_is_said_of_an_accepted_message_is_what_is_stored,
    a_message_is_due_unless_its_lane_pauses_or_is_full,
    nothing_is_done_of_a_transaction_that_is_given_up,
    a_claim_is_carried_to_its_end_and_its_content_erased,
    only_the_last_claim_may_release_or_finish,
    a_failed_attempt_comes_back_when_it_is_due,
    what_a_dead_worker_had_waits_again_or_is_ambiguous,
    what_a_worker_does_not_carry_comes_back_though_it_lives,
    an_ambiguous_message_takes_a_late_word_for_its_end_and_no_second_attempt,
    what_a_worker_gives_back_waits_again_unless_it_is_released,
    what_is_too_late_ends_unsent,
    lanes_take_turns,
    a_lane_keeps_to_its_rate_and_its_share,
    a_relay_that_is_down_costs_one_probe_for_each_pause,
    a_message_is_taken_back_only_while_it_waits,
    messages_are_listed_page_by_page,
    a_document_is_changed_only_from_the_version_that_is_known,
    the_first_token_is_the_only_first_one,
    what_has_ended_long_ago_is_forgotten,
    an_end_is_told_once_and_only_where_there_is_a_webhook,
    each_way_to_end_is_told,
    what_cannot_be_told_waits_and_does_not_delay_the_rest,
    an_end_that_is_revised_is_told_again,
    what_is_too_old_is_not_told_nor_what_has_no_webhook_any_more,
);

async fn postgres(promise: &str) -> Store {
    let url = std::env::var(POSTGRES).expect(POSTGRES);
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(&url).await.expect("the server");
    let schema = format!("test_{}", &promise[..promise.len().min(50)]);
    for statement in ["drop schema if exists", "create schema"] {
        let end = if statement.starts_with("drop") { " cascade" } else { "" };
        let statement = sqlx::AssertSqlSafe(format!("{statement} {schema}{end}"));
        sqlx::raw_sql(statement).execute(&mut connection).await.expect("a schema");
    }
    let mark = if url.contains('?') { '&' } else { '?' };
    Store::open(&format!("{url}{mark}options[search_path]={schema}")).await.expect("a store")
}

fn message(id: &str, connector: &str) -> NewMessage {
    NewMessage {
        id: id.to_owned(),
        connector: connector.to_owned(),
        usage_type: "SignIn".to_owned(),
        within: 3600 * SECOND,
        own_deadline: true,
        key: None,
        recipient: b"jo".to_vec(),
        limit: None,
        message_id: format!("<{id}@a.test>"),
        content: b"sealed".to_vec(),
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    }
}

/// Settings of a lane with this room, without a rate and a fallback.
fn room(most_in_flight: i64) -> LaneSettings {
    let configuration = b"one".to_vec();
    LaneSettings { most_in_flight, pace: Pace::ANY, fallback: Vec::new(), configuration }
}

async fn set_lane(store: &Store, connector: &str, settings: LaneSettings) {
    store.set_lane(connector, &settings).await.expect("the store");
}

/// What became of a call: the name of each message, and whether it is a replay.
type Names = std::result::Result<Vec<(String, bool)>, Declined>;

async fn accept_calls(store: &Store, calls: &[Vec<NewMessage>]) -> Vec<Names> {
    let acceptances = store.accept(calls).await.expect("the store");
    let name = |accepted: Accepted| (accepted.record.id, accepted.replayed);
    let names = |accepted: Vec<Accepted>| accepted.into_iter().map(name).collect();
    acceptances.into_iter().map(|acceptance| acceptance.map(names)).collect()
}

/// Accepts messages, each as a call of its own.
async fn accept_each(store: &Store, messages: &[NewMessage]) -> Vec<Names> {
    let calls: Vec<_> = messages.iter().map(|message| vec![message.clone()]).collect();
    accept_calls(store, &calls).await
}

async fn accept(store: &Store, id: &str, connector: &str) {
    let accepted = accept_each(store, &[message(id, connector)]).await;
    assert_eq!(accepted, [Ok(vec![new(id)])]);
}

fn new(id: &str) -> (String, bool) {
    (id.to_owned(), false)
}

fn replay(id: &str) -> (String, bool) {
    (id.to_owned(), true)
}

async fn claim(store: &Store) -> Vec<Claimed> {
    store.claim("w", 100).await.expect("the store")
}

async fn claim_one(store: &Store) -> Lease {
    let claimed = claim(store).await;
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    Lease { id: claimed[0].id.clone(), fence: claimed[0].fence }
}

async fn permit(store: &Store, lease: &Lease) -> bool {
    store.permit(std::slice::from_ref(lease)).await.expect("the store")[0]
}

async fn finish(store: &Store, lease: &Lease, outcome: Outcome, way: Way) -> bool {
    let result = Some("{}".to_owned());
    let finish = Finish { lease: lease.clone(), outcome, way, result };
    store.finish(&[finish]).await.expect("the store")[0]
}

async fn state(store: &Store, id: &str) -> State {
    store.message(id).await.expect("the store").expect("a message").state()
}

async fn in_flight(store: &Store, connector: &str) -> i64 {
    let select = "select in_flight from lane where connector = $1";
    let mut reader = store.reader().await.expect("a connection");
    let found = sqlx::query_scalar(select).bind(connector).fetch_one(reader.connection());
    found.await.expect("a lane")
}

/// Makes a lease as old as one of a worker that has died.
async fn outlive(store: &Store) {
    let mut work = store.begin().await.expect("the store");
    let age = "update message set leased_until = 1 where state in (1, 2)";
    sqlx::query(age).execute(work.connection()).await.expect("the store");
    work.commit().await.expect("the store");
}

async fn a_claim_is_carried_to_its_end_and_its_content_erased(store: &Store) {
    accept(store, "1", "a").await;
    assert_eq!(state(store, "1").await, State::Queued);
    let claimed = claim(store).await;
    assert_eq!(claimed[0].content.as_deref(), Some(b"sealed".as_slice()));
    assert_eq!(claimed[0].trace, message("1", "a").trace);
    assert_eq!((claimed[0].fence, claimed[0].attempts, claimed[0].own_deadline), (1, 1, 1));
    assert_eq!((state(store, "1").await, in_flight(store, "a").await), (State::Sending, 1));
    assert!(claim(store).await.is_empty());
    let lease = Lease { id: "1".to_owned(), fence: 1 };
    assert!(permit(store, &lease).await);
    // A connection may turn out to be closed after the permit; the message then goes over another.
    assert!(permit(store, &lease).await);
    assert!(finish(store, &lease, Outcome::Final(State::Accepted), Way::Up).await);
    assert_eq!((state(store, "1").await, in_flight(store, "a").await), (State::Accepted, 0));
    let mut reader = store.reader().await.expect("a connection");
    let content = sqlx::query_scalar("select content from message").fetch_one(reader.connection());
    let content: Option<Vec<u8>> = content.await.expect("the store");
    assert_eq!(content, None);
    assert!(!finish(store, &lease, Outcome::Final(State::Failed), Way::Up).await, "it has ended");
}

async fn only_the_last_claim_may_release_or_finish(store: &Store) {
    accept(store, "1", "a").await;
    let old = claim_one(store).await;
    outlive(store).await;
    assert!(!permit(store, &old).await, "the lease is over");
    assert!(store.recover(false).await.expect("the store").is_empty());
    let new = claim_one(store).await;
    assert!(new.fence > old.fence);
    assert!(!permit(store, &old).await);
    assert!(!finish(store, &old, Outcome::Final(State::Accepted), Way::Up).await);
    assert!(permit(store, &new).await);
    assert_eq!(in_flight(store, "a").await, 1);
}

async fn a_failed_attempt_comes_back_when_it_is_due(store: &Store) {
    accept(store, "1", "a").await;
    let lease = claim_one(store).await;
    assert!(finish(store, &lease, Outcome::Again(3600 * SECOND), Way::Up).await);
    assert!(claim(store).await.is_empty(), "it is not due");
    accept(store, "2", "a").await;
    let lease = claim_one(store).await;
    assert_eq!(lease.id, "2");
    assert!(finish(store, &lease, Outcome::Again(0), Way::Up).await);
    let again = claim(store).await;
    assert_eq!((again[0].id.as_str(), again[0].attempts), ("2", 2));
}

async fn what_a_dead_worker_had_waits_again_or_is_ambiguous(store: &Store) {
    accept(store, "1", "a").await;
    let leased = claim_one(store).await;
    accept(store, "2", "a").await;
    let released = claim_one(store).await;
    assert!(permit(store, &released).await);
    assert!(store.recover(false).await.expect("the store").is_empty(), "the worker may live");
    let ended = store.recover(true).await.expect("the store");
    assert_eq!(ended.iter().map(|ended| ended.id.as_str()).collect::<Vec<_>>(), ["2"]);
    assert_eq!(state(store, "2").await, State::Ambiguous);
    assert_eq!((state(store, "1").await, in_flight(store, "a").await), (State::Queued, 0));
    assert!(!finish(store, &leased, Outcome::Final(State::Accepted), Way::Up).await);
    assert_eq!(claim_one(store).await.id, "1");
    assert!(claim(store).await.is_empty(), "what is ambiguous is never sent again");
}

async fn what_a_worker_does_not_carry_comes_back_though_it_lives(store: &Store) {
    for id in ["1", "2", "3"] {
        accept(store, id, "a").await;
    }
    assert_eq!(claim(store).await.len(), 3);
    outlive(store).await;
    // The claim of the second one was lost with its answer, after an earlier one.
    let carried = [("1", 1), ("2", 0), ("3", 1), ("4", 1)];
    let carried = carried.map(|(id, fence)| Lease { id: id.to_owned(), fence });
    store.beat(&carried).await.expect("the store");
    store.recover(false).await.expect("the store");
    let states = [state(store, "1").await, state(store, "2").await, state(store, "3").await];
    assert_eq!(states, [State::Sending, State::Queued, State::Sending]);
    assert_eq!(in_flight(store, "a").await, 2);
    assert_eq!(claim_one(store).await.id, "2");
}

async fn an_ambiguous_message_takes_a_late_word_for_its_end_and_no_second_attempt(store: &Store) {
    accept(store, "1", "a").await;
    let lease = claim_one(store).await;
    assert!(permit(store, &lease).await);
    store.recover(true).await.expect("the store");
    assert!(!finish(store, &lease, Outcome::Again(0), Way::Up).await);
    assert!(finish(store, &lease, Outcome::Final(State::Accepted), Way::Up).await);
    assert_eq!((state(store, "1").await, in_flight(store, "a").await), (State::Accepted, 0));
}

async fn what_a_worker_gives_back_waits_again_unless_it_is_released(store: &Store) {
    accept(store, "1", "a").await;
    let leased = claim_one(store).await;
    accept(store, "2", "a").await;
    let released = claim_one(store).await;
    assert!(permit(store, &released).await);
    store.give_back("another").await.expect("the store");
    assert_eq!(in_flight(store, "a").await, 2);
    store.give_back("w").await.expect("the store");
    assert_eq!((state(store, "1").await, in_flight(store, "a").await), (State::Queued, 1));
    assert!(!permit(store, &leased).await, "it is another's to claim");
    assert!(finish(store, &released, Outcome::Final(State::Accepted), Way::Up).await);
}

async fn what_is_too_late_ends_unsent(store: &Store) {
    let late = |id: &str, own_deadline| NewMessage { within: -1, own_deadline, ..message(id, "a") };
    accept_each(store, &[late("1", true), late("2", false)]).await;
    accept(store, "3", "a").await;
    assert_eq!(claim_one(store).await.id, "3");
    let mut ended = store.expire().await.expect("the store");
    ended.sort_by(|a, b| a.id.cmp(&b.id));
    let states: Vec<_> = ended.iter().map(|ended| (ended.id.as_str(), ended.state)).collect();
    assert_eq!(states, [("1", State::Expired), ("2", State::Failed)]);
    assert_eq!(ended[0].result, None, "it was never tried");
    assert!(store.expire().await.expect("the store").is_empty());
}

async fn lanes_take_turns(store: &Store) {
    for number in 0..100 {
        accept(store, &format!("big{number}"), "big").await;
    }
    for number in 0..20 {
        accept(store, &format!("small{number}"), &format!("small{number}")).await;
    }
    set_lane(store, "big", room(1000)).await;
    let mut of_big = 0;
    let mut of_small = 0;
    for _ in 0..2 {
        for claimed in claim(store).await {
            if claimed.connector == "big" { of_big += 1 } else { of_small += 1 }
        }
    }
    assert_eq!(of_small, 20, "each has had its turn");
    assert!(of_big <= 16, "{of_big}");
}

async fn a_lane_keeps_to_its_rate_and_its_share(store: &Store) {
    let pace = Pace { emission: 3600 * SECOND, burst: 3 };
    set_lane(store, "slow", LaneSettings { pace, ..room(100) }).await;
    set_lane(store, "narrow", room(2)).await;
    for number in 0..9 {
        accept(store, &format!("s{number}"), "slow").await;
        accept(store, &format!("n{number}"), "narrow").await;
    }
    let mut claimed: HashMap<String, Vec<Lease>> = HashMap::new();
    for _ in 0..3 {
        for message in claim(store).await {
            let lease = Lease { id: message.id, fence: message.fence };
            claimed.entry(message.connector).or_default().push(lease);
        }
    }
    assert_eq!((claimed["slow"].len(), claimed["narrow"].len()), (3, 2));
    finish(store, &claimed["narrow"][0], Outcome::Final(State::Accepted), Way::Up).await;
    finish(store, &claimed["slow"][0], Outcome::Final(State::Accepted), Way::Up).await;
    let next = claim(store).await;
    assert_eq!(next.len(), 1, "a place is free, the rate is used up");
    assert_eq!(next[0].connector, "narrow");
}

async fn a_relay_that_is_down_costs_one_probe_for_each_pause(store: &Store) {
    for number in 0..20 {
        accept(store, &format!("{number}"), "a").await;
    }
    for _ in 0..5 {
        for message in claim(store).await {
            let lease = Lease { id: message.id, fence: message.fence };
            finish(store, &lease, Outcome::Again(0), Way::Down).await;
        }
    }
    assert!(claim(store).await.is_empty(), "the lane pauses");
    let mut work = store.begin().await.expect("the store");
    let over = sqlx::query("update lane set paused = 0").execute(work.connection());
    over.await.expect("the store");
    work.commit().await.expect("the store");
    let probe = claim_one(store).await;
    assert!(claim(store).await.is_empty(), "one probe for each pause");
    finish(store, &probe, Outcome::Final(State::Accepted), Way::Up).await;
    assert!(claim(store).await.len() > 1, "the relay is back");
}

async fn a_message_is_taken_back_only_while_it_waits(store: &Store) {
    accept(store, "1", "a").await;
    accept(store, "2", "b").await;
    assert!(store.cancel("1").await.expect("the store"));
    assert_eq!(state(store, "1").await, State::Cancelled);
    assert_eq!(claim_one(store).await.id, "2");
    for id in ["1", "2", "3"] {
        assert!(!store.cancel(id).await.expect("the store"), "{id}");
    }
}

async fn messages_are_listed_page_by_page(store: &Store) {
    for number in 0..5 {
        accept(store, &format!("{number}"), if number == 2 { "b" } else { "a" }).await;
    }
    store.cancel("3").await.expect("the store");
    let listed = async |look: Look| {
        let found = store.messages(&look).await.expect("the store");
        found.into_iter().map(|record| record.id).collect::<Vec<_>>()
    };
    let of_a = Look { connector: Some("a".to_owned()), limit: 2, ..Look::default() };
    assert_eq!(listed(of_a.clone()).await, ["4", "3"]);
    assert_eq!(listed(Look { before: Some("3".to_owned()), ..of_a }).await, ["1", "0"]);
    let all = Look { limit: 100, ..Look::default() };
    assert_eq!(listed(all.clone()).await.len(), 5);
    let cancelled = Look { state: Some(State::Cancelled), ..all.clone() };
    assert_eq!(listed(cancelled).await, ["3"]);
    assert!(listed(Look { until: Some(1), ..all.clone() }).await.is_empty());
    assert!(listed(Look { since: Some(i64::MAX), ..all }).await.is_empty());
}

async fn a_document_is_changed_only_from_the_version_that_is_known(store: &Store) {
    let put = async |version, text: &[u8]| {
        store.put_document("a", version, text).await.expect("the store")
    };
    let first = put(None, b"1").await.expect("there was none");
    assert_eq!(put(None, b"2").await, None);
    let second = put(Some(first), b"2").await.expect("the version is known");
    assert!(second > first);
    assert_eq!(put(Some(first), b"3").await, None);
    assert_eq!(store.document("a").await.expect("the store").expect("one").document, b"2");
    assert!(!store.delete_document("a", first).await.expect("the store"));
    assert!(store.delete_document("a", second).await.expect("the store"));
    assert!(put(None, b"4").await.expect("there is none") > second, "no old mark fits");
}

async fn the_first_token_is_the_only_first_one(store: &Store) {
    let token = |id: &str| StoredToken {
        id: id.to_owned(),
        digest: id.as_bytes().to_vec(),
        name: "n".to_owned(),
        scopes: "read".to_owned(),
        created: 0,
    };
    assert!(store.put_token(&token("1"), true).await.expect("the store"));
    assert!(!store.put_token(&token("2"), true).await.expect("the store"));
    assert!(store.put_token(&token("3"), false).await.expect("the store"));
    assert_eq!(store.token(b"3").await.expect("the store").expect("one").id, "3");
    assert!(store.delete_token("3").await.expect("the store"));
    assert!(store.token(b"3").await.expect("the store").is_none());
    assert_eq!(store.tokens().await.expect("the store").len(), 1);
    assert_eq!(store.setting("s", b"1").await.expect("the store"), b"1");
    assert_eq!(store.setting("s", b"2").await.expect("the store"), b"1");
}

async fn what_has_ended_long_ago_is_forgotten(store: &Store) {
    accept(store, "1", "a").await;
    accept(store, "2", "a").await;
    store.cancel("1").await.expect("the store");
    assert_eq!(store.forget(3600 * SECOND).await.expect("the store"), 0);
    assert_eq!(store.forget(-1).await.expect("the store"), 1);
    assert!(store.message("1").await.expect("the store").is_none());
    assert_eq!(state(store, "2").await, State::Queued);
}

#[tokio::test]
async fn a_file_has_one_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    let path = path.to_str().expect("UTF-8");
    let first = Store::open(path).await.expect("a store");
    assert!(matches!(Store::open(path).await, Err(StoreError::Taken(_))));
    first.close().await;
    drop(first);
    Store::open(path).await.expect("it is free again");
}
