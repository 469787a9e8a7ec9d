//! Drawing: numbers and names become marks between axes, and one drawing becomes SVG, PNG, PDF, HTML or characters.
//!
//! From the inside out: [`scale`] places numbers and chooses ticks, [`colour`] turns numbers into colours, [`mark`] are the six
//! shapes, [`panel`] holds marks between two axes, `layout` gives everything its room on the sheet, `canvas` is the sheet (the one
//! place that speaks to plotters), [`figure`] is what a script holds, [`charts`] make figures from numbers. This layer knows nothing
//! of landscapes: see `figures` for what draws them.

pub mod animation;
mod canvas;
pub mod charts;
mod clip;
pub mod colour;
pub mod figure;
mod layout;
pub mod mark;
pub mod output;
pub mod panel;
mod pixels;
pub mod scale;
pub mod terminal;

#[cfg(test)]
mod gallery;

pub use colour::{Colour, ColourMap};
pub use figure::Figure;
pub use mark::{Mark, Paint, Shape, TextPlace};
pub use panel::{Axis, ColourScale, Panel};
pub use pixels::Pixels;
