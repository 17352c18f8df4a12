//! Jobs that are faulty when the scheduler begins, and are mended later.

use super::*;

/// A config whose only job is faulty.
fn faulty(name: &str) -> Config {
    let mut config = config([]);
    config.faulty = vec![name.to_owned()];
    config
}

/// What is told where a job of every minute ran for 70 seconds, is faulty 90 seconds after noon, and
/// mended after so many reloads that leave it as it is, 150 seconds after noon.
async fn told(job: impl Fn() -> Job, between: Option<Config>) -> Vec<String> {
    let notebook = Notebook::default();
    let before = takes(1, "tick");
    tell_on(&notebook, noon(0), config([before]), |_, _| seconds(70)).await;
    let mended = config([job()]);
    let mut told = tell_on(
        &notebook,
        noon(90),
        faulty("tick"),
        |_, messages| async move {
            let mut before = config([]);
            seconds(30).await;
            if let Some(between) = between {
                messages.send(reload(&mut before, between)).await.unwrap();
            }
            seconds(30).await;
            messages.send(reload(&mut before, mended)).await.unwrap();
            seconds(65).await;
        },
    )
    .await;
    told.retain(|line| !line.contains("planned") && !line.contains("reload"));
    told
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_mended_takes_up_its_beat() {
    let expected = [
        "12:02:30 missed [tick 1] coalesced []",
        "12:03:00 schedule tick 12:03:00",
        "12:03:01 success tick",
    ];
    assert_eq!(told(|| takes(1, "tick"), None).await, expected);
    let still = Some(faulty("tick"));
    assert_eq!(told(|| takes(1, "tick"), still).await, expected);
}

#[tokio::test(start_paused = true)]
async fn its_fires_are_caught_up_on_within_their_grace() {
    assert_eq!(
        told(|| takes(1, "tick").grace(60), None).await,
        [
            "12:02:30 catch-up tick 12:02:00 late 30",
            "12:02:31 success tick",
            "12:03:00 schedule tick 12:03:00",
            "12:03:01 success tick",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn with_another_schedule_or_after_it_was_gone_it_starts_anew() {
    let other = told(|| takes(1, "tick").every(62), None).await;
    let expected = ["12:03:32 schedule tick 12:03:32", "12:03:33 success tick"];
    assert_eq!(other, expected);
    let gone = told(|| takes(1, "tick"), Some(config([]))).await;
    let expected = ["12:03:30 schedule tick 12:03:30", "12:03:31 success tick"];
    assert_eq!(gone, expected);
}
