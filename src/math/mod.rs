//! Only arithmetic: vectors, matrices, eigenproblems, vector kernels, random streams, statistics, graphs.
//! Knows nothing of potentials, data or landscapes.

pub mod assignment;
pub mod block_lanczos;
pub mod eigen;
pub mod gather;
pub mod graph;
pub mod lanczos;
pub mod linear;
pub mod matrix;
pub mod neighbours;
pub mod pairs;
pub mod products;
pub mod random;
pub mod rotation;
pub mod simd;
pub mod statistics;
pub mod sums;
pub mod symmetric;

pub use matrix::Matrix;
