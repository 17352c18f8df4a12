//! Attempts that wait, in the file.

use super::*;
use crate::run::Retry;

/// The retry of a run at `seconds`, due ten seconds after it.
fn retry(seconds: i64, attempt: u32) -> Retry {
    Retry {
        fire_time: noon(seconds),
        attempt,
        due: noon(seconds + 10),
    }
}

fn failed(store: &Store, run: &Run) {
    store.begin(run, false, None, None).unwrap();
    store.end(run.id, &ended(Outcome::Failure)).unwrap();
}

#[test]
fn an_attempt_waits_until_it_is_made_or_given_up() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    for seconds in [0, 60] {
        let run = run("tick", seconds);
        failed(&store, &run);
        store.await_retry(run.id, noon(seconds + 10)).unwrap();
    }
    let tick = |retry| ("tick".to_owned(), retry);
    assert_eq!(
        store.retries().unwrap(),
        [tick(retry(0, 2)), tick(retry(60, 2))]
    );
    let second = Run {
        id: RunId::new(noon(10), 0),
        attempt: 2,
        ..run("tick", 0)
    };
    failed(&store, &second);
    assert_eq!(store.retries().unwrap(), [tick(retry(60, 2))]);
    store.await_retry(second.id, noon(10)).unwrap();
    store.give_up("tick", &retry(60, 2)).unwrap();
    assert_eq!(store.retries().unwrap(), [tick(retry(0, 3))]);
}

#[test]
fn a_file_of_an_earlier_version_is_brought_up_to_date() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let store = open(&place);
    failed(&store, &run("tick", 0));
    let back = "ALTER TABLE jobs DROP COLUMN waiting; DROP TABLE last_mails;
                DROP INDEX waiting_retries; ALTER TABLE runs DROP COLUMN retry;
                PRAGMA user_version = 2";
    store.connection.execute_batch(back).unwrap();
    drop(store);
    let read = Store::read(&place).unwrap().unwrap();
    assert_eq!(outcomes(&read), ["tick failure"]);
    assert_eq!(read.retries().unwrap(), []);
    let store = open(&place);
    assert_eq!(store.retries().unwrap(), []);
    assert_eq!(outcomes(&store), ["tick failure"]);
}

#[test]
fn what_waited_at_the_end_is_known_as_long_as_its_trigger_is_the_same() {
    let folder = TempDir::new().unwrap();
    let store = open(&place(&folder));
    store.remember(&[seen("tick", 60)], &[]).unwrap();
    store.leave("tick", noon(60)).unwrap();
    store.leave("nobody", noon(60)).unwrap();
    store.remember(&[seen("tick", 60)], &[]).unwrap();
    let left = || store.left_waiting().unwrap();
    assert_eq!(left(), [("tick".to_owned(), noon(60))]);
    store.remember(&[seen("tick", 61)], &[]).unwrap();
    assert_eq!(left(), []);
}
