//! Equal keys of one mapping: which stay, and which is overridden.

use foldhash::{HashMap, HashMapExt};

use super::fault;
use super::node::{Duplicate, Entry, Node};
use crate::diagnostic::{Diagnostic, Span};

/// What became of a key so far.
struct Seen {
    /// Its place among the entries that stay.
    place: usize,
    /// Where it was first written.
    first: Span,
    /// Whether only merge keys gave it yet.
    is_merged: bool,
}

/// An entry that stays, by the numbers of those that give its parts.
struct Kept {
    key: usize,
    value: usize,
    overridden: bool,
}

/// Applies Python's rule: of equal keys the first one's place, the last one's value.
///
/// The first `merged` entries came from merge keys: they are replaced by what follows. Those
/// written in the mapping itself all stay, each but the last marked and told in `duplicates`.
pub(super) fn resolve(
    entries: Vec<Entry>,
    merged: usize,
    duplicates: &mut Vec<Duplicate>,
) -> Result<Vec<Entry>, Box<Diagnostic>> {
    if are_few_and_distinct(&entries) {
        return Ok(entries);
    }
    let kept = sift(&entries, merged, duplicates)?;
    let is_unchanged = kept.len() == entries.len() && kept.iter().all(|kept| !kept.overridden);
    if is_unchanged {
        return Ok(entries);
    }
    Ok(kept.iter().map(|kept| kept.entry(&entries)).collect())
}

/// Compares every key with every other where that is cheaper than hashing them, as it is for the
/// usual few texts.
fn are_few_and_distinct(entries: &[Entry]) -> bool {
    const FEW: usize = 12;
    let mut keys = [""; FEW];
    entries.len() <= FEW
        && entries.iter().enumerate().all(|(index, entry)| {
            let Some(key) = entry.key.as_str() else {
                return false;
            };
            keys[index] = key;
            !keys[..index].contains(&key)
        })
}

fn sift(
    entries: &[Entry],
    merged: usize,
    duplicates: &mut Vec<Duplicate>,
) -> Result<Vec<Kept>, Box<Diagnostic>> {
    let mut seen = HashMap::with_capacity(entries.len());
    let mut kept: Vec<Kept> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let span = entry.key.span;
        let key = entry
            .key
            .key()
            .map_err(|error| fault::unhashable(span, error))?;
        let new = Seen {
            place: kept.len(),
            first: span,
            is_merged: index < merged,
        };
        match seen.get_mut(&key) {
            None => {
                seen.insert(key, new);
                kept.push(Kept {
                    key: index,
                    value: index,
                    overridden: false,
                });
            }
            Some(Seen {
                place,
                first,
                is_merged,
            }) if *is_merged => {
                kept[*place].value = index;
                *first = span;
                *is_merged = new.is_merged;
            }
            Some(Seen { place, first, .. }) => {
                duplicates.push(Duplicate {
                    first: *first,
                    second: span,
                });
                kept[*place].overridden = true;
                *place = new.place;
                kept.push(Kept {
                    key: index,
                    value: index,
                    overridden: false,
                });
            }
        }
    }
    Ok(kept)
}

impl Kept {
    /// The key is the first one's, as in Python, but the place in the text is the value's.
    fn entry(&self, entries: &[Entry]) -> Entry {
        let from = &entries[self.value];
        Entry {
            key: Node {
                span: from.key.span,
                kind: entries[self.key].key.kind.clone(),
            },
            value: from.value.clone(),
            overridden: self.overridden,
        }
    }
}
