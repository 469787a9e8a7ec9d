//! Pictures of things of the domain: a landscape's tree, a cut, a path in, a figure of the plot layer out. One file (or folder) for each.

pub mod cuts;
pub mod diffusion_map;
pub mod disconnectivity;
pub mod free_energy;
pub mod profile;
pub mod sampling;
pub mod spectral_density;

pub use disconnectivity::{DisconnectivityGraph, DrawingOptions};
