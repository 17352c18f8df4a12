//! Where config, tasks, state and logs are found.
//!
//! Not for what is in them. The order of the places is the contract's, section 2.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::config::{Config, Outside, Overrides, ZoneOrigin};
use crate::trigger::{Fault, Zone};
use chrono::{DateTime, Utc};

/// docassemble's own config.
const DOCASSEMBLE_CONFIG: &str = "/usr/share/docassemble/config/config.yml";
/// The files by which the system says in which zone it is: a link, or else a name.
const SYSTEM_ZONE: [&str; 2] = ["/etc/localtime", "/etc/timezone"];
/// How many links to follow. Source: `path_resolution(7)`.
const MOST_LINKS: usize = 40;
/// docassemble's own folder of logs.
const DOCASSEMBLE_LOG: &str = "/usr/share/docassemble/log";

/// What the command line says of places; each is `None` where it says nothing.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The config file.
    pub config: Option<PathBuf>,
    /// The tasks folder.
    pub tasks: Option<PathBuf>,
    /// The folder of the state.
    pub state: Option<PathBuf>,
    /// The folder of `scheduler.log`.
    pub log: Option<PathBuf>,
}

/// A config file could not be found where one is looked for.
#[derive(Debug, thiserror::Error)]
#[error("no config.yml here (looked for {})", names(.looked_for))]
pub struct NoConfig {
    /// The usual places, the first first.
    pub looked_for: Vec<PathBuf>,
}

fn names(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    names.join(", ")
}

/// The config file: as given, else the first of the usual places that has one.
///
/// # Errors
/// Where none is given and none is found.
pub fn config(given: &Given) -> Result<PathBuf, NoConfig> {
    if let Some(path) = &given.config {
        return Ok(path.clone());
    }
    let from_environment = variable("DA_CONFIG_FILE").map(PathBuf::from);
    let usual = [
        Some(PathBuf::from("config.yml")),
        Some(PathBuf::from("config/config.yml")),
        from_environment,
        Some(PathBuf::from(DOCASSEMBLE_CONFIG)),
    ];
    let usual: Vec<PathBuf> = usual.into_iter().flatten().collect();
    let found = usual.iter().find(|path| path.exists()).cloned();
    found.ok_or(NoConfig { looked_for: usual })
}

/// The folder of a config file, as the start of relative paths.
#[must_use]
pub fn folder(config: &Path) -> PathBuf {
    match config.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// What tells a config from others: its path with the folder resolved and the file's own name, so
/// that it stays the same when a link in its place is swapped.
#[must_use]
pub fn identity(config: &Path) -> PathBuf {
    let folder = folder(config);
    let folder = folder.canonicalize().unwrap_or(folder);
    folder.join(config.file_name().unwrap_or_default())
}

/// The folder of tasks: as given, else the setting, else `tasks/` beside the config or beside its
/// folder, where that is there.
#[must_use]
pub fn tasks(given: &Given, config_path: &Path, config: Option<&Config>) -> Option<PathBuf> {
    let setting = config.and_then(|config| config.settings.tasks_directory.clone());
    let folder = folder(config_path);
    let beside = [folder.join("tasks"), parent(&folder).join("tasks")];
    given
        .tasks
        .clone()
        .or(setting)
        .or_else(|| beside.into_iter().find(|path| path.is_dir()))
}

/// The folder above `folder`, also where that is a relative path such as `.`.
fn parent(folder: &Path) -> PathBuf {
    match folder.file_name() {
        Some(_) => folder.parent().map_or_else(
            || folder.join(".."),
            |above| {
                if above == Path::new("") {
                    PathBuf::from(".")
                } else {
                    above.to_owned()
                }
            },
        ),
        None => folder.join(".."),
    }
}

/// The folder of the state.
#[must_use]
pub fn state(given: &Given) -> PathBuf {
    if let Some(path) = &given.state {
        return path.clone();
    }
    if let Some(path) = variable("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
    {
        return path.join("sched");
    }
    if nix::unistd::geteuid().is_root() {
        return PathBuf::from("/var/lib/sched");
    }
    let home = variable("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
    home.join(".local/state/sched")
}

/// The folder of `scheduler.log`.
#[must_use]
pub fn log(given: &Given, config: &Config) -> PathBuf {
    let docassemble = || {
        let path = PathBuf::from(DOCASSEMBLE_LOG);
        is_writable(&path).then_some(path)
    };
    given
        .log
        .clone()
        .or_else(|| config.settings.log_directory.clone())
        .or_else(|| config.directives.log.clone())
        .or_else(docassemble)
        .unwrap_or_else(|| state(given).join("log"))
}

fn is_writable(folder: &Path) -> bool {
    use nix::unistd::{AccessFlags, access};
    folder.is_dir() && access(folder, AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
}

/// What the config cannot say itself, from the environment and the system.
#[must_use]
pub fn outside(config_path: &Path, now: DateTime<Utc>) -> Outside {
    let (zone, zone_from) = zone();
    let folder = folder(config_path);
    Outside {
        now,
        // What it says of paths must mean the same to whoever gets to know of it.
        folder: std::path::absolute(&folder).unwrap_or(folder),
        zone,
        zone_from,
        environment: Overrides {
            unknown_zone: unknown_zone(),
            ..overrides()
        },
    }
}

/// The zone of the process: `TZ`, else the system's, else UTC.
#[must_use]
pub fn zone() -> (Zone, ZoneOrigin) {
    if let Some(zone) = tz().and_then(|tz| zone_of(&tz)) {
        return (zone, ZoneOrigin::Tz);
    }
    let system = iana_time_zone::get_timezone().ok();
    let system = system.and_then(|name| Zone::named(&name).ok());
    (system.unwrap_or_else(Zone::utc), ZoneOrigin::System)
}

/// The zone that `TZ` means where it says `tz`.
fn zone_of(tz: &str) -> Option<Zone> {
    if tz.starts_with('/') {
        zone_of_link(Path::new(tz))
    } else {
        Zone::named(tz).ok()
    }
}

/// Why `TZ` does not say the zone, where it is set and does not: it is no name of one, but such as
/// `CET-1CEST`, or a file whose zone cannot be told.
fn unknown_zone() -> Option<Fault> {
    // Who names the system's own file gets the system's zone.
    let is_meant = |tz: &String| !tz.is_empty() && !SYSTEM_ZONE.contains(&tz.as_str());
    let tz = tz().filter(is_meant)?;
    match zone_of(&tz) {
        Some(_) => None,
        None => Zone::named(&tz).err(),
    }
}

/// The files that say which zone [`zone`] gives; none where that cannot change.
#[must_use]
pub fn zone_files() -> Vec<PathBuf> {
    match tz() {
        Some(tz) if tz.starts_with('/') => vec![tz.into()],
        Some(tz) if Zone::named(&tz).is_ok() => Vec::new(),
        Some(_) | None => SYSTEM_ZONE.map(PathBuf::from).to_vec(),
    }
}

/// What `TZ` says: a name, or the absolute path of a file.
///
/// Source: `tzset(3)`; the colon before it means nothing.
fn tz() -> Option<String> {
    text_variable("TZ").map(|tz| tz.trim_start_matches(':').to_owned())
}

/// The zone to whose file a link leads, such as `/usr/share/zoneinfo/Europe/Berlin`.
fn zone_of_link(path: &Path) -> Option<Zone> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let text = path.to_str()?;
        let name = text.split_once("/zoneinfo/").map(|(_, name)| name);
        if let Some(zone) = name.and_then(|name| Zone::named(name).ok()) {
            return Some(zone);
        }
        let target = std::fs::read_link(&path).ok()?;
        path = folder(&path).join(target);
    }
    None
}

fn overrides() -> Overrides {
    let wanted = text_variable("ENVIRONMENT_TAKES_PRECEDENCE");
    if !wanted.is_some_and(|text| text.eq_ignore_ascii_case("true")) {
        return Overrides::default();
    }
    Overrides {
        timezone: text_variable("TIMEZONE"),
        hostname: text_variable("DAHOSTNAME"),
        log_server: text_variable("LOGSERVER"),
        ..Overrides::default()
    }
}

/// An environment variable that is not empty.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn text_variable(name: &str) -> Option<String> {
    variable(name).and_then(|value| value.into_string().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_config_is_never_empty() {
        assert_eq!(folder(Path::new("config.yml")), Path::new("."));
        assert_eq!(folder(Path::new("config/config.yml")), Path::new("config"));
        assert_eq!(folder(Path::new("/a/b.yml")), Path::new("/a"));
    }

    #[test]
    fn the_parent_of_a_relative_folder_is_found() {
        assert_eq!(parent(Path::new("config")), Path::new("."));
        assert_eq!(parent(Path::new(".")), Path::new("./.."));
        assert_eq!(parent(Path::new("..")), Path::new("../.."));
        assert_eq!(parent(Path::new("/a/b")), Path::new("/a"));
    }

    #[test]
    fn a_link_tells_its_zone_by_where_it_leads() {
        let folder = tempfile::tempdir().unwrap();
        let link = |name: &str, target: &str| {
            let path = folder.path().join(name);
            std::os::unix::fs::symlink(target, &path).unwrap();
            zone_of_link(&path).map(|zone| zone.name())
        };
        let berlin = "/usr/share/zoneinfo/Europe/Berlin";
        assert_eq!(link("direct", berlin), Some("Europe/Berlin"));
        assert_eq!(link("second", "direct"), Some("Europe/Berlin"));
        assert_eq!(link("lost", "nowhere"), None);
        assert_eq!(link("round", "round"), None);
        assert_eq!(link("no zone", "/usr/share/zoneinfo/tzdata.zi"), None);
    }
}
