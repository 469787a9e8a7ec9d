//! What is computed from data, networks and landscapes: outcomes of minimisation, scores, cuts through potentials.
//! Never draws and, but for the walkers of umbrella sampling and metadynamics, never moves a point by itself.

pub mod basins;
pub mod cuts;
pub mod diagnostics;
pub mod diffusion_map;
pub mod directions;
pub mod free_energy;
pub mod learning_coefficient;
pub mod outcomes;
pub mod portraits;
pub mod principal;
pub mod sampler_check;
pub mod scores;
pub mod spectral_density;
pub mod superposition;
pub mod temperatures;
