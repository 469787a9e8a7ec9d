//! Habits from Python, Rust and others that the language does not share: one clear line that says what to write instead.

use crate::base::{Error, Kind};
use rhai::{LexError, ParseError, ParseErrorType, Position};

/// Words that are none of ours, what is wrong with them and what to write instead.
const WORDS: &[(&str, &str, &str)] = &[
    ("and", "`and` is no operator here", "it is &&: a > 0 && b > 0"),
    ("or", "`or` is no operator here", "it is ||: a > 0 || b > 0"),
    ("not", "`not` is no operator here", "it is !: !found"),
    ("def", "`def` declares nothing here", "a function is fn name(x) { … }, its value the last expression"),
    ("function", "`function` declares nothing here", "a function is fn name(x) { … }, its value the last expression"),
    ("func", "`func` declares nothing here", "a function is fn name(x) { … }, its value the last expression"),
    ("lambda", "`lambda` makes no closure here", "a closure is |x| x * 2"),
    ("elif", "`elif` is no word of the language", "it is else if: if a { … } else if b { … }"),
    ("elseif", "`elseif` is no word of the language", "it is else if: if a { … } else if b { … }"),
    ("mut", "`mut` is not needed", "every variable can be changed: let x = 1; x = 2"),
    ("var", "`var` declares nothing here", "a variable is declared with let: let x = 1"),
    ("pass", "`pass` is not needed", "a block may be empty: { }"),
    ("match", "`match` is no word of the language", "it is switch x { 1 => …, _ => … }"),
    ("case", "`case` is no word of the language", "it is switch x { 1 => …, _ => … }"),
    ("class", "there are no classes", "a map holds named values: let point = #{x: 1, y: 2}"),
    ("struct", "there are no classes", "a map holds named values: let point = #{x: 1, y: 2}"),
    ("del", "`del` is no word of the language", "a field goes with map.remove(\"name\"), an element with array.remove(0)"),
    ("raise", "`raise` is no word of the language", "an error is thrown: throw \"what is wrong\""),
    ("pi", "there is no variable `pi`", "it is PI()"),
    ("PI", "there is no variable `PI`", "it is PI()"),
    ("except", "`except` is no word of the language", "it is try { … } catch (e) { … }"),
    ("None", "there is no `None`", "nothing is written ()"),
    ("nil", "there is no `nil`", "nothing is written ()"),
    ("null", "there is no `null`", "nothing is written ()"),
    ("undefined", "there is no `undefined`", "nothing is written ()"),
    ("True", "there is no `True`", "it is true, in small letters"),
    ("False", "there is no `False`", "it is false, in small letters"),
    ("self", "there is no `self`", "inside a method that a map holds its map is `this`"),
    ("np", "there is no numpy", "vector([…]), matrix([[…]]), zeros(n) and their methods are built in: help(\"vector\")"),
    ("math", "there is no module `math`", "the functions stand by themselves: sqrt(x), exp(x), PI()"),
];

/// Symbols that are none of ours.
const SYMBOLS: &[(&str, &str, &str)] = &[
    ("#", "`#` begins no comment here", "comments begin with //; a map is #{a: 1}"),
    ("++", "`++` is no operator here", "write i += 1"),
    ("--", "`--` is no operator here", "write i -= 1, or a - (-b)"),
    ("===", "`===` is no operator here", "it is =="),
    ("!==", "`!==` is no operator here", "it is !="),
    (":=", "`:=` declares nothing here", "a variable is declared with let: let x = 1"),
    ("->", "types are not written", "a function is fn name(x) { … }, a closure |x| x * 2"),
    ("...", "`...` is no operator here", "a range is 0..10 (without 10) or 0..=10 (with it)"),
    ("~", "`~` is no operator here", "not is !"),
    ("@", "`@` is no operator here", "a product of matrices or vectors is a.dot(b)"),
    ("?", "`?` is no operator here", "a choice is if a { b } else { c }"),
];

/// Functions of other languages, and what does it here.
const FUNCTIONS: &[(&str, &str)] = &[
    ("println", "print(x) writes a line; values in a text: print(`x is ${x}`)"),
    ("printf", "print(x) writes a line; values in a text: print(`x is ${x}`)"),
    ("format", "values in a text: `x is ${x}`; fixed(x, 3) has three decimals"),
    ("range", "it takes both ends: range(0, 10), or 0..10"),
    ("enumerate", "a loop counts itself: for (x, k) in list { … }"),
    ("str", "it is x.to_string()"),
    ("string", "it is x.to_string()"),
    ("int", "it is to_int(x)"),
    ("float", "it is to_float(x)"),
    ("list", "an array is [1, 2, 3]"),
    ("dict", "a map is #{a: 1}"),
    ("vec", "an array is [1, 2, 3], a vector vector([1, 2, 3])"),
    ("append", "it is list.push(x)"),
    ("assert", "write if !(condition) { throw \"what is wrong\" }"),
    ("isinstance", "type_of(x) is the name of its type"),
    ("typeof", "type_of(x) is the name of its type"),
];

/// What to write instead of a function of another language.
pub fn function(name: &str) -> Option<&'static str> {
    FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, instead)| *instead)
}

/// What is meant, where a habit is behind the mistake, and where it stands.
pub fn explain(error: &ParseError, text: &str) -> Option<(Error, Position)> {
    let at = error.position();
    let (line, column) = (at.line()?, at.position().unwrap_or(1));
    let letters: Vec<char> = text.lines().nth(line - 1).unwrap_or_default().chars().collect();
    let split = (column - 1).min(letters.len());
    let before: String = letters[..split].iter().collect();
    let rest: String = letters[split..].iter().collect();
    let found = |message: &str, hint: &str| Some((Error::new(Kind::Script, message).hint(hint), at));
    let entry = |word: &str| WORDS.iter().find(|(known, ..)| *known == word);
    match error.err_type() {
        ParseErrorType::VariableUndefined(name) => {
            if let Some((_, message, hint)) = entry(name) {
                return Some((Error::new(Kind::Name, *message).hint(*hint), at));
            }
            let behind = rest.strip_prefix(name.as_str()).unwrap_or_default().trim_start();
            let is_first = before.trim().is_empty() || before.trim_end().ends_with([';', '{', '}']);
            if is_first && behind.starts_with('=') && !behind.starts_with("==") {
                let message = format!("there is no variable `{name}` yet");
                return Some((Error::new(Kind::Name, message).hint(format!("`let {name} = …` declares it")), at));
            }
            if before.trim() == "import" {
                return found("a module is a file", "write import \"file\" as m for file.rhai beside this script");
            }
            if behind.starts_with('"') && name == "f" {
                return found("texts with values in them stand in backquotes", "write `x is ${x}`");
            }
            return None;
        }
        ParseErrorType::Reserved(symbol) | ParseErrorType::UnknownOperator(symbol) => {
            if let Some((_, message, hint)) = SYMBOLS.iter().find(|(known, ..)| known == symbol) {
                return found(message, hint);
            }
            if symbol == "print" {
                return found("arguments stand in brackets", "write print(\"…\")");
            }
        }
        ParseErrorType::BadInput(LexError::MalformedChar(_)) => {
            return found("'…' holds a single character", "texts stand in double quotes: \"text\"");
        }
        ParseErrorType::BadInput(LexError::ImproperSymbol(symbol, _)) => {
            if let Some((_, message, hint)) = SYMBOLS.iter().find(|(known, ..)| known == symbol) {
                return found(message, hint);
            }
        }
        ParseErrorType::BadInput(LexError::Runtime(_)) => return None,
        _ => {}
    }
    // The word where reading stopped, or the one before: `a and b` stops at `and`, `def f` at `f`.
    let is_part = |c: &char| c.is_alphanumeric() || *c == '_';
    let here: String = rest.chars().take_while(is_part).collect();
    let last: String = {
        let reversed: String = before.trim_end().chars().rev().take_while(is_part).collect();
        reversed.chars().rev().collect()
    };
    let first: String = before.trim_start().trim_start_matches(['}', ' ']).chars().take_while(is_part).collect();
    for (word, length_before) in
        [(&here, 0), (&last, before.chars().count() - before.trim_end().chars().count() + last.chars().count()), (&first, 0)]
    {
        let Some((_, message, hint)) = entry(word) else { continue };
        let start = match (word == &here, word == &first && word != &last) {
            (true, _) => column,
            (_, true) => 1 + before.chars().take_while(|c| c.is_whitespace() || *c == '}').count(),
            _ => column - length_before,
        };
        let place = u16::try_from(line).ok().zip(u16::try_from(start).ok()).map_or(at, |(l, c)| Position::new(l, c));
        return Some((Error::new(Kind::Script, *message).hint(*hint), place));
    }
    if rest.starts_with('"') && last == "f" {
        return found("texts with values in them stand in backquotes", "write `x is ${x}`");
    }
    let missing = match error.err_type() {
        ParseErrorType::MissingToken(token, _) => token.as_str(),
        _ => "",
    };
    if rest.starts_with(':') && ["let", "const", "fn"].contains(&first.as_str()) && missing != "{" {
        return found("types are not written", "let x = 3; fn f(x) { … }");
    }
    if missing == "{" || (rest.starts_with(':') && ["if", "else", "for", "while"].contains(&first.as_str())) {
        return found("blocks stand in braces", "if a { … } else { … }, for x in list { … }, while a { … }");
    }
    if rest.starts_with(':') && before.matches('[').count() > before.matches(']').count() {
        return found("a part of a vector is no a:b here", "a range is 1..3 (without 3): v[1..3]");
    }
    if rest.starts_with(',') && missing == ";" {
        return found("one variable is declared at a time", "let a = 1; let b = 2");
    }
    if rest.starts_with("=>") {
        return found("`=>` makes no closure here", "a closure is |x| x * 2");
    }
    if rest.starts_with('&') {
        return found("there are no references", "a value is passed as it is; what is large is shared by itself");
    }
    if rest.starts_with('.') && rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit()) {
        return found("a number begins with a digit", "write 0.5 for .5");
    }
    if first == "for" && before.trim_start().trim_start_matches("for").trim_start().starts_with('(') {
        return found("a loop goes through something", "for i in 0..10 { … }; while i < 10 { … } has a condition");
    }
    if here == "for" && before.contains('[') {
        return found("an array is not made by a `for` inside it", "list.map(|x| x * 2) and list.filter(|x| x > 0) make arrays");
    }
    if here == "if" && !before.trim().is_empty() {
        return found("a condition stands before its value", "a choice is if a { b } else { c }");
    }
    if missing == ";" && before.trim().is_empty() && line > 1 {
        let above = text.lines().take(line - 1).enumerate().filter(|(_, l)| !l.trim().is_empty()).last();
        let (above, written) = above.map_or((line - 1, ""), |(k, l)| (k + 1, l.trim_end()));
        if written.contains("//") && written.ends_with([';', ')']) {
            return found(
                "the statement before has no end: `//` begins a comment",
                "the whole part of a quotient is floor(a / b)",
            );
        }
        return found("the statement before has no end", &format!("put ; at the end of line {above}"));
    }
    None
}
