//! Pictures inside the terminal: which protocol it speaks, and a figure in each of them.
//!
//! Kitty's graphics protocol: <https://sw.kovidgoyal.net/kitty/graphics-protocol/>; inline images of iTerm2:
//! <https://iterm2.com/documentation-images.html>; sixel: DEC, VT330/VT340 Programmer Reference Manual, volume 2, chapter 14.

use crate::base::Result;
use crate::plot::{Figure, Pixels};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The user's word on it: kitty, iterm, sixel or text.
const CHOICE: &str = "LOSSCAPE_PICTURES";
/// A character of a terminal that does not say how large it is, in pixels.
const CELL: [usize; 2] = [10, 20];
/// Characters that kitty takes in one piece.
const PIECE: usize = 4096;
/// Colours of a sixel picture.
const COLOURS: usize = 256;

/// How pictures travel to the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Kitty,
    Iterm,
    Sixel,
}

/// The protocol of the terminal that these environment variables describe; `None` where characters must do.
pub fn protocol(variable: impl Fn(&str) -> Option<String>) -> Option<Protocol> {
    let is = |name: &str, words: &[&str]| variable(name).is_some_and(|value| words.iter().any(|w| value.eq_ignore_ascii_case(w)));
    for (word, protocol) in [("kitty", Protocol::Kitty), ("iterm", Protocol::Iterm), ("sixel", Protocol::Sixel)] {
        if is(CHOICE, &[word]) {
            return Some(protocol);
        }
    }
    let term = variable("TERM").unwrap_or_default().to_lowercase();
    // Multiplexers pass pictures on only when they are told to, which nobody can see from inside.
    let multiplexed =
        variable("TMUX").is_some() || variable("STY").is_some() || term.starts_with("tmux") || term.starts_with("screen");
    if is(CHOICE, &["text"]) || multiplexed {
        return None;
    }
    if variable("KITTY_WINDOW_ID").is_some()
        || term == "xterm-kitty"
        || term == "xterm-ghostty"
        || is("TERM_PROGRAM", &["ghostty"])
    {
        return Some(Protocol::Kitty);
    }
    if is("TERM_PROGRAM", &["iTerm.app", "WezTerm"]) {
        return Some(Protocol::Iterm);
    }
    let draws_sixel = ["mlterm", "foot", "yaft"].iter().any(|known| term.starts_with(known)) || term.contains("sixel");
    draws_sixel.then_some(Protocol::Sixel)
}

/// The figure for a terminal of this protocol, in at most `width` characters and `height` lines.
pub fn encode(figure: &Figure, protocol: Protocol, width: usize, height: usize) -> Result<String> {
    let [w, h] = figure.size();
    // As wide as the height allows, at the shape of the figure.
    let by_height = (height * CELL[1]) as f64 * w / h / CELL[0] as f64;
    let columns = (by_height.floor() as usize).clamp(1, width.max(1));
    Ok(match protocol {
        Protocol::Kitty => kitty(&figure.png()?, columns),
        Protocol::Iterm => iterm(&figure.png()?, columns),
        Protocol::Sixel => sixel(&figure.pixels(columns * CELL[0])?),
    })
}

/// A PNG for kitty: pieces of base64, the first with what is to be done (transmit and display, in so many columns, no answer).
fn kitty(png: &[u8], columns: usize) -> String {
    let text = STANDARD.encode(png);
    let pieces = text.len().div_ceil(PIECE).max(1);
    let mut out = String::with_capacity(text.len() + 64 + 16 * pieces);
    for k in 0..pieces {
        let piece = &text[k * PIECE..text.len().min((k + 1) * PIECE)];
        let more = usize::from(k + 1 < pieces);
        let task = if k == 0 { format!("a=T,f=100,q=2,c={columns},") } else { String::new() };
        out.push_str(&format!("\x1b_G{task}m={more};{piece}\x1b\\"));
    }
    out
}

/// A PNG for iTerm2, `columns` wide.
fn iterm(png: &[u8], columns: usize) -> String {
    let size = png.len();
    format!("\x1b]1337;File=inline=1;size={size};width={columns};preserveAspectRatio=1:{}\x07", STANDARD.encode(png))
}

/// Pixels as sixels: a list of colours, then bands of six rows, in each band a line of characters for every colour in it.
fn sixel(pixels: &Pixels) -> String {
    let (indices, colours) = pixels.palette(COLOURS);
    let Pixels { width, height, .. } = *pixels;
    let mut out = format!("\x1bP0;1;0q\"1;1;{width};{height}");
    for (k, [r, g, b]) in colours.iter().enumerate() {
        let percent = |v: u8| (v as usize * 100 + 127) / 255;
        out.push_str(&format!("#{k};2;{};{};{}", percent(*r), percent(*g), percent(*b)));
    }
    for top in (0..height).step_by(6) {
        let rows = 6.min(height - top);
        // For each colour in the band the bits of every column.
        let mut lines: Vec<Option<Vec<u8>>> = vec![None; colours.len()];
        for row in 0..rows {
            for x in 0..width {
                let colour = indices[(top + row) * width + x];
                lines[colour].get_or_insert_with(|| vec![0; width])[x] |= 1 << row;
            }
        }
        let mut first = true;
        for (k, line) in lines.iter().enumerate() {
            let Some(line) = line else { continue };
            // Back to the start of the band.
            if !first {
                out.push('$');
            }
            first = false;
            out.push_str(&format!("#{k}"));
            run_lengths(line, &mut out);
        }
        out.push('-');
    }
    out.push_str("\x1b\\");
    out
}

/// Bits of columns as characters; four and more equal ones as `!n` and the character, none at the end of the line.
fn run_lengths(line: &[u8], out: &mut String) {
    let end = line.iter().rposition(|bits| *bits != 0).map_or(0, |k| k + 1);
    let mut x = 0;
    while x < end {
        let count = line[x..end].iter().take_while(|bits| **bits == line[x]).count();
        let letter = (63 + line[x]) as char;
        if count > 3 {
            out.push_str(&format!("!{count}{letter}"));
        } else {
            out.extend(std::iter::repeat_n(letter, count));
        }
        x += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::Panel;

    fn of(variables: &[(&str, &str)]) -> Option<Protocol> {
        protocol(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string()))
    }

    #[test]
    fn terminals_are_known_by_their_variables() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("TERM", "xterm-256color")]), None);
        assert_eq!(of(&[("TERM", "xterm-kitty")]), Some(Protocol::Kitty));
        assert_eq!(of(&[("KITTY_WINDOW_ID", "1")]), Some(Protocol::Kitty));
        assert_eq!(of(&[("TERM_PROGRAM", "ghostty")]), Some(Protocol::Kitty));
        assert_eq!(of(&[("TERM_PROGRAM", "iTerm.app")]), Some(Protocol::Iterm));
        assert_eq!(of(&[("TERM_PROGRAM", "WezTerm")]), Some(Protocol::Iterm));
        assert_eq!(of(&[("TERM", "foot-extra")]), Some(Protocol::Sixel));
        assert_eq!(of(&[("TERM", "xterm-sixel")]), Some(Protocol::Sixel));
        assert_eq!(of(&[("TERM_PROGRAM", "WezTerm"), ("TMUX", "/tmp/tmux")]), None);
        assert_eq!(of(&[("TERM", "screen.xterm-kitty"), ("KITTY_WINDOW_ID", "1")]), None);
        assert_eq!(of(&[("TERM", "tmux-256color"), ("LOSSCAPE_PICTURES", "sixel")]), Some(Protocol::Sixel));
        assert_eq!(of(&[("TERM", "xterm-kitty"), ("LOSSCAPE_PICTURES", "text")]), None);
    }

    #[test]
    fn pictures_byte_for_byte() {
        assert_eq!(kitty(b"abc", 40), "\x1b_Ga=T,f=100,q=2,c=40,m=0;YWJj\x1b\\");
        let long = kitty(&[0; 3073], 40);
        let second = "\x1b_Gm=0;AA==\x1b\\";
        assert!(long.starts_with("\x1b_Ga=T,f=100,q=2,c=40,m=1;AAAA") && long.ends_with(second), "{long}");
        assert_eq!(long.matches('A').count(), 4096 + 2);
        assert_eq!(iterm(b"abc", 40), "\x1b]1337;File=inline=1;size=3;width=40;preserveAspectRatio=1:YWJj\x07");
        // Red above blue at the left, five of nothing but white beside them; seven rows are two bands.
        let (red, blue, white) = ([255, 0, 0, 255], [0, 0, 255, 255], [0, 0, 0, 0]);
        let rows = (0..7).flat_map(|row| [if row == 0 { red } else { blue }, white, white, white, white, white]);
        let pixels = Pixels { width: 6, height: 7, rgba: rows.flatten().collect() };
        assert_eq!(
            sixel(&pixels),
            "\x1bP0;1;0q\"1;1;6;7#0;2;100;0;0#1;2;100;100;100#2;2;0;0;100#0@$#1?!5~$#2}-#1?!5@$#2@-\x1b\\"
        );
    }

    #[test]
    fn many_colours_become_few() {
        let rgba = (0..64 * 64).flat_map(|k| [(k % 64 * 4) as u8, (k / 64 * 4) as u8, 128, 255]).collect();
        let pixels = Pixels { width: 64, height: 64, rgba };
        let (indices, colours) = pixels.palette(COLOURS);
        assert_eq!((indices.len(), colours.len()), (64 * 64, COLOURS));
        let off = |k: usize| {
            let (own, c) = (&pixels.rgba[4 * k..], colours[indices[k]]);
            (0..3).map(|i| own[i].abs_diff(c[i]) as f64).fold(0.0, f64::max)
        };
        let mean = (0..indices.len()).map(off).sum::<f64>() / indices.len() as f64;
        // 256 colours on a square of 256 × 256 in regular cells of 16 × 16 would be off by 5 on average; learnt ones by somewhat more.
        assert!(mean < 10.0, "{mean}");
    }

    #[test]
    fn a_figure_in_every_protocol() {
        let figure = Figure::of(Panel::new("x", "y"), [200.0, 100.0]);
        for (protocol, start) in [(Protocol::Kitty, "\x1b_G"), (Protocol::Iterm, "\x1b]1337"), (Protocol::Sixel, "\x1bP")] {
            assert!(encode(&figure, protocol, 40, 5).unwrap().starts_with(start));
        }
        // Five lines of 20 px at the shape 2:1 are 200 px or 20 characters.
        assert!(encode(&figure, Protocol::Kitty, 40, 5).unwrap().contains("c=20,"));
        assert!(encode(&figure, Protocol::Sixel, 40, 5).unwrap().contains("\"1;1;200;100"));
    }
}
