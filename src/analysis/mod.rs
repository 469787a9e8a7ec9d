//! What is computed from data, networks and landscapes: outcomes of minimisation, scores, spectra.
//! Never draws and never moves a point by itself.

pub mod outcomes;
pub mod scores;
