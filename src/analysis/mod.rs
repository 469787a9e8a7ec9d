//! What is computed from data, networks and landscapes: outcomes of minimisation, scores, cuts through potentials.
//! Never draws and never moves a point by itself.

pub mod cuts;
pub mod directions;
pub mod free_energy;
pub mod outcomes;
pub mod scores;
pub mod superposition;
pub mod temperatures;
