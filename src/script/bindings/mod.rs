//! What every layer offers to scripts: one file for each subject, each with `natives()` and `types()`.

mod cuts;
mod data;
mod diagnostics;
mod diffusion_map;
mod expressions;
mod figures;
mod free_energy;
mod landscape;
mod network;
mod numbers;
mod potentials;
mod sampling;
mod scores;
mod search;
mod superposition;
mod system;
mod values;
mod variables;

use super::api::{Native, Type};

/// Every function and method.
pub fn natives() -> Vec<Native> {
    let mut all = values::natives();
    all.extend(numbers::natives());
    all.extend(data::natives());
    all.extend(network::natives());
    all.extend(scores::natives());
    all.extend(potentials::natives());
    all.extend(expressions::natives());
    all.extend(search::natives());
    all.extend(sampling::natives());
    all.extend(diagnostics::natives());
    all.extend(diffusion_map::natives());
    all.extend(landscape::natives());
    all.extend(figures::natives());
    all.extend(cuts::natives());
    all.extend(free_energy::natives());
    all.extend(superposition::natives());
    all.extend(system::natives());
    all
}

/// Every type of value.
pub fn types() -> Vec<Type> {
    let mut all = values::types();
    all.extend(data::types());
    all.extend(network::types());
    all.extend(scores::types());
    all.extend(potentials::types());
    all.extend(expressions::types());
    all.extend(search::types());
    all.extend(sampling::types());
    all.extend(diagnostics::types());
    all.extend(diffusion_map::types());
    all.extend(landscape::types());
    all.extend(figures::types());
    all.extend(cuts::types());
    all.extend(free_energy::types());
    all.extend(superposition::types());
    all.extend(system::types());
    all
}
