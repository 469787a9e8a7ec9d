//! Input files of disconnectionDPS: the keywords of `dinfo` as options of `disconnectivity`.
//!
//! | keyword | option |
//! |---|---|
//! | FIRST, DELTA, LEVELS | `first`, `delta`, `levels` |
//! | MAXTSENERGY, TSTHRESH | `max_energy` |
//! | NCONNMIN (0 when absent) | `min_connections` |
//! | CONNECTMIN (the global minimum when absent) | `connected_to` |
//! | LOWEST | `lowest` |
//! | IDMIN (repeated) | `label` |
//!
//! CENTREGMIN is what the drawing does anyway; MINIMA and TS name files that the landscape was read from already; COLOURPRINT and the
//! like ask for files of numbers: understood and passed over. TRMIN colours sets of minima, for which `colour` with a field is the way
//! here: a warning says so. Anything else is a warning with its line.

use super::{bad_line, number, read_text};
use crate::base::{Result, Run, nearest};
use crate::landscape::tree::{ConnectedTo, TreeOptions};
use std::path::Path;

/// What a `dinfo` file asks for.
#[derive(Debug, Clone)]
pub struct Dinfo {
    pub tree: TreeOptions,
    /// Ids of the minima to be labelled.
    pub label: Vec<usize>,
}

const KNOWN: [&str; 10] =
    ["FIRST", "DELTA", "LEVELS", "MAXTSENERGY", "TSTHRESH", "NCONNMIN", "CONNECTMIN", "LOWEST", "IDMIN", "TRMIN"];
/// Keywords that change nothing here.
const PASSED_OVER: [&str; 14] = [
    "CENTREGMIN",
    "MINIMA",
    "TS",
    "COMMENT",
    "COLOURPRINT",
    "COLOUROUTPUT",
    "DUMPNUMBERS",
    "DUMPSIZES",
    "IDENTIFY",
    "IDENTIFY_NODE",
    "IDENTIFY_NODE_SIZE",
    "LABELFORMAT",
    "LABELSIZE",
    "LETTER",
];

/// Reads a `dinfo` file; unknown keywords are warnings of the run.
///
/// Errors: a file that cannot be read; a keyword without the number it needs, with its line.
pub fn load_dinfo(run: &Run, path: &Path) -> Result<Dinfo> {
    let text = read_text(path)?;
    // disconnectionDPS leaves out minima without connections and what hangs apart from the global minimum, unless told otherwise.
    let tree = TreeOptions { min_connections: Some(0), connected_to: ConnectedTo::Global, ..TreeOptions::default() };
    let mut dinfo = Dinfo { tree, label: Vec::new() };
    for (line, words) in logical_lines(&text) {
        let Some((keyword, values)) = words.split_first() else { continue };
        let keyword = keyword.to_uppercase();
        let real = || match values.first().copied().and_then(number) {
            Some(value) => Ok(value),
            None => Err(bad_line(path, line, format!("{keyword} needs a number, found \"{}\"", values.join(" ")))),
        };
        let whole = || match values.first().and_then(|word| word.parse::<usize>().ok()) {
            Some(value) => Ok(value),
            None => Err(bad_line(path, line, format!("{keyword} needs a whole number, found \"{}\"", values.join(" ")))),
        };
        match keyword.as_str() {
            "FIRST" => dinfo.tree.first = Some(real()?),
            "DELTA" => match real()? {
                delta if delta > 0.0 => dinfo.tree.delta = Some(delta),
                delta => return Err(bad_line(path, line, format!("DELTA must be above 0, found {delta}"))),
            },
            "LEVELS" => match whole()? {
                0 => return Err(bad_line(path, line, "LEVELS must be at least 1, found 0")),
                levels => dinfo.tree.levels = Some(levels),
            },
            "MAXTSENERGY" | "TSTHRESH" => dinfo.tree.max_energy = Some(real()?),
            "NCONNMIN" => dinfo.tree.min_connections = Some(whole()?),
            "CONNECTMIN" => dinfo.tree.connected_to = ConnectedTo::Minimum(whole()?),
            "LOWEST" => dinfo.tree.lowest = Some(whole()?.max(1)),
            "IDMIN" => dinfo.label.push(whole()?),
            "TRMIN" => run.warn(&format!(
                "{}: line {line}: TRMIN is left out; give `colour` a field that annotate has set for the minima of its files",
                path.display()
            )),
            other if PASSED_OVER.contains(&other) => {}
            other => {
                let near = nearest(other, KNOWN.iter().chain(&PASSED_OVER).copied());
                let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
                run.warn(&format!("{}: line {line}: the keyword {other} is not understood{hint}", path.display()));
            }
        }
    }
    Ok(dinfo)
}

/// The lines that say something, each with its number from 1 and its words. `!` and `#` begin comments, `&` goes on in the next line.
fn logical_lines(text: &str) -> Vec<(usize, Vec<&str>)> {
    let mut lines: Vec<(usize, Vec<&str>)> = Vec::new();
    let mut goes_on = false;
    for (k, line) in text.lines().enumerate() {
        let line = line.split(['!', '#']).next().unwrap_or("");
        let (line, more) = match line.find('&') {
            Some(end) => (&line[..end], true),
            None => (line, false),
        };
        let words = line.split([' ', '\t', ',']).filter(|word| !word.is_empty());
        match lines.last_mut() {
            Some(last) if goes_on => last.1.extend(words),
            _ => lines.push((k + 1, words.collect())),
        }
        goes_on = more;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Dinfo> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dinfo");
        std::fs::write(&path, text).unwrap();
        load_dinfo(&Run::silent(), &path)
    }

    #[test]
    fn reads_every_keyword() {
        let dinfo = read(
            "! a comment\n# another\nDELTA 0.2\nFIRST -168.5D0\nLEVELS &\n 29\nMINIMA min.data\nMAXTSENERGY -168.0\nNCONNMIN 1\n\
             CONNECTMIN 2\nIDMIN 2\nIDMIN 8 ! two\nCENTREGMIN\nTRMIN 1 12 red\nLOWEST 7\nNONSENSE 3\n",
        )
        .unwrap();
        let tree = &dinfo.tree;
        assert_eq!((tree.delta, tree.first, tree.levels), (Some(0.2), Some(-168.5), Some(29)));
        assert_eq!((tree.max_energy, tree.min_connections, tree.lowest), (Some(-168.0), Some(1), Some(7)));
        assert_eq!(tree.connected_to, ConnectedTo::Minimum(2));
        assert_eq!(dinfo.label, [2, 8]);
    }

    #[test]
    fn says_which_line_is_wrong() {
        let said = read("FIRST 1.0\nDELTA small\n").unwrap_err().message;
        assert!(said.contains("line 2") && said.contains("DELTA") && said.contains("small"), "{said}");
        assert!(read("LEVELS -3").is_err());
        let plain = read("").unwrap();
        assert_eq!((plain.tree.min_connections, plain.tree.connected_to), (Some(0), ConnectedTo::Global));
    }
}
