//! A figure as pixels, for terminals that show pictures.

use super::figure::Figure;
use super::output;
use crate::base::{Error, Kind, Result};
use resvg::tiny_skia;

/// A picture: four bytes (red, green, blue, opacity) a pixel, row by row from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    pub width: usize,
    pub height: usize,
    pub rgba: Vec<u8>,
}

impl Figure {
    /// The drawing as the bytes of a PNG file.
    pub fn png(&self) -> Result<Vec<u8>> {
        output::png(&self.svg())
    }

    /// The drawing `width` pixels wide.
    pub fn pixels(&self, width: usize) -> Result<Pixels> {
        let tree = output::parse(&self.svg())?;
        let scale = width as f32 / tree.size().width();
        let failed = || Error::new(Kind::Value, format!("a picture {width} pixels wide cannot be drawn"));
        let size = tree.size().to_int_size().scale_by(scale).ok_or_else(failed)?;
        let mut pixels = tiny_skia::Pixmap::new(size.width(), size.height()).ok_or_else(failed)?;
        resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
        let rgba = pixels.pixels().iter().flat_map(|p| {
            let p = p.demultiply();
            [p.red(), p.green(), p.blue(), p.alpha()]
        });
        Ok(Pixels { width: size.width() as usize, height: size.height() as usize, rgba: rgba.collect() })
    }
}
