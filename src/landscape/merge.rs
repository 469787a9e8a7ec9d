//! Putting one landscape's points into another.

use super::{Added, Landscape};
use crate::base::{Error, Kind, Result};
use crate::potentials::Identity;

impl Landscape {
    /// Adds every point of `other`; own ids stay. Gives the numbers of new minima and new transition states.
    ///
    /// Errors: another potential, or a point that may not be added here (looser tolerance): nothing is added then.
    pub fn merge(&self, other: &Landscape) -> Result<(usize, usize)> {
        if std::sync::Arc::ptr_eq(&self.inner, &other.inner) {
            return Ok((0, 0));
        }
        let differ = match (self.identity(), other.identity()) {
            (Some(own), Some(others)) => difference(&own, &others, ["here", "there"]),
            (None, None) => None,
            (own, _) => Some(format!(
                "{} has a potential, the other has none",
                if own.is_some() { "this landscape" } else { "the one to be added" }
            )),
        };
        let differ = differ.or_else(|| {
            let (own, others) = (self.dimension(), other.dimension());
            (own != others).then(|| format!("points have {own} coordinates here and {others} there"))
        });
        if let Some(differ) = differ {
            return Err(Error::new(Kind::Landscape, format!("merge: the landscapes belong to different potentials: {differ}"))
                .at("other")
                .hint("only landscapes of one potential can be put together"));
        }
        let (minima, transition_states, found) = {
            let state = other.state();
            (state.minima.clone(), state.transition_states.clone(), state.minima_found.clone())
        };
        if self.potential().is_some() {
            minima.iter().try_for_each(|m| self.check_point(&m.point(), 0))?;
            transition_states.iter().try_for_each(|t| self.check_point(&t.point(), 1))?;
        }
        self.begin_writing()?;
        let mut new = (0, 0);
        let mut ids = Vec::with_capacity(minima.len());
        let mut state = self.state_mut();
        for (minimum, times) in minima.iter().zip(found) {
            let Added { id, new: is_new } = self.insert_minimum(&mut state, &minimum.point())?;
            new.0 += usize::from(is_new);
            let total = if is_new { times } else { state.minima_found[id - 1] + times };
            state.minima_found[id - 1] = total;
            if let Some(store) = &self.inner.store {
                store.minimum_found(id, total);
            }
            ids.push(id);
        }
        for point in &transition_states {
            let sides = point.minima.map(|id| ids[id - 1]);
            new.1 += usize::from(self.insert_transition_state(&mut state, &point.point(), sides).new);
        }
        drop(state);
        self.flush()?;
        Ok(new)
    }
}

/// What differs between two potentials, in words; `None` when they are one.
pub(super) fn difference(own: &Identity, others: &Identity, [here, there]: [&str; 2]) -> Option<String> {
    if own.name != others.name {
        return Some(format!("{} {here}, {} {there}", own.name, others.name));
    }
    let find = |parts: &[(String, String)], name: &str| parts.iter().find(|p| p.0 == name).map(|p| p.1.clone());
    for (name, value) in &own.parts {
        match find(&others.parts, name) {
            Some(other) if other == *value => {}
            Some(other) => return Some(format!("`{name}` is {} {here}, {} {there}", short(value), short(&other))),
            None => return Some(format!("`{name}` is {} {here} and does not exist {there}", short(value))),
        }
    }
    let extra = others.parts.iter().find(|p| find(&own.parts, &p.0).is_none());
    extra.map(|(name, value)| format!("`{name}` is {} {there} and does not exist {here}", short(value)))
}

/// The beginning of a long value: the sum over a data set fills a line.
fn short(value: &str) -> String {
    match value.char_indices().nth(24) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_string(),
    }
}
