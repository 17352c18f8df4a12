//! The user that a child runs as.

use std::ffi::OsString;

use nix::errno::Errno;
use nix::unistd::{Gid, Uid, User};

use super::Error;

/// Where the programs of users are.
///
/// Source: `login.defs(5)`, `ENV_PATH`, and what systems put before it.
const LOGIN_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A user with its groups, looked up before the child is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    name: String,
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
    home: OsString,
    shell: OsString,
}

impl Identity {
    /// The number of the user.
    pub(super) fn uid(&self) -> Uid {
        self.uid
    }

    /// The user of that name, or of that number; `None` where we are that user already.
    ///
    /// # Errors
    /// Where there is no such user or none can be looked up, or where we are not root.
    pub fn of(name: &str) -> Result<Option<Self>, Error> {
        let mut user = found(name, User::from_name(name))?;
        if let (None, Ok(number)) = (&user, name.parse()) {
            user = found(name, User::from_uid(Uid::from_raw(number)))?;
        }
        let user = user.ok_or_else(|| Error::NoUser(name.to_owned()))?;
        if user.uid == Uid::effective() {
            return Ok(None);
        }
        if !Uid::effective().is_root() {
            return Err(Error::NotRoot(name.to_owned()));
        }
        Ok(Some(Self {
            groups: groups(&user),
            name: user.name,
            uid: user.uid,
            gid: user.gid,
            home: user.dir.into_os_string(),
            shell: user.shell.into_os_string(),
        }))
    }

    /// The variables that a login of that user would set: what is on our `PATH` may be closed to it.
    #[must_use]
    pub fn variables(&self) -> Vec<(OsString, Option<OsString>)> {
        let name = OsString::from(&self.name);
        [
            ("HOME", self.home.clone()),
            ("USER", name.clone()),
            ("LOGNAME", name),
            ("SHELL", self.shell.clone()),
            ("PATH", LOGIN_PATH.into()),
        ]
        .into_iter()
        .map(|(variable, value)| (variable.into(), Some(value)))
        .collect()
    }

    /// Becomes that user, for good. Called between fork and exec: it makes system calls only.
    pub(super) fn assume(&self) -> nix::Result<()> {
        set_groups(&self.groups)?;
        nix::unistd::setgid(self.gid)?;
        nix::unistd::setuid(self.uid)?;
        // The kernel lets root's set-id calls change the saved ids too; this makes sure of it.
        match nix::unistd::setuid(Uid::from_raw(0)) {
            Ok(()) if !self.uid.is_root() => Err(Errno::EPERM),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// The user that the system found under that name, if any.
fn found(name: &str, answer: nix::Result<Option<User>>) -> Result<Option<User>, Error> {
    answer.or_else(|errno| match errno {
        // Source: getpwnam(3), "Errors": so some systems say that there is none.
        Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM => Ok(None),
        source => Err(Error::Users {
            name: name.to_owned(),
            source,
        }),
    })
}

/// The user's groups, its own first.
fn groups(user: &User) -> Vec<Gid> {
    #[cfg(not(target_vendor = "apple"))]
    if let Ok(name) = std::ffi::CString::new(user.name.as_str())
        && let Ok(groups) = nix::unistd::getgrouplist(&name, user.gid)
    {
        return groups;
    }
    vec![user.gid]
}

/// Sets the supplementary groups; Apple's systems derive them from the user.
fn set_groups(groups: &[Gid]) -> nix::Result<()> {
    #[cfg(target_vendor = "apple")]
    let _ = groups;
    #[cfg(not(target_vendor = "apple"))]
    nix::unistd::setgroups(groups)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_name_and_by_number() {
        let own = User::from_uid(Uid::effective()).unwrap().unwrap();
        for name in [own.name.clone(), own.uid.to_string()] {
            assert_eq!(Identity::of(&name).unwrap(), None, "{name}");
        }
        let other = User::from_name("nobody").unwrap().unwrap();
        let (named, numbered) = (Identity::of("nobody"), Identity::of(&other.uid.to_string()));
        if Uid::effective().is_root() {
            assert_eq!(numbered.unwrap().unwrap(), named.unwrap().unwrap());
        } else {
            assert!(matches!(numbered, Err(Error::NotRoot(_))));
        }
        let silent = found("nobody", Err(Errno::ETIMEDOUT));
        assert!(matches!(silent, Err(Error::Users { .. })));
        assert!(found("nobody", Err(Errno::ENOENT)).unwrap().is_none());
        for none in ["4294967294", "-1", "", "nobody!"] {
            assert!(
                matches!(Identity::of(none), Err(Error::NoUser(_))),
                "{none}"
            );
        }
    }
}
