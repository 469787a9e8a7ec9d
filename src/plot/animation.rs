//! Moving figures: frames of equal size become one GIF with one palette, written whole or not at all.
//!
//! The colours are chosen from frames spread over the whole film (a neural net of 255 colours by A. H. Dekker,
//! Network: Computation in Neural Systems 5, 351 (1994)), so that nothing flickers; pixels that stay as they were are written as transparent.
//! Cost: one drawing a frame, in parallel; a few frames are in memory at a time.

use super::figure::Figure;
use super::output::pixels;
use crate::base::files::write_atomically;
use crate::base::{Error, Kind, Result, Run};
use crate::options;
use color_quant::NeuQuant;
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::Path;

/// Colours of a GIF, of which the last means "as before".
const COLOURS: usize = 255;
const AS_BEFORE: u8 = COLOURS as u8;
/// Frames that the colours are chosen from, and frames drawn at a time.
const SAMPLED: usize = 12;
const AT_ONCE: usize = 16;
/// A GIF counts its width and height in 16 bits; such a film would fill the memory long before.
const LARGEST: f64 = 4000.0;

options! {
    /// Options of `animate`.
    pub struct AnimationOptions {
        /// How long each frame stays.
        seconds_per_frame: f64 = 0.1, POSITIVE, "s";
        /// How long the last frame stays before the film begins again.
        last_seconds: Option<f64> = None => "1 second, at least as long as the others", POSITIVE, "s";
        /// Whether it begins again for ever.
        repeat: bool = true, ANY, "";
        /// Pixels for each px of the figures.
        scale: f64 = 1.0, POSITIVE, "";
    }
}

/// Writes the frames to a .gif file.
///
/// Errors: no frame, frames of different sizes, another ending, a run that is stopped.
pub fn animate(run: &Run, frames: &[Figure], path: &Path, options: &AnimationOptions) -> Result<()> {
    if !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gif")) {
        return Err(Error::new(Kind::Value, format!("animate: {} does not end in .gif", path.display()))
            .hint("moving figures are written as .gif; a single figure is saved with .save(path)")
            .at("path"));
    }
    let Some(first) = frames.first() else {
        return Err(Error::value("animate: there are no frames").hint("give an array of figures of the same size").at("frames"));
    };
    if let Some((k, odd)) = frames.iter().enumerate().find(|(_, f)| f.size() != first.size()) {
        let ([w, h], [a, b]) = (odd.size(), first.size());
        return Err(Error::shape(format!("animate: frame {k} is {w} × {h} px, the first {a} × {b}"))
            .hint("give all figures the same option `size`")
            .at("frames"));
    }
    if first.size().iter().any(|side| side * options.scale > LARGEST || side * options.scale < 1.0) {
        let [w, h] = first.size().map(|side| side * options.scale);
        return Err(
            Error::value(format!("animate: frames of {w:.0} × {h:.0} pixels; a side may have 1 to {LARGEST}")).at("scale")
        );
    }
    let bytes = encode(run, frames, options)?;
    write_atomically("animate", path, &bytes)
}

fn encode(run: &Run, frames: &[Figure], options: &AnimationOptions) -> Result<Vec<u8>> {
    let task = run.task("animate", Some(frames.len() as u64));
    let draw = |figure: &Figure| -> Result<(u32, u32, Vec<u8>)> {
        run.check()?;
        pixels(&figure.svg(), options.scale as f32)
    };
    let stride = frames.len().div_ceil(SAMPLED);
    let sampled: Vec<usize> = (0..frames.len()).step_by(stride).chain([frames.len() - 1]).collect();
    let sample = sampled.par_iter().map(|&k| draw(&frames[k]).map(|drawn| drawn.2)).collect::<Result<Vec<Vec<u8>>>>()?;
    let palette = Palette::of(&sample);
    drop(sample);

    let [width, height] = first_size(frames, options);
    let failed = |e: gif::EncodingError| Error::new(Kind::File, format!("animate: the film could not be encoded: {e}"));
    let mut encoder = gif::Encoder::new(Vec::new(), width, height, &palette.colours).map_err(failed)?;
    encoder.set_repeat(if options.repeat { gif::Repeat::Infinite } else { gif::Repeat::Finite(0) }).map_err(failed)?;
    let mut before: Vec<u8> = Vec::new();
    for (k, some) in frames.chunks(AT_ONCE).enumerate() {
        let drawn = some.par_iter().map(draw).collect::<Result<Vec<_>>>()?;
        for (l, (_, _, rgba)) in drawn.iter().enumerate() {
            let now = palette.indices(rgba);
            let is_last = k * AT_ONCE + l + 1 == frames.len();
            let last = options.last_seconds.unwrap_or(options.seconds_per_frame.max(1.0));
            let seconds = if is_last { last } else { options.seconds_per_frame };
            let changed = now.iter().enumerate().map(|(p, index)| if before.get(p) == Some(index) { AS_BEFORE } else { *index });
            let frame = gif::Frame {
                // Hundredths of a second; below two, viewers take ten.
                delay: (seconds * 100.0).round().clamp(2.0, 60_000.0) as u16,
                dispose: gif::DisposalMethod::Keep,
                transparent: Some(AS_BEFORE),
                width,
                height,
                buffer: changed.collect::<Vec<u8>>().into(),
                ..gif::Frame::default()
            };
            encoder.write_frame(&frame).map_err(failed)?;
            before = now;
            task.tick(1, String::new)?;
        }
    }
    encoder.into_inner().map_err(failed)
}

/// Width and height of the film in pixels, as [`pixels`] rounds them.
fn first_size(frames: &[Figure], options: &AnimationOptions) -> [u16; 2] {
    let size = frames.first().map_or([1.0, 1.0], Figure::size);
    size.map(|side| super::output::scaled(side, options.scale as f32) as u16)
}

/// The colours of a film.
struct Palette {
    /// Red, green, blue; the place of "as before" is there too.
    colours: Vec<u8>,
    index: HashMap<[u8; 3], u8>,
    net: Option<NeuQuant>,
}

impl Palette {
    /// All colours of the frames where there are few, otherwise those that a net finds nearest to them.
    fn of(frames: &[Vec<u8>]) -> Palette {
        let mut seen: HashMap<[u8; 3], u8> = HashMap::new();
        let mut colours = Vec::new();
        for [red, green, blue, _] in frames.iter().flat_map(|f| f.as_chunks::<4>().0) {
            let colour = [*red, *green, *blue];
            if !seen.contains_key(&colour) {
                if seen.len() == COLOURS {
                    return Palette::by_net(frames);
                }
                seen.insert(colour, seen.len() as u8);
                colours.extend(colour);
            }
        }
        colours.resize(3 * (COLOURS + 1), 0);
        Palette { colours, index: seen, net: None }
    }

    fn by_net(frames: &[Vec<u8>]) -> Palette {
        // Paper is most of a figure: of each run of equal pixels the net sees one, so that lines and fills count.
        let mut varied: Vec<u8> = Vec::new();
        for frame in frames {
            let mut last = [0; 4];
            for pixel in frame.as_chunks::<4>().0 {
                if *pixel != last {
                    varied.extend(pixel);
                    last = *pixel;
                }
            }
        }
        let net = NeuQuant::new(3, COLOURS, &varied);
        let mut colours = net.color_map_rgb();
        colours.resize(3 * (COLOURS + 1), 0);
        // Paper stays white, whatever the net has learnt.
        let paper = net.index_of(&[255, 255, 255, 255]);
        colours[3 * paper..3 * paper + 3].fill(255);
        Palette { colours, index: HashMap::new(), net: Some(net) }
    }

    fn indices(&self, rgba: &[u8]) -> Vec<u8> {
        let mut found = self.index.clone();
        let pixels = rgba.as_chunks::<4>().0.iter();
        pixels
            .map(|[red, green, blue, _]| {
                *found.entry([*red, *green, *blue]).or_insert_with(|| match &self.net {
                    Some(net) => net.index_of(&[*red, *green, *blue, 255]) as u8,
                    None => nearest(&self.colours, [*red, *green, *blue]),
                })
            })
            .collect()
    }
}

/// The nearest of a few colours, for one that the sampled frames did not have.
fn nearest(colours: &[u8], wanted: [u8; 3]) -> u8 {
    let distance = |c: &[u8; 3]| c.iter().zip(wanted).map(|(a, b)| (i32::from(*a) - i32::from(b)).pow(2)).sum::<i32>();
    let all = colours.as_chunks::<3>().0.iter().take(COLOURS).enumerate();
    all.min_by_key(|(_, colour)| distance(colour)).map_or(0, |(k, _)| k as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Matrix;
    use crate::plot::charts::{HeatmapOptions, PlotOptions, Series, Size, heatmap, plot};

    fn growing(count: usize) -> Vec<Figure> {
        let size = Size([200.0, 150.0]);
        let options = PlotOptions { size, x_range: None, ..PlotOptions::default() };
        (2..count + 2)
            .map(|n| {
                plot(&[Series { x: (0..n).map(|k| k as f64).collect(), y: (0..n).map(|k| (k * k) as f64).collect() }], &options)
                    .unwrap()
            })
            .collect()
    }

    /// The film, frame by frame as a viewer shows it.
    fn decoded(path: &Path) -> (u16, u16, Vec<(u16, Vec<u8>)>) {
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(std::fs::File::open(path).unwrap()).unwrap();
        let (width, height) = (decoder.width(), decoder.height());
        let mut screen = vec![0u8; usize::from(width) * usize::from(height) * 4];
        let mut shown = Vec::new();
        while let Some(frame) = decoder.read_next_frame().unwrap() {
            assert_eq!((frame.width, frame.height), (width, height));
            for (old, new) in screen.as_chunks_mut::<4>().0.iter_mut().zip(frame.buffer.as_chunks::<4>().0) {
                if new[3] > 0 {
                    *old = *new;
                }
            }
            shown.push((frame.delay, screen.clone()));
        }
        (width, height, shown)
    }

    #[test]
    fn a_film_shows_its_frames() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("film.gif");
        let frames = growing(19);
        let options = AnimationOptions { seconds_per_frame: 0.2, scale: 1.5, ..Default::default() };
        animate(&Run::silent(), &frames, &path, &options).unwrap();
        let (width, height, shown) = decoded(&path);
        assert_eq!((width, height, shown.len()), (300, 225, 19));
        assert_eq!((shown[0].0, shown[18].0), (20, 100));
        for (frame, (_, screen)) in frames.iter().zip(&shown) {
            let (_, _, drawn) = pixels(&frame.svg(), 1.5).unwrap();
            let off: u64 = drawn.iter().zip(screen).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            // On average within 1 of 255 of the drawing.
            assert!(off < drawn.len() as u64, "{off}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn many_colours_come_near_enough() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.gif");
        let values = |k: usize| Matrix::from_rows(40, 30, (0..1200).map(|i| ((i * (k + 1)) as f64).sin()).collect());
        let options = HeatmapOptions { size: Size([240.0, 180.0]), ..Default::default() };
        let frames: Vec<Figure> = (0..3).map(|k| heatmap(&values(k), &options).unwrap()).collect();
        animate(&Run::silent(), &frames, &path, &AnimationOptions::default()).unwrap();
        let (_, _, shown) = decoded(&path);
        for (frame, (_, screen)) in frames.iter().zip(&shown) {
            let (_, _, drawn) = pixels(&frame.svg(), 1.0).unwrap();
            let off: u64 = drawn.iter().zip(screen).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            // 255 colours for a whole colour map: on average within 4 of 255.
            assert!(off < 4 * drawn.len() as u64, "{off} of {}", drawn.len());
        }
    }

    #[test]
    fn mistakes_leave_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let says = |frames: &[Figure], name: &str| {
            animate(&Run::silent(), frames, &folder.path().join(name), &AnimationOptions::default()).unwrap_err().to_string()
        };
        assert!(says(&[], "a.gif").contains("no frames"));
        assert!(says(&growing(2), "a.png").contains(".gif"));
        let mut mixed = growing(2);
        mixed.push(heatmap(&Matrix::zeros(2, 2), &HeatmapOptions::default()).unwrap());
        assert!(says(&mixed, "a.gif").contains("frame 2 is 720 × 520 px, the first 200 × 150"));
        let stopped = Run::silent().until(std::time::Instant::now());
        assert!(animate(&stopped, &growing(2), &folder.path().join("a.gif"), &Default::default()).unwrap_err().is_stop());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
