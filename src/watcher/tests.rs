use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::sync::mpsc::{Receiver, channel};

use tempfile::TempDir;

use super::*;

/// A folder, something in it that is watched, and the news of it.
struct Scene {
    folder: TempDir,
    news: Receiver<News>,
    _watcher: Watcher,
}

impl Scene {
    /// Watches `config` and `tasks` in a folder that `prepare` has filled.
    fn new(prepare: impl FnOnce(&Path), config: &str, tasks: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let (tell, news) = channel();
        let tasks = tasks
            .iter()
            .map(|tasks| folder.path().join(tasks))
            .collect();
        let watcher = Watcher::start(&folder.path().join(config), tasks, move |one| {
            let _ = tell.send(one);
        })
        .unwrap();
        Self {
            folder,
            news,
            _watcher: watcher,
        }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Waits for that piece of news.
    fn expect(&self, expected: &News) {
        let deadline = Duration::from_secs(20);
        loop {
            let news = self.news.recv_timeout(deadline);
            if news.expect("there is news") == *expected {
                return;
            }
        }
    }

    /// Reads the config whenever it may have changed, until it has that content.
    fn expect_content(&self, config: &str, expected: &str) {
        let mut content = None;
        while content.as_deref() != Some(expected) {
            self.expect(&News::Config);
            content = fs::read_to_string(self.at(config)).ok();
        }
    }
}

fn config_in(folder: &Path) {
    fs::write(folder.join("config.yml"), "one").unwrap();
}

#[test]
fn a_save_in_place_is_seen_with_its_second_half() {
    let scene = Scene::new(config_in, "config.yml", &[]);
    let mut file = fs::File::create(scene.at("config.yml")).unwrap();
    file.write_all(b"two").unwrap();
    scene.expect(&News::Config);
    file.write_all(b" halves").unwrap();
    scene.expect_content("config.yml", "two halves");
}

#[test]
fn an_atomic_save_is_seen_again_and_again() {
    let scene = Scene::new(config_in, "config.yml", &[]);
    for content in ["two", "three"] {
        fs::write(scene.at("new"), content).unwrap();
        fs::rename(scene.at("new"), scene.at("config.yml")).unwrap();
        scene.expect_content("config.yml", content);
    }
}

#[test]
fn what_ends_a_save_is_told_before_it_is_quiet() {
    let scene = Scene::new(config_in, "config.yml", &[]);
    let next = || scene.news.recv_timeout(Duration::from_secs(20));
    fs::write(scene.at("new"), "two").unwrap();
    fs::rename(scene.at("new"), scene.at("config.yml")).unwrap();
    assert_eq!((next(), next()), (Ok(News::Saved), Ok(News::Config)));
    let mut file = fs::File::create(scene.at("config.yml")).unwrap();
    file.write_all(b"three").unwrap();
    assert_eq!(next(), Ok(News::Config));
    drop(file);
    assert_eq!((next(), next()), (Ok(News::Saved), Ok(News::Config)));
}

#[test]
fn a_file_that_goes_and_returns_is_seen() {
    let scene = Scene::new(config_in, "config.yml", &[]);
    fs::remove_file(scene.at("config.yml")).unwrap();
    scene.expect(&News::Config);
    fs::write(scene.at("config.yml"), "two").unwrap();
    scene.expect_content("config.yml", "two");
}

#[test]
fn a_folder_that_goes_and_returns_is_seen() {
    let prepare = |folder: &Path| {
        fs::create_dir_all(folder.join("a/b")).unwrap();
        config_in(&folder.join("a/b"));
    };
    let scene = Scene::new(prepare, "a/b/config.yml", &[]);
    for content in ["two", "three"] {
        fs::remove_dir_all(scene.at("a")).unwrap();
        scene.expect(&News::Config);
        fs::create_dir_all(scene.at("a/b")).unwrap();
        fs::write(scene.at("a/b/config.yml"), content).unwrap();
        scene.expect_content("a/b/config.yml", content);
    }
}

#[test]
fn the_whole_folder_may_go_and_return() {
    let scene = Scene::new(config_in, "config.yml", &[]);
    for content in ["two", "three"] {
        fs::remove_dir_all(scene.folder.path()).unwrap();
        fs::create_dir(scene.folder.path()).unwrap();
        fs::write(scene.at("config.yml"), content).unwrap();
        scene.expect_content("config.yml", content);
    }
}

#[test]
fn a_folder_that_is_exchanged_is_seen() {
    let prepare = |folder: &Path| {
        for name in ["now", "next"] {
            fs::create_dir(folder.join(name)).unwrap();
            config_in(&folder.join(name));
        }
    };
    let scene = Scene::new(prepare, "now/config.yml", &[]);
    fs::rename(scene.at("now"), scene.at("old")).unwrap();
    fs::rename(scene.at("next"), scene.at("now")).unwrap();
    scene.expect(&News::Config);
    fs::write(scene.at("now/config.yml"), "two").unwrap();
    scene.expect_content("now/config.yml", "two");
}

#[test]
fn a_mounted_config_map_is_seen_at_each_swap() {
    let prepare = |folder: &Path| {
        fs::create_dir(folder.join("..2026_1")).unwrap();
        config_in(&folder.join("..2026_1"));
        symlink("..2026_1", folder.join("..data")).unwrap();
        symlink("..data/config.yml", folder.join("config.yml")).unwrap();
    };
    let scene = Scene::new(prepare, "config.yml", &[]);
    for version in ["..2026_2", "..2026_3"] {
        fs::create_dir(scene.at(version)).unwrap();
        fs::write(scene.at(version).join("config.yml"), version).unwrap();
        symlink(version, scene.at("..data_tmp")).unwrap();
        fs::rename(scene.at("..data_tmp"), scene.at("..data")).unwrap();
        scene.expect_content("config.yml", version);
    }
}

#[test]
fn a_symlink_to_another_folder_is_followed() {
    let prepare = |folder: &Path| {
        fs::create_dir_all(folder.join("releases/1")).unwrap();
        config_in(&folder.join("releases/1"));
        symlink(folder.join("releases/1"), folder.join("current")).unwrap();
    };
    let scene = Scene::new(prepare, "current/config.yml", &[]);
    fs::write(scene.at("releases/1/config.yml"), "two").unwrap();
    scene.expect_content("current/config.yml", "two");
}

#[test]
fn tasks_are_watched_also_where_their_folder_comes_later() {
    let prepare = |folder: &Path| {
        config_in(folder);
        fs::create_dir(folder.join("tasks")).unwrap();
    };
    let scene = Scene::new(prepare, "config.yml", &["tasks", "later"]);
    fs::write(scene.at("tasks/test.py"), "def f(): pass").unwrap();
    scene.expect(&News::Tasks);
    fs::create_dir(scene.at("later")).unwrap();
    scene.expect(&News::Tasks);
    fs::write(scene.at("later/test.py"), "def f(): pass").unwrap();
    scene.expect(&News::Tasks);
}

#[test]
fn other_files_are_none_of_our_business() {
    let scene = Scene::new(
        |folder| {
            config_in(folder);
            fs::create_dir(folder.join("tasks")).unwrap();
        },
        "config.yml",
        &["tasks"],
    );
    for name in [
        "scheduler.log",
        "config.yml~",
        "tasks/__pycache__",
        "tasks/.test.py.swp",
    ] {
        fs::write(scene.at(name), "x").unwrap();
    }
    // Reading is no change either.
    fs::read(scene.at("config.yml")).unwrap();
    fs::write(scene.at("tasks/test.py"), "def f(): pass").unwrap();
    let first = scene.news.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(first, News::Tasks);
}

#[test]
fn a_symlink_to_itself_is_no_endless_way() {
    let prepare = |folder: &Path| symlink("config.yml", folder.join("config.yml")).unwrap();
    let scene = Scene::new(prepare, "config.yml", &[]);
    fs::remove_file(scene.at("config.yml")).unwrap();
    scene.expect(&News::Config);
}

#[test]
fn what_only_reads_wakes_nobody() {
    use notify::event::{CreateKind, DataChange, Flag, MetadataKind, ModifyKind, RemoveKind};
    let event = |kind| matters(&Ok(notify::Event::new(kind)));
    for kind in [
        AccessKind::Any,
        AccessKind::Read,
        AccessKind::Open(AccessMode::Any),
        AccessKind::Close(AccessMode::Read),
    ] {
        assert!(!event(EventKind::Access(kind)), "{kind:?}");
    }
    for kind in [
        EventKind::Access(AccessKind::Close(AccessMode::Write)),
        EventKind::Create(CreateKind::File),
        EventKind::Modify(ModifyKind::Data(DataChange::Any)),
        EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)),
        EventKind::Remove(RemoveKind::File),
        EventKind::Any,
        EventKind::Other,
    ] {
        assert!(event(kind), "{kind:?}");
    }
    let lost = notify::Event::new(EventKind::Access(AccessKind::Any)).set_flag(Flag::Rescan);
    assert!(matters(&Ok(lost)));
    assert!(matters(&Err(notify::Error::generic("lost"))));
}

#[test]
fn reading_is_no_change() {
    let tasks = |folder: &Path| {
        config_in(folder);
        fs::create_dir(folder.join("tasks")).unwrap();
        fs::write(folder.join("tasks/t.py"), "one").unwrap();
    };
    let scene = Scene::new(tasks, "config.yml", &["tasks"]);
    for name in ["config.yml", "tasks/t.py"] {
        fs::read(scene.at(name)).unwrap();
    }
    fs::read_dir(scene.at("tasks")).unwrap().count();
    // News comes in the order of what happened: the first is of what is written last.
    fs::write(scene.at("config.yml"), "two").unwrap();
    assert_eq!(scene.news.recv_timeout(POLL), Ok(News::Saved));
}
