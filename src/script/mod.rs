//! The language: engine, the keystone with which natives are declared, values, errors, the standard library, help.
//!
//! The only layer that knows Rhai. Never prints (that is `cli`).

pub mod api;
mod arguments;
pub mod bindings;
mod call;
mod called;
mod catalogue;
pub mod check;
pub mod complete;
mod convert;
mod dispatch;
pub mod engine;
pub mod errors;
mod habits;
pub mod help;
pub mod json;
pub mod lexer;
mod operators;
pub mod place;
mod search;
pub mod session;
pub mod show;
pub mod stdlib;
mod tokens;
mod traced;
pub mod values;

pub use call::{Environment, Permissions};
pub use catalogue::Catalogue;
pub use engine::{Failure, Language, Script};
pub use errors::Step;
