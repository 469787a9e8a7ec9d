//! All integration tests in one binary: each would link 300 crates again.

mod architecture;
mod cli;
mod docs;
mod errors;
mod expressions;
mod figures;
mod landscape;
mod potentials;
mod published;
mod readers;
#[cfg(unix)]
mod repl;
mod samplers;
mod scripts;
mod tour;
