//! The jobs of a config, in its order.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use foldhash::HashMap;

use super::Job;

/// The jobs of a config, in its order, each found by its name. It never changes, and all who need
/// it share it.
#[derive(Debug, Clone, Default)]
pub struct Roster(Arc<Jobs>);

#[derive(Debug, Default)]
struct Jobs {
    jobs: Box<[Arc<Job>]>,
    /// Made for whoever asks first: many commands never do.
    places: OnceLock<HashMap<Named, usize>>,
}

/// A job, found by its name.
#[derive(Debug)]
struct Named(Arc<Job>);

impl Roster {
    /// The job of that name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<Job>> {
        Some(&self[self.place(name)?])
    }

    /// The place in the order of the job of that name.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<usize> {
        self.places().get(name).copied()
    }

    /// The same, soonest found where it is at the place `likely`.
    #[must_use]
    pub fn place_near(&self, likely: usize, name: &str) -> Option<usize> {
        let is_there = self.get(likely).is_some_and(|job| job.name == name);
        if is_there {
            Some(likely)
        } else {
            self.place(name)
        }
    }

    /// Gets ready to find jobs, so that whoever asks first need not wait for that.
    pub fn get_ready(&self) {
        self.places();
    }

    fn places(&self) -> &HashMap<Named, usize> {
        self.0.places.get_or_init(|| {
            let named = |(place, job): (usize, &Arc<Job>)| (Named(Arc::clone(job)), place);
            self.iter().enumerate().map(named).collect()
        })
    }
}

impl Deref for Roster {
    type Target = [Arc<Job>];

    fn deref(&self) -> &Self::Target {
        &self.0.jobs
    }
}

impl FromIterator<Arc<Job>> for Roster {
    fn from_iter<I: IntoIterator<Item = Arc<Job>>>(jobs: I) -> Self {
        Self(Arc::new(Jobs {
            jobs: jobs.into_iter().collect(),
            places: OnceLock::new(),
        }))
    }
}

impl<'a> IntoIterator for &'a Roster {
    type Item = &'a Arc<Job>;
    type IntoIter = std::slice::Iter<'a, Arc<Job>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Roster {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Borrow<str> for Named {
    fn borrow(&self) -> &str {
        &self.0.name
    }
}

impl Hash for Named {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Named {}
