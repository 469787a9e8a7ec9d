//! losscape: a scripting environment for loss and energy landscapes.
//!
//! One folder is one layer; each uses itself and the layers before it in this list, never one behind it
//! (`tests/architecture.rs` holds this). `ARCHITECTURE.md` walks through the house.
//! `unsafe` appears in `math` (vector kernels, LAPACK) and in the fused network kernels only.

pub mod base;
pub mod math;
pub mod plot;

pub mod data;
pub mod network;
pub mod potentials;

pub mod algorithms;
pub mod landscape;

pub mod analysis;
pub mod figures;

pub mod script;

pub mod cli;
