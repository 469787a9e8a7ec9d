//! Only arithmetic: vectors, matrices, eigenproblems, vector kernels, random streams, statistics, graphs.
//! Knows nothing of potentials, data or landscapes.

pub mod assignment;
pub mod autocorrelation;
pub mod block_lanczos;
pub mod covariance;
pub mod eigen;
pub mod gather;
pub mod graph;
pub mod lanczos;
pub mod linear;
pub mod matrix;
pub mod neighbours;
pub mod normal;
pub mod pairs;
pub mod products;
pub mod random;
pub mod rotation;
pub mod simd;
pub mod statistics;
pub mod sums;
pub mod symmetric;

pub use matrix::Matrix;
