//! The thread that writes.

use super::*;
use crate::run::KEPT_BYTES;

fn writer(place: &Place) -> (Writer, std::sync::mpsc::Receiver<String>) {
    let (tell, told) = channel();
    let complain = move |_, text: &str| tell.send(text.to_owned()).unwrap();
    let now: writer::Now = || noon(0);
    let writer = Writer::start(Some(open(place)), place.clone(), now, Box::new(complain));
    (writer.unwrap(), told)
}

/// Asks a writer, and waits for its answer.
fn asked(ask: impl FnOnce(Answer)) -> Recorded {
    let (tell, told) = channel();
    ask(Box::new(move |recorded| tell.send(recorded).unwrap()));
    told.recv_timeout(Duration::from_secs(30)).unwrap()
}

#[test]
fn the_writer_answers_when_a_run_is_in_the_file() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let (writer, complaints) = writer(&place);
    let (tell, told) = channel();
    for second in 0..1_000 {
        let (tell, of) = (tell.clone(), place.clone());
        let run = run("tick", second);
        let id = run.id;
        let answer = move |recorded| {
            // Only now and then: to look costs more than to write.
            if second % 250 == 0 {
                let filter = Filter {
                    ids: Some((id, id)),
                    ..Filter::default()
                };
                let reader = Store::read(&of).unwrap().unwrap();
                assert_eq!(reader.runs(&filter, 1).unwrap().len(), 1);
            }
            tell.send(recorded).unwrap();
        };
        writer.begin(begun(run), Box::new(answer));
        writer.end(id, ended(Outcome::Success), None);
    }
    writer.pass(
        Outcome::Missed,
        "tick".to_owned(),
        vec![noon(5_000)],
        noon(0),
    );
    writer.remember(vec![seen("tick", 60)], Vec::new());
    drop(writer);
    drop(tell);
    let answers: Vec<Recorded> = told.iter().collect();
    assert_eq!(answers, [Recorded::Now; 1_000]);
    let store = open(&place);
    assert_eq!(all(&store).len(), 1_001);
    assert_eq!(store.memories().unwrap().len(), 1);
    assert_eq!(complaints.iter().count(), 0);
}

#[test]
fn jobs_go_on_while_nothing_can_be_written_and_all_is_written_later() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let (writer, complaints) = writer(&place);
    let other = open(&place);
    other
        .connection
        .pragma_update(None, "max_page_count", 1)
        .unwrap();
    let begin = |second| asked(|answer| writer.begin(begun(run("tick", second)), answer));
    assert_eq!(begin(0), Recorded::Now);
    let foresee =
        |second| asked(|answer| writer.foresee("tick".to_owned(), noon(second), 1, false, answer));
    // Another process keeps the file for itself for longer than anybody waits.
    other.begin_transaction().unwrap();
    assert_eq!(foresee(0), Recorded::Before);
    assert_eq!(foresee(1), Recorded::Now);
    assert_eq!(begin(1), Recorded::Not);
    assert_eq!(foresee(1), Recorded::Before);
    let complaint = complaints.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(complaint.contains("jobs go on"), "{complaint}");
    other.roll_back();
    // Until it is known that the file can be written again, nobody waits for that.
    assert_eq!(begin(2), Recorded::Not);
    let complaint = complaints.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(
        complaint.contains("can be written again; nothing is lost"),
        "{complaint}"
    );
    assert_eq!(begin(3), Recorded::Now);
    drop(writer);
    assert_eq!(all(&open(&place)).len(), 4);
}

#[test]
fn a_file_that_is_damaged_meanwhile_is_replaced() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let (writer, complaints) = writer(&place);
    let jobs = ["gone", "same", "changed"].map(|name| Seen {
        since: Some(noon(-600)),
        ..seen(name, 60)
    });
    writer.remember(jobs.to_vec(), Vec::new());
    let news = vec![seen("changed", 90), seen("tick", 60)];
    writer.amend(news, vec!["gone".to_owned()], Vec::new());
    let begin = |second| asked(|answer| writer.begin(begun(run("tick", second)), answer));
    assert_eq!(begin(0), Recorded::Now);
    // What SQLite reads next is no page of a database.
    let store = open(&place);
    store
        .connection
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(store);
    let length = fs::metadata(place.database()).unwrap().len();
    fs::write(
        place.database(),
        vec![0xff; usize::try_from(length).unwrap()],
    )
    .unwrap();
    assert_eq!(begin(1), Recorded::Now);
    let complaint = complaints.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(complaint.contains("is damaged"), "{complaint}");
    drop(writer);
    let store = open(&place);
    assert_eq!(outcomes(&store), ["tick runs"]);
    let memories = store.memories().unwrap();
    // What came before is not in the new file: it must not be taken for missed.
    let since = |memory: &Memory| memory.since >= Some(noon(0));
    assert!(memories.iter().all(since), "{memories:?}");
    let memories = memories.into_iter();
    let mut remembered: Vec<_> = memories.map(|one| (one.job, one.trigger)).collect();
    remembered.sort_unstable();
    let expected = [seen("changed", 90), seen("same", 60), seen("tick", 60)];
    let expected = expected.map(|seen| (seen.job.name.clone(), seen.job.trigger.identity()));
    assert_eq!(remembered, expected);
}

#[test]
fn how_the_watcher_before_ended_is_noted_as_soon_as_the_file_can_be_written() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let dead = run("tick", 0);
    open(&place).begin(&dead, false, None, None).unwrap();
    let other = open(&place);
    other.begin_transaction().unwrap();
    let (writer, complaints) = writer(&place);
    let (tell, told) = channel();
    let tell = move |runs: &[(String, RunId)]| tell.send(runs.to_vec()).unwrap();
    writer.look_back(Left::new(), Box::new(tell));
    let complaint = complaints.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(complaint.contains("jobs go on"), "{complaint}");
    // More than is kept: what is lost of it is lost from its beginning.
    for second in 1..=11_000 {
        writer.begin(begun(run("tock", second)), Box::new(drop));
    }
    other.roll_back();
    let told = told.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(told, [("tick".to_owned(), dead.id)]);
    drop(writer);
    let store = open(&place);
    assert_eq!(outcomes(&store).last().unwrap(), "tick interrupted");
    assert_eq!(outcomes(&store)[0], "tock runs");
}

#[test]
fn what_runs_wrote_waits_for_a_full_disk_up_to_a_bound() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let (writer, complaints) = writer(&place);
    let other = open(&place);
    other.begin_transaction().unwrap();
    let text = "x".repeat(KEPT_BYTES);
    for second in 0..600 {
        let run = run("tick", second);
        let id = run.id;
        writer.begin(begun(run), Box::new(drop));
        let ended = Ended {
            stdout: text.clone(),
            ..ended(Outcome::Success)
        };
        writer.end(id, ended, None);
    }
    let complaint = complaints.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(complaint.contains("jobs go on"), "{complaint}");
    // All of it has arrived once something later is answered.
    let tock = asked(|answer| writer.begin(begun(run("tock", 0)), answer));
    assert_eq!(tock, Recorded::Not);
    other.roll_back();
    drop(writer);
    let runs = open(&place).runs(&Filter::default(), usize::MAX).unwrap();
    let written = runs.iter().filter_map(|entry| entry.ended.as_ref());
    let (whole, lost): (Vec<_>, Vec<_>) = written.partition(|ended| ended.stdout == text);
    assert_eq!(whole.len() + lost.len(), 600);
    assert!((200..=256).contains(&whole.len()), "{}", whole.len());
    assert!(lost.iter().all(|ended| ended.stdout.starts_with("[lost: ")));
}

#[test]
fn at_the_end_what_another_process_holds_up_is_still_written() {
    let folder = TempDir::new().unwrap();
    let place = place(&folder);
    let (writer, complaints) = writer(&place);
    let run = run("tick", 0);
    let id = run.id;
    assert_eq!(
        asked(|answer| writer.begin(begun(run), answer)),
        Recorded::Now
    );
    let other = open(&place);
    other.begin_transaction().unwrap();
    writer.end(id, ended(Outcome::Success), None);
    let end = std::thread::spawn(move || drop(writer));
    let told = complaints.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(told.starts_with("runs cannot be recorded"), "{told}");
    other.roll_back();
    end.join().unwrap();
    assert_eq!(outcomes(&open(&place)), ["tick success"]);
    let told: Vec<String> = complaints.iter().collect();
    assert!(
        told.last().unwrap().ends_with("; nothing is lost"),
        "{told:?}"
    );
}
