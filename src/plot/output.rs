//! Files: one drawing in SVG, turned into what the ending of the file asks for, and written whole or not at all.

use crate::base::files::write_atomically;
use crate::base::names::listed;
use crate::base::{Error, Kind, Result};
use resvg::{tiny_skia, usvg};
use std::path::Path;
use std::sync::Arc;

/// The endings that [`save_svg_as`] knows.
pub const ENDINGS: [&str; 4] = ["svg", "png", "pdf", "html"];
/// Pixels of a PNG for each px of the drawing.
const PNG_SCALE: f32 = 2.0;

/// What the ending of `path` asks for, or an error that names the endings there are. `function` begins the message.
pub fn ending(function: &str, path: &Path) -> Result<&'static str> {
    let found = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_lowercase();
    ENDINGS.iter().find(|e| **e == found).copied().ok_or_else(|| {
        let what = if found.is_empty() { "has no ending".to_string() } else { format!("ends in \".{found}\"") };
        let dotted: Vec<String> = ENDINGS.iter().map(|e| format!(".{e}")).collect();
        Error::new(Kind::Value, format!("{function}: {} {what}, which is no format of figures", path.display()))
            .hint(format!("figures are saved as {}", listed(dotted.iter().map(String::as_str))))
            .at("path")
    })
}

/// Writes an SVG drawing to `path`, converted to what its ending says.
pub fn save_svg_as(svg: &str, path: &Path, title: &str) -> Result<()> {
    let bytes = match ending("save", path)? {
        "png" => png(svg)?,
        "pdf" => pdf(svg)?,
        "html" => html(svg, title).into_bytes(),
        _ => svg.as_bytes().to_vec(),
    };
    write_atomically("save", path, &bytes)
}

/// The drawing in pixels, two for each px.
pub fn png(svg: &str) -> Result<Vec<u8>> {
    rendered(svg, PNG_SCALE)?.encode_png().map_err(|e| conversion("PNG", e))
}

/// Width, height and the pixels of the drawing, `scale` for each px: red, green, blue, opaque.
pub(super) fn pixels(svg: &str, scale: f32) -> Result<(u32, u32, Vec<u8>)> {
    let drawn = rendered(svg, scale)?;
    Ok((drawn.width(), drawn.height(), drawn.take()))
}

fn rendered(svg: &str, scale: f32) -> Result<tiny_skia::Pixmap> {
    let tree = parse(svg)?;
    let (width, height) = (scaled(f64::from(tree.size().width()), scale), scaled(f64::from(tree.size().height()), scale));
    let mut drawn = tiny_skia::Pixmap::new(width, height).ok_or_else(|| conversion("pixels", "its size"))?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut drawn.as_mut());
    Ok(drawn)
}

/// Pixels for a length of the drawing in px.
pub(super) fn scaled(px: f64, scale: f32) -> u32 {
    (px * f64::from(scale)).round() as u32
}

/// The drawing as a PDF of one page, a px being 1/72 inch.
pub fn pdf(svg: &str) -> Result<Vec<u8>> {
    let tree = parse(svg)?;
    svg2pdf::to_pdf(&tree, svg2pdf::ConversionOptions::default(), svg2pdf::PageOptions::default())
        .map_err(|e| conversion("PDF", e))
}

/// A page that needs nothing else; it carries no script, and the title is escaped.
pub fn html(svg: &str, title: &str) -> String {
    let title = title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let title = if title.trim().is_empty() { "losscape".to_string() } else { title };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>body {{ margin: 2em; text-align: center; background: #fff }} svg {{ max-width: 100%; height: auto }}</style>\n\
         </head>\n<body>\n{svg}</body>\n</html>\n"
    )
}

pub(super) fn parse(svg: &str) -> Result<usvg::Tree> {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    // Fonts of the machine are never asked: the same script draws the same picture everywhere.
    let options = usvg::Options { fontdb: Arc::new(fonts), font_family: "DejaVu Sans".into(), ..usvg::Options::default() };
    usvg::Tree::from_str(svg, &options).map_err(|e| conversion("the drawing", e))
}

fn conversion(to: &str, reason: impl std::fmt::Display) -> Error {
    Error::new(Kind::File, format!("save: the drawing could not be turned into {to}: {reason}")).hint("save it as .svg")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::canvas::{Across, Along, draw_svg};
    use crate::plot::colour::Colour;

    fn drawing() -> String {
        draw_svg(120.0, 60.0, |c| c.text([60.0, 30.0], "E = −1.5×10⁻³", 14.0, Along::Middle, Across::Middle, Colour::BLACK))
    }

    #[test]
    fn every_format_holds_the_drawing() {
        let svg = drawing();
        let image = tiny_skia::Pixmap::decode_png(&png(&svg).unwrap()).unwrap();
        assert_eq!((image.width(), image.height()), (240, 120));
        // The text is there: an empty sheet has white pixels only.
        let dark = image.pixels().iter().filter(|p| p.red() < 100).count();
        assert!(dark > 100, "{dark} dark pixels");
        let pdf = pdf(&svg).unwrap();
        assert!(pdf.starts_with(b"%PDF"));
        assert!(pdf.windows(11).any(|w| w == b"/Type /Page"), "no page");
        let html = html(&svg, "a < b & c");
        assert!(html.contains("<title>a &lt; b &amp; c</title>") && html.contains("<svg "));
    }

    #[test]
    fn endings_and_places() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.svg", "a.PNG", "a.pdf", "a.html"] {
            let path = folder.path().join(name);
            save_svg_as(&drawing(), &path, "").unwrap();
            assert!(path.metadata().unwrap().len() > 100);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4, "nothing half-written is left behind");
        let wrong = save_svg_as(&drawing(), &folder.path().join("tree.xyz"), "").unwrap_err().to_string();
        assert!(
            wrong.contains("tree.xyz ends in \".xyz\"") && wrong.contains("\".svg\", \".png\", \".pdf\" or \".html\""),
            "{wrong}"
        );
        assert!(save_svg_as(&drawing(), &folder.path().join("tree"), "").unwrap_err().to_string().contains("has no ending"));
        let nowhere = save_svg_as(&drawing(), &folder.path().join("no/such/a.svg"), "").unwrap_err();
        assert_eq!(nowhere.kind, Kind::File);
        assert!(nowhere.to_string().contains("is not there; create it first"), "{nowhere}");
    }
}
