//! Attempts that wait when the scheduler ends.

use super::*;

/// Fires at 13:00:00; each run takes half a minute and fails, and the next attempt waits as long.
fn job_of(change: impl FnOnce(&mut crate::job::Policy)) -> Job {
    takes(30, "fails").every(3600).with(|policy| {
        policy.retries = 2;
        change(policy);
    })
}

/// What a scheduler of `config` tells that begins so many seconds after 13:00:00, where the first
/// attempt failed at 13:00:30 and the one before it ended at 13:00:40.
async fn told_after(seconds_later: i64, config: Config) -> (Notebook, Vec<String>) {
    let notebook = Notebook::default();
    let before = super::config([job_of(|_| {})]);
    tell_on(&notebook, noon(0), before, |_, _| seconds(3640)).await;
    let now = noon(3600 + seconds_later);
    let mut told = tell_on(&notebook, now, config, |_, _| seconds(60)).await;
    told.remove(0);
    (notebook, told)
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_waited_is_made_when_it_is_due() {
    let (_, told) = told_after(50, config([job_of(|_| {})])).await;
    assert_eq!(
        told,
        [
            "13:00:50 missed [] coalesced [] retried fails 2",
            "13:01:00 retry fails 13:00:00",
            "13:01:30 failure fails, again 13:02:30",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_late_is_made_at_once_and_not_again() {
    let (notebook, told) = told_after(300, config([job_of(|policy| policy.retries = 1)])).await;
    assert_eq!(
        told,
        [
            "13:05:00 missed [] coalesced [] retried fails 2",
            "13:05:00 retry fails 13:00:00 late 240, due 13:01:00",
            "13:05:30 success fails",
        ]
    );
    let config = config([job_of(|_| {})]);
    let told = tell_on(&notebook, noon(4000), config, |_, _| seconds(60)).await;
    assert_eq!(told, ["13:06:40 planned 1"]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_was_killed_is_not_made_again() {
    let notebook = Notebook::default();
    let config = || config([job_of(|_| {})]);
    tell_on(&notebook, noon(0), config(), |_, _| seconds(3640)).await;
    tell_on(&notebook, noon(3650), config(), |_, messages| async move {
        seconds(20).await;
        messages.send(Message::Stop).await.unwrap();
        messages.send(Message::Stop).await.unwrap();
    })
    .await;
    let told = tell_on(&notebook, noon(3700), config(), |_, _| seconds(60)).await;
    assert_eq!(told, ["13:01:40 planned 1"]);
    assert_eq!(
        records(&notebook),
        ["13:00:00 failure fails", "13:00:00 interrupted fails again"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_while_the_scheduler_stops_is_tried_again_after_the_next_start() {
    let notebook = Notebook::default();
    let config = || config([job_of(|policy| policy.retries = 1)]);
    let told = tell_on(&notebook, noon(0), config(), |_, _| seconds(3615)).await;
    assert_eq!(
        told.last().unwrap(),
        "13:00:30 failure fails, again 13:01:00"
    );
    let told = tell_on(&notebook, noon(3640), config(), |_, _| seconds(60)).await;
    assert_eq!(told[2], "13:01:00 retry fails 13:00:00");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_given_up_where_its_job_has_changed_or_is_gone_or_after_a_day() {
    let day = 86_400;
    let given_up = [
        (50, vec![job_of(|_| {}).every(3601)], "Changed"),
        (50, vec![job_of(|policy| policy.retries = 0)], "Changed"),
        (50, vec![job_of(|policy| policy.enabled = false)], "Changed"),
        (50, vec![], "Gone"),
        (61 + day, vec![job_of(|_| {})], "Late"),
    ];
    for (later, jobs, why) in given_up {
        let (notebook, told) = told_after(later, config(jobs)).await;
        let given_up = format!(" given up fails 2: {why}");
        assert!(told[0].ends_with(&given_up), "{told:?}");
        assert!(
            !told.iter().any(|line| line.contains(" retry ")),
            "{told:?}"
        );
        assert!(notebook.notes().retries.is_empty());
    }
    let (_, told) = told_after(60 + day, config([job_of(|_| {})])).await;
    assert!(told[0].ends_with(" retried fails 2"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_does_not_come_back_with_the_job() {
    let notebook = Notebook::default();
    let with = || config([job_of(|_| {})]);
    tell_on(&notebook, noon(0), with(), |_, _| seconds(3640)).await;
    tell_on(&notebook, noon(3645), config([]), |_, _| seconds(1)).await;
    let told = tell_on(&notebook, noon(3650), with(), |_, _| seconds(60)).await;
    assert_eq!(told, ["13:00:50 planned 1"]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_whose_job_is_mended_waits_on_and_one_whose_job_goes_is_given_up() {
    for (mended, expected) in [
        (vec![job_of(|_| {})], "retried fails 2"),
        (vec![], "given up fails 2: Gone"),
    ] {
        let notebook = Notebook::default();
        let before = config([job_of(|_| {})]);
        tell_on(&notebook, noon(0), before, |_, _| seconds(3640)).await;
        let mut faulty = config([]);
        faulty.faulty = vec!["fails".to_owned()];
        let mended = config(mended);
        let told = tell_on(&notebook, noon(3645), faulty, |_, messages| async move {
            let reload = reload(&mut config([]), mended);
            messages.send(reload).await.unwrap();
            seconds(1).await;
        })
        .await;
        assert!(told[2].ends_with(expected), "{told:?}");
    }
}
