//! Rust source as words with their lines: enough to find paths, macros and keywords, without comments and strings in the way.

/// A word, number or sign (`::` and `//` comments joined) of a source file.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub text: String,
    pub line: usize,
    /// Inside an item marked `#[cfg(test)]` or `#[test]`.
    pub test: bool,
}

/// The tokens of a source, without comments, strings, characters and lifetimes.
pub fn tokens(source: &str) -> Vec<Token> {
    let s: Vec<char> = source.chars().collect();
    let at = |i: usize| s.get(i).copied().unwrap_or('\0');
    let mut found = Vec::new();
    let (mut i, mut line) = (0, 1);
    while i < s.len() {
        let c = s[i];
        let start = i;
        if c == '/' && at(i + 1) == '/' {
            while i < s.len() && s[i] != '\n' {
                i += 1;
            }
            continue;
        } else if c == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            loop {
                if at(i) == '/' && at(i + 1) == '*' {
                    (depth, i) = (depth + 1, i + 2);
                } else if at(i) == '*' && at(i + 1) == '/' {
                    (depth, i) = (depth - 1, i + 2);
                } else {
                    i += 1;
                }
                if depth == 0 || i >= s.len() {
                    break;
                }
            }
        } else if let Some(end) = raw_string(&s, i) {
            i = end;
        } else if c == '"' || (matches!(c, 'b' | 'c') && at(i + 1) == '"') {
            i += if c == '"' { 1 } else { 2 };
            while i < s.len() && s[i] != '"' {
                i += if s[i] == '\\' { 2 } else { 1 };
            }
            i += 1;
        } else if c == '\'' {
            // 'x' and '\n' are characters, 'x without an end is a lifetime.
            if at(i + 1) == '\\' {
                i += 3;
                while i < s.len() && s[i] != '\'' {
                    i += 1;
                }
                i += 1;
            } else if at(i + 2) == '\'' {
                i += 3;
            } else {
                i += 1;
                while at(i).is_alphanumeric() || at(i) == '_' {
                    i += 1;
                }
            }
        } else if c.is_alphanumeric() || c == '_' {
            while at(i).is_alphanumeric() || at(i) == '_' {
                i += 1;
            }
            found.push(Token { text: s[start..i].iter().collect(), line, test: false });
        } else {
            i += if c == ':' && at(i + 1) == ':' { 2 } else { 1 };
            if !c.is_whitespace() {
                found.push(Token { text: s[start..i].iter().collect(), line, test: false });
            }
        }
        line += s[start..i.min(s.len())].iter().filter(|&&c| c == '\n').count();
    }
    mark_tests(&mut found);
    found
}

/// The end of the raw string that begins at i, if one does: r"…", br#"…"#.
fn raw_string(s: &[char], start: usize) -> Option<usize> {
    let mut i = start;
    if matches!(s.get(i), Some('b' | 'c')) {
        i += 1;
    }
    if s.get(i) != Some(&'r') || (start > 0 && (s[start - 1].is_alphanumeric() || s[start - 1] == '_')) {
        return None;
    }
    i += 1;
    let hashes = s[i..].iter().take_while(|&&c| c == '#').count();
    i += hashes;
    if s.get(i) != Some(&'"') {
        return None;
    }
    i += 1;
    while i < s.len() {
        if s[i] == '"' && s[i + 1..].iter().take_while(|&&c| c == '#').count() >= hashes {
            return Some(i + 1 + hashes);
        }
        i += 1;
    }
    Some(s.len())
}

/// Marks the items behind `#[cfg(test)]`, `#[cfg(all(test, …))]` and `#[test]`: to the closing brace or the semicolon.
fn mark_tests(tokens: &mut [Token]) {
    let mut i = 0;
    while i + 2 < tokens.len() {
        if tokens[i].text != "#" || tokens[i + 1].text != "[" {
            i += 1;
            continue;
        }
        let close = (i..tokens.len()).find(|&k| tokens[k].text == "]").unwrap_or(tokens.len());
        let words: Vec<&str> = tokens[i + 2..close].iter().map(|t| t.text.as_str()).collect();
        let test = words == ["test"] || (words.first() == Some(&"cfg") && words.contains(&"test") && !words.contains(&"not"));
        if !test {
            i = close;
            continue;
        }
        let mut depth = 0;
        let mut k = close + 1;
        while k < tokens.len() {
            tokens[k].test = true;
            match tokens[k].text.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 && matches!(tokens[k].text.as_str(), "}" | ";") {
                break;
            }
            k += 1;
        }
        i = k;
    }
}

/// A path that a source names, from the crate's root where it is one of ours: `["math", "Matrix"]`, or `["rhai", "Engine"]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    pub segments: Vec<String>,
    /// Begins at the root of this crate; otherwise a foreign crate or a name in scope.
    pub ours: bool,
    pub line: usize,
    pub test: bool,
}

/// Every path of two or more segments and every `use`, with `super`, `self` and inline modules resolved. `module` is where the file stands.
pub fn paths(tokens: &[Token], module: &[String]) -> Vec<Path> {
    let mut found = Vec::new();
    // Inline modules that are open: name and the depth of braces at which each was opened.
    let mut inline: Vec<(String, usize)> = Vec::new();
    let (mut depth, mut i) = (0, 0);
    while i < tokens.len() {
        let here: Vec<String> = module.iter().cloned().chain(inline.iter().map(|(name, _)| name.clone())).collect();
        let text = tokens[i].text.as_str();
        let next = |k: usize| tokens.get(i + k).map_or("", |t| t.text.as_str());
        match text {
            "mod" if next(2) == "{" => {
                inline.push((next(1).to_string(), depth));
                depth += 1;
                i += 3;
            }
            "{" => {
                depth += 1;
                i += 1;
            }
            "}" => {
                depth -= 1;
                if inline.last().is_some_and(|(_, d)| *d == depth) {
                    inline.pop();
                }
                i += 1;
            }
            "use" => i = use_tree(tokens, i + 1, &[], &here, &mut found),
            _ if next(1) == "::" && is_word(text) && (i == 0 || tokens[i - 1].text != "::") => {
                let first = i;
                let mut segments = vec![text.to_string()];
                while tokens.get(i + 1).is_some_and(|t| t.text == "::") && tokens.get(i + 2).is_some_and(|t| is_word(&t.text)) {
                    segments.push(tokens[i + 2].text.clone());
                    i += 2;
                }
                i += 1;
                found.push(resolve(segments, &here, &tokens[first]));
            }
            _ => i += 1,
        }
    }
    found
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// One tree of a `use`, nested braces and all; returns the place behind it.
fn use_tree(tokens: &[Token], mut i: usize, prefix: &[String], here: &[String], found: &mut Vec<Path>) -> usize {
    let mut segments = prefix.to_vec();
    let start = i;
    while let Some(token) = tokens.get(i) {
        match token.text.as_str() {
            "::" => i += 1,
            "{" => {
                i += 1;
                while tokens.get(i).is_some_and(|t| t.text != "}") {
                    i = use_tree(tokens, i, &segments, here, found);
                    if tokens.get(i).is_some_and(|t| t.text == ",") {
                        i += 1;
                    }
                }
                return i + 1;
            }
            "as" => i += 2,
            "," | "}" | ";" => break,
            word => {
                segments.push(word.to_string());
                i += 1;
            }
        }
    }
    if i > start {
        found.push(resolve(segments, here, &tokens[start]));
    }
    if tokens.get(i).is_some_and(|t| t.text == ";") { i + 1 } else { i.max(start + usize::from(i == start)) }
}

fn resolve(segments: Vec<String>, here: &[String], token: &Token) -> Path {
    let mut base: Option<Vec<String>> = None;
    let mut rest = segments.as_slice();
    loop {
        match rest.first().map(String::as_str) {
            Some("crate" | "losscape") if base.is_none() => base = Some(Vec::new()),
            Some("self") if base.is_none() => base = Some(here.to_vec()),
            Some("super") => {
                let mut up = base.take().unwrap_or_else(|| here.to_vec());
                up.pop();
                base = Some(up);
            }
            _ => break,
        }
        rest = &rest[1..];
    }
    let ours = base.is_some();
    let mut full = base.unwrap_or_default();
    full.extend(rest.iter().cloned());
    Path { segments: full, ours, line: token.line, test: token.test }
}
