//! What every layer speaks: errors, options, names, the run in progress and its tasks, text for people, files written whole, what the process uses.

pub mod error;
pub mod files;
pub mod names;
pub mod options;
pub mod run;
pub mod tasks;
pub mod text;
pub mod usage;

pub use error::{Error, Kind, Result};
pub use names::nearest;
pub use options::{OptionEntry, OptionType, OptionValue, Options, Range};
pub use run::{Run, Task};
