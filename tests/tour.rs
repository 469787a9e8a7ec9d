//! docs/tour.md: every line that it types is typed into a session, and every answer and picture that it shows comes back.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// A line of the tour with the lines that go on with it, and the answer that the page shows.
struct Said {
    /// Line of the page.
    line: usize,
    typed: String,
    answer: String,
}

/// What the page types: in blocks marked `losscape`, `> ` begins a line and `. ` goes on with it.
fn conversation(page: &str) -> Vec<Said> {
    let mut all: Vec<Said> = Vec::new();
    let mut within = false;
    for (k, line) in page.lines().enumerate() {
        match (within, line) {
            (false, "```losscape") => within = true,
            (true, "```") => within = false,
            (true, line) => match (line.strip_prefix("> "), line.strip_prefix(". "), all.last_mut()) {
                (Some(typed), ..) => all.push(Said { line: k + 1, typed: typed.into(), answer: String::new() }),
                (None, Some(more), Some(last)) => last.typed += &format!("\n{more}"),
                (None, None, Some(last)) => last.answer += &format!("{line}\n"),
                _ => panic!("docs/tour.md:{}: an answer before any line was typed", k + 1),
            },
            _ => {}
        }
    }
    all
}

/// Whether two answers say the same: numbers to six digits, all else to the letter, `…` at the end of a line stands for its rest.
fn same(shown: &str, given: &str) -> bool {
    let number = |word: &str| word.trim_matches(|c: char| ",;()[]".contains(c)).parse::<f64>().ok();
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs().max(b.abs()).max(1e-6);
    let line = |(shown, given): (&str, &str)| {
        let (mut a, mut b) = (shown.split_whitespace(), given.split_whitespace());
        loop {
            match (a.next(), b.next()) {
                (None, None) => return true,
                (Some("…"), _) => return true,
                (Some(x), Some(y)) if x == y => {}
                (Some(x), Some(y)) if matches!((number(x), number(y)), (Some(x), Some(y)) if close(x, y)) => {}
                _ => return false,
            }
        }
    };
    shown.lines().count() == given.lines().count() && shown.lines().zip(given.lines()).all(line)
}

/// Width and height of a PNG.
fn size_of(picture: &Path) -> Option<[u8; 8]> {
    std::fs::read(picture).ok()?.get(16..24)?.try_into().ok()
}

#[test]
fn the_tour_is_as_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/tour.md")).expect("the tour");
    let conversation = conversation(&page);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("tour")).expect("a folder for pictures");
    let mut child = Command::new("sh")
        .args(["-c", "exec \"$0\" --quiet --seed 1 --threads 1 2>&1", env!("CARGO_BIN_EXE_losscape")])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let lines: String = conversation.iter().enumerate().map(|(k, said)| format!("{}\nprint(\"§{k}§\");\n", said.typed)).collect();
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("a thread").expect("all was typed");
    let mut rest = String::from_utf8(output.stdout).expect("UTF-8");
    let mut complaints = Vec::new();
    for (k, said) in conversation.iter().enumerate() {
        let (given, behind) =
            rest.split_once(&format!("§{k}§\n")).unwrap_or_else(|| panic!("line {} got no answer: {rest}", said.line));
        if !same(&said.answer, given) {
            complaints.push(format!("docs/tour.md:{}: {}\nshown:\n{}given:\n{given}", said.line, said.typed, said.answer));
        }
        rest = behind.to_string();
    }
    for name in page.split("](tour/").skip(1).filter_map(|rest| rest.split(')').next()) {
        let (there, drawn) = (size_of(&root.join("docs/tour").join(name)), size_of(&folder.path().join("tour").join(name)));
        if there.is_none() || there != drawn {
            complaints.push(format!("docs/tour/{name} is not the picture that the tour draws"));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn answers_are_compared_as_they_are_meant() {
    assert!(same("a 1.0000001\n", "a 1.0\n") && same("x …\n", "x y z\n") && same("[1.0, 2.5]\n", "[1.0, 2.5000001]\n"));
    assert!(
        !same("a 1.001\n", "a 1.0\n") && !same("a\n", "a\nb\n") && !same("a b\n", "a\n") && !same("1 minimum\n", "1 minima\n")
    );
    let said = conversation("text\n```losscape\n> a\n. b\n1\n> c\n```\n> no\n");
    assert_eq!(
        said.iter().map(|s| (s.line, s.typed.as_str(), s.answer.as_str())).collect::<Vec<_>>(),
        [(3, "a\nb", "1\n"), (6, "c", "")]
    );
}
