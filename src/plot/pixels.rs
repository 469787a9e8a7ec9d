//! A figure as pixels, for terminals that show pictures.

use super::figure::Figure;
use super::output;
use crate::base::{Error, Kind, Result};
use resvg::tiny_skia;
use std::collections::HashMap;

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

impl Pixels {
    /// The colour of each pixel on white paper, as an index into a list of at most `most`: exact where that many suffice.
    pub fn palette(&self, most: usize) -> (Vec<usize>, Vec<[u8; 3]>) {
        let on_white = |p: &[u8]| {
            let mix = |v: u8| ((v as usize * p[3] as usize + 255 * (255 - p[3] as usize) + 127) / 255) as u8;
            [mix(p[0]), mix(p[1]), mix(p[2])]
        };
        let opaque: Vec<[u8; 3]> = self.rgba.chunks_exact(4).map(on_white).collect();
        let mut known: HashMap<[u8; 3], usize> = HashMap::new();
        let mut colours = Vec::new();
        for colour in &opaque {
            known.entry(*colour).or_insert_with(|| {
                colours.push(*colour);
                colours.len() - 1
            });
            if colours.len() > most {
                break;
            }
        }
        if colours.len() <= most {
            return (opaque.iter().map(|c| known[c]).collect(), colours);
        }
        let flat: Vec<u8> = opaque.iter().flat_map(|c| [c[0], c[1], c[2], 255]).collect();
        // Of a large picture a sample tells its colours.
        let sample = (opaque.len() / 50_000).clamp(1, 30) as i32;
        let chosen = color_quant::NeuQuant::new(sample, most, &flat);
        let colours = chosen.color_map_rgb().chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect();
        let mut seen: HashMap<[u8; 3], usize> = HashMap::new();
        let index = |c: &[u8; 3]| *seen.entry(*c).or_insert_with(|| chosen.index_of(&[c[0], c[1], c[2], 255]));
        (opaque.iter().map(index).collect(), colours)
    }
}
