//! Pictures of things of the domain: a landscape's tree in, a figure of the plot layer out. One file (or folder) for each.

pub mod disconnectivity;

pub use disconnectivity::{DisconnectivityGraph, DrawingOptions};
