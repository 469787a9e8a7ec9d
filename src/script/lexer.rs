//! The pieces of a script as it is typed: for colours, completion, and to know what is still open. Rhai's own reader stops at the
//! first mistake, and a line that is being typed is full of them.

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Space,
    Comment,
    Text,
    Number,
    Word,
    Keyword,
    Operator,
    Open,
    Close,
}

/// One piece: bytes `start..end` of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub class: Class,
    pub start: usize,
    pub end: usize,
}

/// Words of the language itself.
pub const KEYWORDS: [&str; 25] = [
    "as", "break", "catch", "const", "continue", "do", "else", "export", "false", "fn", "for", "if", "import", "in", "let",
    "loop", "private", "return", "switch", "this", "throw", "true", "try", "until", "while",
];

/// A source taken apart.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    pub all: Vec<Token>,
    /// Opening brackets that nothing has closed yet, as places in `all`, the innermost last.
    pub open: Vec<usize>,
    /// The end lies within a text: where it begins, its quote included.
    pub open_text: Option<usize>,
    open_comment: bool,
}

/// What encloses the place that is being read.
enum Frame {
    Bracket(usize),
    /// Text between back-ticks, where `${…}` holds script again.
    Template(usize),
}

/// Takes a source apart; whatever it holds.
pub fn tokens(source: &str) -> Tokens {
    let mut found = Tokens::default();
    let mut frames: Vec<Frame> = Vec::new();
    let bytes = source.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let class = if let Some(Frame::Template(_)) = frames.last() {
            template(bytes, &mut at, &mut frames, found.all.len())
        } else {
            plain(source, &mut at, &mut frames, &mut found)
        };
        found.all.push(Token { class, start, end: at });
    }
    if let Some(Frame::Template(start)) = frames.last() {
        found.open_text = Some(*start);
    }
    found.open = frames.iter().filter_map(|frame| if let Frame::Bracket(token) = frame { Some(*token) } else { None }).collect();
    found
}

/// Within back-ticks: text up to the closing one or the next `${`.
fn template(bytes: &[u8], at: &mut usize, frames: &mut Vec<Frame>, token: usize) -> Class {
    let start = *at;
    while *at < bytes.len() {
        if bytes[*at] == b'`' {
            *at += 1;
            frames.pop();
            return Class::Text;
        }
        if bytes[*at..].starts_with(b"${") {
            if *at > start {
                return Class::Text;
            }
            *at += 2;
            frames.push(Frame::Bracket(token));
            return Class::Open;
        }
        *at += 1;
    }
    Class::Text
}

fn plain(source: &str, at: &mut usize, frames: &mut Vec<Frame>, found: &mut Tokens) -> Class {
    let bytes = source.as_bytes();
    let start = *at;
    let rest = &source[start..];
    let letter = rest.chars().next().unwrap_or(' ');
    *at += letter.len_utf8();
    let mut run = |wanted: &dyn Fn(char) -> bool| *at = start + rest.find(|c| !wanted(c)).unwrap_or(rest.len());
    match letter {
        c if c.is_whitespace() => {
            run(&char::is_whitespace);
            Class::Space
        }
        '/' if rest.starts_with("//") => {
            run(&|c| c != '\n');
            Class::Comment
        }
        '/' if rest.starts_with("/*") => {
            let (length, closed) = block_comment(rest);
            *at = start + length;
            found.open_comment |= !closed;
            Class::Comment
        }
        '"' | '\'' => {
            let (length, closed) = quoted(rest, letter);
            *at = start + length;
            if !closed && *at == bytes.len() {
                found.open_text = Some(start);
            }
            Class::Text
        }
        '`' => {
            frames.push(Frame::Template(start));
            Class::Text
        }
        '0'..='9' => {
            *at = start + number(rest);
            Class::Number
        }
        c if c.is_alphabetic() || c == '_' => {
            run(&|c| c.is_alphanumeric() || c == '_');
            if KEYWORDS.contains(&&source[start..*at]) { Class::Keyword } else { Class::Word }
        }
        '#' if rest.starts_with("#{") => {
            *at = start + 2;
            frames.push(Frame::Bracket(found.all.len()));
            Class::Open
        }
        '(' | '[' | '{' => {
            frames.push(Frame::Bracket(found.all.len()));
            Class::Open
        }
        ')' | ']' | '}' => {
            if matches!(frames.last(), Some(Frame::Bracket(_))) {
                frames.pop();
            }
            Class::Close
        }
        _ => Class::Operator,
    }
}

/// Length of a block comment, which may hold others, and whether it is closed.
fn block_comment(rest: &str) -> (usize, bool) {
    let bytes = rest.as_bytes();
    let (mut at, mut depth) = (0, 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return (at, true);
            }
        } else {
            at += 1;
        }
    }
    (bytes.len(), false)
}

/// Length of a quoted text and whether it is closed; it ends with its line, unless a backslash stands there.
fn quoted(rest: &str, quote: char) -> (usize, bool) {
    let mut escaped = false;
    for (k, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' => return (k, false),
            c if c == quote => return (k + c.len_utf8(), true),
            _ => {}
        }
    }
    (rest.len(), false)
}

/// Length of a number: `1_000`, `0xff`, `1.5e-3`, but of `0..5` only the first digit.
fn number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digits = |mut at: usize| {
        while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
            // The sign of an exponent belongs to the number.
            let exponent = matches!(bytes[at], b'e' | b'E') && !rest.starts_with("0x");
            at += 1;
            if exponent && at + 1 < bytes.len() && matches!(bytes[at], b'+' | b'-') && bytes[at + 1].is_ascii_digit() {
                at += 1;
            }
        }
        at
    };
    let end = digits(0);
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) { digits(end + 1) } else { end }
}

impl Tokens {
    /// Pieces that mean something.
    pub fn solid(&self) -> impl DoubleEndedIterator<Item = &Token> {
        self.all.iter().filter(|t| !matches!(t.class, Class::Space | Class::Comment))
    }

    /// Whether more must come: an open bracket, text over several lines or comment, an operator at the end.
    pub fn wants_more(&self, source: &str) -> bool {
        let across_lines = self.open_text.is_some_and(|start| source[start..].starts_with('`') || source.ends_with('\\'));
        if !self.open.is_empty() || across_lines || self.open_comment {
            return true;
        }
        let Some(last) = self.solid().next_back() else { return false };
        match &source[last.start..last.end] {
            "else" | "in" | "=" => true,
            // `x++` and the like are mistakes to be told, not to be waited for.
            "+" | "-" | "*" | "/" | "%" | "&" | "|" | "<" | ">" | "," | "." | ":" => {
                let before = self.solid().rev().nth(1);
                before.is_some_and(|b| b.end == last.start || b.class != Class::Operator)
                    && !source[..last.end].ends_with("++")
                    && !source[..last.end].ends_with("--")
            }
            _ => false,
        }
    }

    /// The bracket that belongs to the one at byte `at`.
    pub fn partner(&self, source: &str, at: usize) -> Option<usize> {
        let mut open: Vec<&Token> = Vec::new();
        for token in &self.all {
            match token.class {
                Class::Open => open.push(token),
                Class::Close => {
                    let begin = open.pop()?;
                    let fits = matches!(
                        (source[..begin.end].chars().next_back()?, source[token.start..].chars().next()?),
                        ('(', ')') | ('[', ']') | ('{', '}')
                    );
                    if fits && (begin.start..begin.end).contains(&at) {
                        return Some(token.start);
                    }
                    if fits && token.start == at {
                        return Some(begin.end - 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(source: &str) -> Vec<(Class, &str)> {
        tokens(source).solid().map(|t| (t.class, &source[t.start..t.end])).collect()
    }

    #[test]
    fn every_byte_belongs_to_one_piece() {
        for source in [
            "let x = #{a: [1, 2.5e-3], b: `t ${x + \"}\"} u`}; // end",
            "\"open",
            "é'ü",
            "/* a /* b */",
            "0..5",
            "`${`${1}`",
            "\\\u{0}€)",
        ] {
            let all = tokens(source).all;
            assert_eq!(all.iter().map(|t| &source[t.start..t.end]).collect::<String>(), source);
            assert!(all.windows(2).all(|w| w[0].end == w[1].start), "{source}");
        }
    }

    #[test]
    fn pieces_have_their_class() {
        assert_eq!(
            classes("let n = 1e-3*v[0..n]"),
            [
                (Class::Keyword, "let"),
                (Class::Word, "n"),
                (Class::Operator, "="),
                (Class::Number, "1e-3"),
                (Class::Operator, "*"),
                (Class::Word, "v"),
                (Class::Open, "["),
                (Class::Number, "0"),
                (Class::Operator, "."),
                (Class::Operator, "."),
                (Class::Word, "n"),
                (Class::Close, "]"),
            ]
        );
        assert_eq!(classes("`a${b}c`").iter().filter(|c| c.0 == Class::Text).count(), 3);
    }

    #[test]
    fn knows_when_more_must_come() {
        for open in [
            "f(",
            "#{a: 1",
            "if x {",
            "[1, 2",
            "`two lines",
            "`a ${b",
            "/* note",
            "1 +",
            "a = ",
            "x,",
            "if a { b } else",
            "\"a \\",
            "v.",
            "a ||",
            "f(|x| {",
            "a **",
        ] {
            assert!(tokens(open).wants_more(open), "{open}");
        }
        for whole in [
            "f()",
            "",
            "// note",
            "\"a ( b\"",
            "'(",
            "x)",
            "`a ${b}`",
            "1 + 1",
            "i++",
            "f(\")\")",
            "let x = 3;",
            "}",
            "0..5",
            "\"open",
        ] {
            assert!(!tokens(whole).wants_more(whole), "{whole}");
        }
    }

    #[test]
    fn brackets_find_their_partners() {
        let source = "f(#{a: [1]}, \")\")";
        let find = |at| tokens(source).partner(source, at);
        assert_eq!(
            (find(1), find(3), find(7), find(9), find(10), find(16)),
            (Some(16), Some(10), Some(9), Some(7), Some(3), Some(1))
        );
        assert_eq!(tokens("(]").partner("(]", 0), None);
    }
}
