//! Where in the source an error belongs: under the argument or option that is wrong, not only at the call.

use super::catalogue::Catalogue;
use super::errors::ScriptError;
use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt};

/// A stretch of the source. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
    /// Number of characters.
    pub length: usize,
}

/// The place of an error; `None` when Rhai gave none. `ast` is that of `source`.
pub fn locate(error: &ScriptError, source: &str, ast: Option<&AST>, catalogue: &Catalogue) -> Option<Place> {
    let known = if error.position.is_none() {
        ast.zip(error.function.as_ref()).and_then(|(ast, name)| first_call(ast, name))
    } else {
        None
    };
    let call = past_dot(source, known.unwrap_or(error.position));
    let line = call.line()?;
    let fallback = Place { line, column: call.position().unwrap_or(1), length: 1 };
    let wide = |p: Position| {
        let (line, column) = (p.line()?, p.position().unwrap_or(1));
        Some(Place { line, column, length: length_at(source, line, column) })
    };
    let plain = wide(call).unwrap_or(fallback);
    let (Some(function), Some(parameter), Some(ast)) = (&error.function, &error.error.parameter, ast) else {
        return Some(plain);
    };
    let Some((receiver, arguments, last_is_map)) = find_call(ast, call, function, catalogue) else { return Some(plain) };
    // Parameters first: a native knows which of them is meant by its name.
    let natives = catalogue.natives.get(function.as_str()).map(Vec::as_slice).unwrap_or_default();
    for native in natives {
        if let Some(k) = native.parameters.iter().position(|p| p.name == parameter) {
            let place = match (&receiver, k) {
                (Some(receiver), 0) => *receiver,
                (Some(_), k) => arguments.get(k - 1).copied().unwrap_or(call),
                (None, k) => arguments.get(k).copied().unwrap_or(call),
            };
            return Some(wide(place).unwrap_or(plain));
        }
    }
    let map = arguments.last().copied().filter(|_| last_is_map);
    Some(map.and_then(|map| option_place(source, map, parameter)).unwrap_or(plain))
}

/// The first call of this name: Rhai forgets the place of a method that is not there.
fn first_call(ast: &AST, name: &str) -> Option<Position> {
    let mut found = None;
    ast.walk(&mut |path: &[ASTNode]| {
        if let Some(
            ASTNode::Expr(Expr::MethodCall(call, place) | Expr::FnCall(call, place)) | ASTNode::Stmt(Stmt::FnCall(call, place)),
        ) = path.last()
            && call.name == name
        {
            found = Some(*place);
        }
        found.is_none()
    });
    found
}

/// Rhai names the dot or the bracket; people look for what stands behind it.
fn past_dot(source: &str, place: Position) -> Position {
    let (Some(line), Some(column)) = (place.line(), place.position()) else { return place };
    let text: Vec<char> = source.lines().nth(line - 1).map(|l| l.chars().collect()).unwrap_or_default();
    let skip = text.iter().skip(column - 1).take_while(|c| matches!(**c, '.' | '?' | '[') || c.is_whitespace()).count();
    let moved = column + skip;
    let starts_here = matches!(text.get(column - 1), Some('.' | '?' | '['));
    match (starts_here && moved <= text.len(), u16::try_from(line), u16::try_from(moved)) {
        (true, Ok(line), Ok(moved)) => Position::new(line, moved),
        _ => place,
    }
}

/// The call at this position: receiver, places of the arguments, whether the last is a map.
fn find_call(ast: &AST, at: Position, function: &str, catalogue: &Catalogue) -> Option<(Option<Position>, Vec<Position>, bool)> {
    let same =
        |name: &str| name == function || catalogue.natives.get(name).is_some_and(|all| all.iter().any(|n| n.name == function));
    let mut found = None;
    ast.walk(&mut |path: &[ASTNode]| {
        let call: Option<&FnCallExpr> = match path.last() {
            Some(ASTNode::Expr(Expr::FnCall(call, place) | Expr::MethodCall(call, place))) if *place == at => Some(call),
            Some(ASTNode::Stmt(Stmt::FnCall(call, place))) if *place == at => Some(call),
            _ => None,
        };
        let Some(call) = call.filter(|call| same(&call.name)) else { return true };
        let is_method = matches!(path.last(), Some(ASTNode::Expr(Expr::MethodCall(..))));
        let receiver = path.iter().rev().skip(1).find_map(|node| match node {
            ASTNode::Expr(Expr::Dot(pair, ..)) if is_method => Some(pair.lhs.start_position()),
            _ => None,
        });
        let is_map = |e: &Expr| matches!(e, Expr::Map(..)) || matches!(e, Expr::DynamicConstant(v, _) if v.is_map());
        let last = call.args.last().is_some_and(is_map);
        found = Some((receiver, call.args.iter().map(Expr::start_position).collect(), last));
        false
    });
    found
}

/// The name of an option in the map that begins here; constant maps keep no places of their own, so the text is searched.
fn option_place(source: &str, map: Position, name: &str) -> Option<Place> {
    let (mut line, mut column) = (map.line()?, map.position().unwrap_or(1));
    let lines: Vec<Vec<char>> = source.lines().map(|l| l.chars().collect()).collect();
    let mut depth = 0i32;
    let mut in_text: Option<char> = None;
    while line <= lines.len() {
        let text = &lines[line - 1];
        while column <= text.len() {
            let c = text[column - 1];
            match (in_text, c) {
                (Some(_), '\\') => column += 1,
                (Some(quote), c) if c == quote => in_text = None,
                (Some(_), _) => {}
                (None, '"' | '`') => in_text = Some(c),
                (None, '{' | '[' | '(') => depth += 1,
                (None, '}' | ']' | ')') => {
                    depth -= 1;
                    if depth <= 0 {
                        return None;
                    }
                }
                (None, c) if depth == 1 && is_word(c) => {
                    let word: String = text[column - 1..].iter().take_while(|c| is_word(**c)).collect();
                    let length = word.chars().count();
                    let rest = text[column - 1 + length..].iter().collect::<String>();
                    if (word == name || super::convert::british(&word) == name) && rest.trim_start().starts_with(':') {
                        return Some(Place { line, column, length });
                    }
                    column += length - 1;
                }
                _ => {}
            }
            column += 1;
        }
        line += 1;
        column = 1;
    }
    None
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Number of characters of the word, number or text that stands here.
fn length_at(source: &str, line: usize, column: usize) -> usize {
    let Some(text) = source.lines().nth(line - 1) else { return 1 };
    let rest: Vec<char> = text.chars().skip(column - 1).collect();
    match rest.first() {
        Some('[' | '(' | '#') => bracketed(&rest),
        Some('-') => 1 + rest.iter().skip(1).take_while(|c| is_word(**c) || **c == '.').count(),
        Some('"') => rest.iter().skip(1).position(|c| *c == '"').map_or(1, |n| n + 2),
        Some(c) if c.is_ascii_digit() => rest.iter().take_while(|c| is_word(**c) || **c == '.').count(),
        Some(c) if is_word(*c) => rest.iter().take_while(|c| is_word(**c)).count(),
        _ => 1,
    }
}

/// Number of characters up to the closing bracket, 1 when it stands on another line.
fn bracketed(rest: &[char]) -> usize {
    let mut depth = 0;
    for (k, c) in rest.iter().enumerate() {
        match c {
            '[' | '(' | '{' => depth += 1,
            ']' | ')' | '}' => {
                depth -= 1;
                if depth == 0 {
                    return k + 1;
                }
            }
            _ => {}
        }
    }
    1
}
