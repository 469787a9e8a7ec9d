//! What may stand at the cursor: names, fields of the value at hand, options of the function being called, words of a choice, files.
//! Knows the session and the declarations; the line editor is elsewhere.

use super::api::{Native, Object};
use super::catalogue::Catalogue;
use super::lexer::{Class, KEYWORDS, Token, Tokens, tokens};
use super::session::Session;
use super::values::Table;
use crate::base::OptionEntry;
use rhai::{Array, Dynamic, Map, Scope};
use std::path::Path;
use std::sync::Arc;

/// One way to go on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// What the list shows: a signature, an option with its default.
    pub shown: String,
    /// What is put in place of the word begun.
    pub insert: String,
}

impl Candidate {
    fn plain(name: &str) -> Candidate {
        Candidate { shown: name.into(), insert: name.into() }
    }
}

/// Entries of a folder that are looked at: there are folders with millions.
const MOST_FILES: usize = 2_000;

/// The byte at which the word begun starts, and what it may become; in the order of the alphabet.
pub fn complete(text: &str, cursor: usize, session: &Session) -> (usize, Vec<Candidate>) {
    let before = &text[..cursor];
    let pieces = tokens(before);
    let catalogue = &session.language.catalogue;
    let solid: Vec<&Token> = pieces.solid().collect();
    if let Some(start) = pieces.open_text {
        let begun = &before[start + 1..];
        let words = match option_before(before, &pieces, start) {
            Some(name) => choices(before, &pieces, &name, catalogue),
            None if enclosing_call(before, &pieces, pieces.open.len()).is_some_and(|c| c.name == "help") => all_names(catalogue),
            None => Vec::new(),
        };
        return match words.is_empty() {
            true => files(begun, start + 1, session),
            false => sorted(start + 1, begun, words.iter().map(|w| Candidate::plain(w))),
        };
    }
    let (start, begun) = match solid.last() {
        Some(last) if last.end == cursor && matches!(last.class, Class::Word | Class::Keyword) => {
            (last.start, &before[last.start..])
        }
        _ => (cursor, ""),
    };
    let earlier: Vec<&Token> = solid.iter().copied().filter(|t| t.end <= start).collect();
    let word = |k: usize| earlier.len().checked_sub(k).and_then(|k| earlier.get(k)).map_or("", |t| &before[t.start..t.end]);
    if word(1) == "." && word(2) != "." {
        let members = receiver(before, &earlier[..earlier.len() - 1]).map(|chain| known(&chain, session).members(session));
        return sorted(start, begun, members.unwrap_or_default());
    }
    if let Some(&innermost) = pieces.open.last()
        && &before[pieces.all[innermost].start..pieces.all[innermost].end] == "#{"
        && matches!(word(1), "#{" | ",")
        && let Some(call) = enclosing_call(before, &pieces, pieces.open.len() - 1)
    {
        let given = |name: &str| given_options(before, &pieces, innermost).contains(&name);
        let options = call.natives(catalogue).flat_map(|n| n.options.clone()).filter(|o| !given(o.name));
        return sorted(start, begun, options.map(|o| Candidate { shown: option_line(&o), insert: format!("{}: ", o.name) }));
    }
    sorted(start, begun, names(session))
}

/// What is still to be given in the call that the cursor stands in, or what the option takes: shown behind the cursor.
pub fn hint(text: &str, session: &Session) -> Option<String> {
    let pieces = tokens(text);
    if pieces.open_text.is_some() {
        return None;
    }
    let innermost = *pieces.open.last()?;
    let catalogue = &session.language.catalogue;
    let is_map = &text[pieces.all[innermost].start..pieces.all[innermost].end] == "#{";
    if is_map {
        let last = pieces.solid().next_back()?;
        let name = option_before(text, &pieces, last.end).filter(|_| &text[last.start..last.end] == ":")?;
        let call = enclosing_call(text, &pieces, pieces.open.len() - 1)?;
        let option = call.natives(catalogue).flat_map(|n| n.options.iter()).find(|o| o.name == name)?;
        return Some(format!("{}{}", if text.ends_with(' ') { "" } else { " " }, option_line(option).split_once(": ")?.1));
    }
    let call = enclosing_call(text, &pieces, pieces.open.len())?;
    let native = call.natives(catalogue).next()?;
    let inside: Vec<&Token> = pieces.solid().filter(|t| t.start >= pieces.all[innermost].end).collect();
    let (mut depth, mut commas) = (0, 0);
    for token in &inside {
        match token.class {
            Class::Open => depth += 1,
            Class::Close => depth -= 1,
            _ if depth == 0 && &text[token.start..token.end] == "," => commas += 1,
            _ => {}
        }
    }
    let receiver = usize::from(call.is_method);
    let mut all: Vec<String> = native.parameters.iter().skip(receiver).map(|p| p.name.to_string()).collect();
    if native.takes_options {
        all.push("#{…}".into());
    }
    let begun = inside.last().is_some_and(|last| &text[last.start..last.end] != ",");
    let rest = all.get(commas + usize::from(begun)..).unwrap_or_default();
    match (begun, rest.is_empty()) {
        (true, true) => None,
        (true, false) => Some(format!(", {})", rest.join(", "))),
        (false, true) => None,
        (false, false) => Some(format!("{}{})", if commas > 0 && !text.ends_with(' ') { " " } else { "" }, rest.join(", "))),
    }
}

/// `tolerance: 1e-9 (energy per length)`
fn option_line(option: &OptionEntry) -> String {
    let default = if option.default.is_empty() { "()" } else { &option.default };
    let unit = if option.unit.is_empty() { String::new() } else { format!(" ({})", option.unit) };
    format!("{}: {default}{unit}", option.name)
}

/// Those that begin with what is begun; where none does, those that hold it.
fn sorted(start: usize, begun: &str, all: impl IntoIterator<Item = Candidate>) -> (usize, Vec<Candidate>) {
    let all: Vec<Candidate> = all.into_iter().collect();
    let with = |test: &dyn Fn(&str) -> bool| -> Vec<Candidate> { all.iter().filter(|c| test(&c.insert)).cloned().collect() };
    let mut found = with(&|insert| insert.starts_with(begun));
    if found.is_empty() && begun.len() > 1 {
        found = with(&|insert| insert.contains(begun));
    }
    found.sort();
    found.dedup_by(|a, b| a.insert == b.insert);
    (start, found)
}

/// Variables, functions, words of the language.
fn names(session: &Session) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = session.variables().keys().map(|name| Candidate::plain(name)).collect();
    all.extend(
        session.functions().iter().map(|(name, parameters)| Candidate {
            shown: format!("{name}({})", parameters.join(", ")),
            insert: format!("{name}("),
        }),
    );
    all.extend(session.modules().map(|name| Candidate { shown: format!("{name}::"), insert: format!("{name}::") }));
    for (name, natives) in &session.language.catalogue.natives {
        all.extend(natives.iter().filter(|n| n.on.is_empty() && n.name == *name).map(|n| function(n, &n.signature())));
    }
    all.extend(KEYWORDS.iter().map(|word| Candidate::plain(word)));
    all
}

fn function(native: &Native, signature: &str) -> Candidate {
    let bare = native.most() == usize::from(!native.on.is_empty());
    Candidate { shown: signature.into(), insert: format!("{}({}", native.name, if bare { ")" } else { "" }) }
}

/// Every name that help knows.
fn all_names(catalogue: &Catalogue) -> Vec<String> {
    let types = catalogue.types.values().map(|t| t.name);
    catalogue.natives.keys().copied().chain(types).map(String::from).collect()
}

/// A call that is being written.
struct OpenCall {
    name: String,
    is_method: bool,
}

impl OpenCall {
    fn natives<'a>(&self, catalogue: &'a Catalogue) -> impl Iterator<Item = &'a Arc<Native>> {
        let all = catalogue.natives.get(self.name.as_str()).into_iter().flatten();
        let is_method = self.is_method;
        all.filter(move |n| is_method || n.on.is_empty() || n.required() > 0)
    }
}

/// The innermost call among the first `depth` open brackets.
fn enclosing_call(source: &str, pieces: &Tokens, depth: usize) -> Option<OpenCall> {
    let &bracket = pieces.open.get(..depth)?.last()?;
    if &source[pieces.all[bracket].start..pieces.all[bracket].end] != "(" {
        return None;
    }
    let mut earlier = pieces.all[..bracket].iter().rev().filter(|t| !matches!(t.class, Class::Space | Class::Comment));
    let name = earlier.next().filter(|t| t.class == Class::Word)?;
    let is_method = earlier.next().is_some_and(|t| &source[t.start..t.end] == ".");
    Some(OpenCall { name: source[name.start..name.end].to_string(), is_method })
}

/// The option whose value begins at `at`: the word before the colon before it, in a map.
fn option_before(source: &str, pieces: &Tokens, at: usize) -> Option<String> {
    let &innermost = pieces.open.last()?;
    if &source[pieces.all[innermost].start..pieces.all[innermost].end] != "#{" {
        return None;
    }
    let earlier: Vec<&Token> = pieces.solid().filter(|t| t.end <= at).collect();
    let [.., name, colon] = earlier.as_slice() else { return None };
    (&source[colon.start..colon.end] == ":" && name.class == Class::Word).then(|| source[name.start..name.end].to_string())
}

/// Options that the map which begins at token `map` already has.
fn given_options<'a>(source: &'a str, pieces: &Tokens, map: usize) -> Vec<&'a str> {
    let solid: Vec<&Token> = pieces.all[map..].iter().filter(|t| !matches!(t.class, Class::Space | Class::Comment)).collect();
    let pairs = solid.windows(2).filter(|w| w[0].class == Class::Word && &source[w[1].start..w[1].end] == ":");
    pairs.map(|w| &source[w[0].start..w[0].end]).collect()
}

fn choices(source: &str, pieces: &Tokens, option: &str, catalogue: &Catalogue) -> Vec<String> {
    let Some(call) = enclosing_call(source, pieces, pieces.open.len() - 1) else { return Vec::new() };
    let options = call.natives(catalogue).flat_map(|n| n.options.iter()).filter(|o| o.name == option);
    options.flat_map(|o| o.choices.iter().map(|c| c.0.to_string())).collect()
}

/// Files and folders that the text begun may mean.
fn files(begun: &str, start: usize, session: &Session) -> (usize, Vec<Candidate>) {
    let (folder, name) = begun.rsplit_once('/').map_or(("", begun), |(folder, name)| (&begun[..folder.len() + 1], name));
    let path = Path::new(if folder.is_empty() { "." } else { folder });
    let permissions = &session.language.environment.permissions;
    let entries = permissions.may_read(path).ok().and_then(|()| std::fs::read_dir(path).ok());
    let candidates = entries.into_iter().flatten().flatten().take(MOST_FILES).filter_map(|entry| {
        let mut name = entry.file_name().into_string().ok()?;
        if entry.file_type().ok()?.is_dir() {
            name.push('/');
        }
        Some(Candidate::plain(&name))
    });
    let visible = candidates.filter(|c| name.starts_with('.') || !c.insert.starts_with('.'));
    sorted(start + folder.len(), name, visible)
}

/// A step from a value to a part of it, as it is written.
#[derive(Debug, PartialEq)]
enum Step {
    Variable(String),
    Text,
    Field(String),
    /// An element; which one is not always known before the line runs.
    Element(usize),
    Call(String),
}

/// What stands before a dot, from its beginning; `None` where it is no chain of names, calls and indices.
fn receiver(source: &str, earlier: &[&Token]) -> Option<Vec<Step>> {
    let text = |k: usize| &source[earlier[k].start..earlier[k].end];
    let mut steps = Vec::new();
    let mut k = earlier.len();
    loop {
        k = k.checked_sub(1)?;
        match earlier[k].class {
            Class::Text => {
                steps.push(Step::Text);
                break;
            }
            Class::Close => {
                let open = opening(earlier, k)?;
                match text(open) {
                    "[" if open > 0 && !matches!(earlier[open - 1].class, Class::Operator | Class::Open | Class::Keyword) => {
                        let index = if k == open + 2 { text(open + 1).parse().unwrap_or(0) } else { 0 };
                        steps.push(Step::Element(index));
                        k = open;
                        continue;
                    }
                    "(" if open > 0 && earlier[open - 1].class == Class::Word => {
                        steps.push(Step::Call(text(open - 1).to_string()));
                        k = open - 1;
                    }
                    _ => return None,
                }
            }
            Class::Word if k > 0 && text(k - 1) == "." => steps.push(Step::Field(text(k).to_string())),
            Class::Word => steps.push(Step::Variable(text(k).to_string())),
            _ => return None,
        }
        if k == 0 || text(k - 1) != "." {
            break;
        }
        k -= 1;
    }
    steps.reverse();
    Some(steps)
}

/// The bracket that the one at `close` closes.
fn opening(earlier: &[&Token], close: usize) -> Option<usize> {
    let mut depth = 0;
    for k in (0..=close).rev() {
        match earlier[k].class {
            Class::Close => depth += 1,
            Class::Open => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(k);
        }
    }
    None
}

/// What is known of a value before the line runs.
enum Known {
    Value(Dynamic),
    /// Its type.
    Type(String),
    /// Its fields, as the function that makes it declares them.
    Fields(Vec<String>),
    Nothing,
}

fn known(chain: &[Step], session: &Session) -> Known {
    let mut known = Known::Nothing;
    for step in chain {
        known = match (step, known) {
            (Step::Variable(name), _) => session.variable(name).map_or(Known::Nothing, |v| Known::Value(v.flatten_clone())),
            (Step::Text, _) => Known::Type("text".into()),
            (Step::Field(name), Known::Value(value)) => field(&value, name, session),
            (Step::Element(k), Known::Value(value)) => {
                value.read_lock::<Array>().and_then(|a| a.get(*k).or(a.first()).cloned()).map_or(Known::Nothing, Known::Value)
            }
            (Step::Call(name), before) => given_by(name, &before.type_name(session), session),
            _ => Known::Nothing,
        };
    }
    known
}

/// A field of a value. What a type computes is computed: it is what the line would do next.
fn field(value: &Dynamic, name: &str, session: &Session) -> Known {
    if let Some(field) = value.read_lock::<Object>().and_then(|object| object.get(name).cloned()) {
        return Known::Value(field);
    }
    if let Some(entry) = value.read_lock::<Map>().and_then(|map| map.get(name).cloned()) {
        return Known::Value(entry);
    }
    let catalogue = &session.language.catalogue;
    let is_field = catalogue.type_of(value).is_some_and(|t| t.fields.iter().any(|f| f.name == name));
    if !is_field {
        return given_by(name, &catalogue.type_name(value), session);
    }
    let mut scope = Scope::new();
    scope.push_dynamic("it", value.clone());
    let found = session.language.engine.eval_expression_with_scope::<Dynamic>(&mut scope, &format!("it.{name}"));
    found.map_or(Known::Nothing, Known::Value)
}

/// What a function gives, read from its declaration: a type, or fields.
fn given_by(name: &str, on: &str, session: &Session) -> Known {
    let catalogue = &session.language.catalogue;
    let Some(native) = catalogue.find(name, Some(on)) else { return Known::Nothing };
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    let first = native.returns.trim_start_matches("a ").trim_start_matches("an ").trim_start_matches("the ");
    let word: String = first.chars().take_while(|c| is_letter(*c)).collect();
    if !catalogue.member_names(&word).is_empty() {
        return Known::Type(word);
    }
    let mut depth = 0;
    let outside: String = native
        .returns
        .chars()
        .filter(|c| {
            depth += i32::from(*c == '(') - i32::from(*c == ')');
            depth == 0 && *c != ')'
        })
        .collect();
    let fields: Vec<String> = outside.split(',').map(|f| f.trim().to_string()).collect();
    match fields.iter().all(|f| !f.is_empty() && f.chars().all(is_letter)) && fields.len() > 1 {
        true => Known::Fields(fields),
        false => Known::Nothing,
    }
}

impl Known {
    fn type_name(&self, session: &Session) -> String {
        match self {
            Known::Value(value) => session.language.catalogue.type_name(value),
            Known::Type(name) => name.clone(),
            _ => String::new(),
        }
    }

    /// What may stand behind the dot.
    fn members(&self, session: &Session) -> Vec<Candidate> {
        let catalogue = &session.language.catalogue;
        let mut all: Vec<Candidate> = Vec::new();
        match self {
            Known::Value(value) => {
                if let Some(object) = value.read_lock::<Object>() {
                    all.extend(object.fields().map(|(name, _)| Candidate::plain(name)));
                } else if let Some(table) = value.read_lock::<Table>() {
                    all.extend(table.0.names().map(Candidate::plain));
                } else if let Some(map) = value.read_lock::<Map>() {
                    all.extend(map.keys().map(|key| Candidate::plain(key)));
                }
            }
            Known::Fields(names) => all.extend(names.iter().map(|name| Candidate::plain(name))),
            _ => {}
        }
        let type_name = self.type_name(session);
        if type_name.is_empty() {
            return all;
        }
        let fields = catalogue.types.values().filter(|t| t.name == type_name).flat_map(|t| &t.fields);
        all.extend(fields.map(|f| Candidate::plain(f.name)));
        for (name, natives) in &catalogue.natives {
            let methods = natives.iter().filter(|n| n.name == *name && n.on.contains(&type_name.as_str()));
            all.extend(methods.map(|n| function(n, n.signature().rsplit_once('.').map_or("", |(_, call)| call))));
        }
        all.extend(
            session
                .builtin_methods(&type_name)
                .into_iter()
                .map(|name| Candidate { shown: format!("{name}(…)"), insert: format!("{name}(") }),
        );
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Language;
    use crate::script::api::Environment;

    fn session() -> Session {
        let mut session = Session::new(Language::new(Environment::silent()));
        drop(
            session
                .run("let found = basin_hop(muller_brown(), #{steps: 2}); let m = minimise(muller_brown(), [-0.5, 1.4]);")
                .unwrap(),
        );
        drop(
            session
                .run("let t = table(#{value: [1, 2]}); let map = #{alpha: #{beta: 1}}; let list = [m]; fn my_own(a, b) { a }")
                .unwrap(),
        );
        session
    }

    /// What may be put at the end of the text.
    fn inserts(text: &str, session: &Session) -> Vec<String> {
        complete(text, text.len(), session).1.into_iter().map(|c| c.insert).collect()
    }

    #[test]
    fn thirty_beginnings_find_what_they_mean() {
        let s = session();
        for (text, expected) in [
            ("mini", "minimise("),
            ("let x = fo", "found"),
            ("my_", "my_own("),
            ("loc", "locality_scan("),
            ("wh", "while"),
            ("found.mi", "minima"),
            ("found.", "global_minimum"),
            ("found.global_minimum.", "energy"),
            ("found.minima[0].po", "position"),
            ("m.", "termination"),
            ("m.pos", "position"),
            ("m.position.", "norm()"),
            ("list[0].en", "energy"),
            ("t.", "value"),
            ("map.", "alpha"),
            ("map.alpha.", "beta"),
            ("list.pu", "push("),
            ("\"text\".to_", "to_upper("),
            ("lennard_jones(7).hes", "hessian("),
            ("basin_hop(p).mini", "minima"),
            ("minimise(a, b).rms", "rms_gradient"),
            ("minimise(p, x, #{tol", "tolerance: "),
            ("minimise(p, x, #{tolerance: 1e-6, met", "method: "),
            ("minimise(p, [1, 2], #{method: \"lb", "lbfgs"),
            ("basin_hop(p, #{", "steps: "),
            ("print(mini", "minimise("),
            ("f(found.co", "counts"),
            ("help(\"dne", "dneb"),
            ("nope(#{a: 1}) + mull", "muller_brown()"),
            ("`energy ${m.en", "energy"),
        ] {
            let found = inserts(text, &s);
            assert!(found.iter().any(|i| i == expected), "{text}: {found:?}");
        }
        assert!(!inserts("minimise(p, x, #{tolerance: 1, t", &s).contains(&"tolerance: ".to_string()), "an option is given once");
        assert!(inserts("nothing_known.", &s).is_empty() && inserts("0..", &s).len() > 50);
    }

    #[test]
    fn options_show_default_and_unit() {
        let s = session();
        let (start, all) = complete("minimise(p, x, #{tol", 20, &s);
        assert_eq!((start, all[0].shown.as_str()), (17, "tolerance: 1e-9 (energy per length)"));
        assert_eq!(hint("minimise(", &s).unwrap(), "potential, start, #{…})");
        assert_eq!(hint("minimise(p", &s).unwrap(), ", start, #{…})");
        assert_eq!(hint("minimise(p, [1, 2], ", &s).unwrap(), "#{…})");
        assert_eq!(hint("found.add(", &s).unwrap(), "minimum)");
        assert_eq!(hint("minimise(p, x, #{tolerance: ", &s).unwrap(), "1e-9 (energy per length)");
        assert_eq!(hint("1 + 2", &s), None);
    }

    #[test]
    fn files_are_found_by_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("data.csv"), "").unwrap();
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        let path = folder.path().display();
        let s = session();
        assert_eq!(inserts(&format!("load_csv(\"{path}/d"), &s), ["data.csv", "deep/"]);
        assert!(inserts("load_csv(\"/no/such/folder/x", &s).is_empty());
    }
}
