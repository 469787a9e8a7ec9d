//! The program itself: named arguments of a script, help, warnings, folders, what the process uses.

use crate::base::usage::usage;
use crate::base::{Error, Kind, Result};
use crate::script::api::{Arguments, Call, Dynamic, IntoValue, Native, Object, Type};
use crate::script::convert::british;
use crate::script::engine::script_head;
use crate::script::{help, stdlib};

const GROUP: &str = "Program";

/// Functions and methods.
pub fn natives() -> Vec<Native> {
    vec![
        Native::new("help", "Prints what there is to know of a name; without one lists everything.")
            .group(GROUP)
            .takes_optional("name", "text", "A function, a type, `Type.method`, or words for what is wanted.")
            .example("help(\"help\")", "", 0.0)
            .run(|call, args| {
                let text = if args.has(0) { help::help(&args.text(0)?, call.catalogue())? } else { help::contents(call.catalogue()) };
                call.print(&text.to_plain());
                Ok(())
            }),
        Native::new("args", "Declares the named arguments of a script: each field is a name with its default, given on the command line as --name value. --help lists them.")
            .group(GROUP)
            .takes("defaults", "a map #{…}", "Names and defaults; true and false make a switch.")
            .returns("an object with a field for each name")
            .example("args(#{steps: 100}).steps", "100", 0.0)
            .run(args_of_script),
        Native::new("warn", "Tells the person something on stderr; --quiet silences it.")
            .group(GROUP)
            .takes("text", "text", "What to say.")
            .run(|call, args| {
                call.run().warn(&args.text(0)?);
                Ok(())
            }),
        Native::new("make_folder", "Makes a folder, with those above it; one that is there stays as it is.")
            .group(GROUP)
            .takes("path", "the path of a folder", "Where.")
            .example("make_folder(\"FOLDER/runs/1\"); save([1], \"FOLDER/runs/1/a.csv\"); load_csv(\"FOLDER/runs/1/a.csv\", #{target: ()}).len", "1", 0.0)
            .run(|call, args| {
                let path = args.path(0)?;
                call.may_write(&path)?;
                std::fs::create_dir_all(&path).map_err(|reason| Error::file(&path, reason))
            }),
        Native::new("usage", "What the program has used since it began: processor time of all threads, and the most memory at once. NaN where the system does not tell.")
            .group(GROUP)
            .returns("an object: cpu_seconds, peak_memory (MiB)")
            .example("let before = usage().cpu_seconds; basin_hop(lennard_jones(7), #{steps: 20}); usage().cpu_seconds > before", "true", 0.0)
            .run(|_, _| {
                let used = usage();
                Ok(Object::new("Usage").field("cpu_seconds", used.cpu_seconds).field("peak_memory", used.peak_memory))
            }),
        Native::new("options_of", "For functions of the standard library: the options given, the declared defaults for the rest; an unknown option is an error.")
            .group(GROUP)
            .takes("function", "text", "The name of the function.")
            .takes("given", "a map #{…}", "What the caller gave.")
            .returns("a map of every option")
            .run(stdlib::options_of),
    ]
}

fn args_of_script(call: &Call, args: Arguments) -> Result<Object> {
    let defaults = args.map(0)?;
    let given = &call.environment().arguments;
    let mut values = defaults.clone();
    for (name, text) in &call.environment().shared {
        let plain = name.replace('-', "_");
        if let Some(default) = defaults.get(plain.as_str()) {
            values.insert(plain.into(), read(name, text, default)?);
        }
    }
    let mut k = 0;
    while k < given.len() {
        let Some(word) = given[k].strip_prefix("--") else {
            k += 1;
            continue;
        };
        let (asked, attached) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value.to_string())));
        if asked == "help" {
            let head = std::fs::read_to_string(&call.environment().script).map(|text| script_head(&text)).unwrap_or_default();
            call.print(&help::script(&call.environment().script, &head, Some(&defaults), call.catalogue()).to_plain());
            return Err(call.leave());
        }
        let plain = asked.replace('-', "_");
        let name = [plain.clone(), british(&plain)].into_iter().find(|n| defaults.contains_key(n.as_str()));
        let Some(name) = name else {
            let known = defaults.keys().map(|k| format!("--{}", k.replace('_', "-"))).collect::<Vec<_>>().join(", ");
            let error = Error::new(Kind::Name, format!("args: the script has no argument --{asked}"));
            let near = crate::base::nearest(&plain, defaults.keys().map(|k| k.as_str()));
            return Err(match near {
                Some(near) => error.hint(format!("did you mean --{}? It has {known}", near.replace('_', "-"))),
                None => error.hint(if known.is_empty() { "it has none".into() } else { format!("it has {known}") }),
            });
        };
        let default = &defaults[name.as_str()];
        let next = given.get(k + 1).filter(|next| !next.starts_with("--"));
        let text = match (attached, next, default.is_bool()) {
            (Some(text), ..) => text,
            (None, Some(next), true) if !matches!(next.as_str(), "true" | "false") => "true".into(),
            (None, Some(next), _) => {
                k += 1;
                next.clone()
            }
            (None, None, true) => "true".into(),
            (None, None, false) => {
                return Err(Error::value(format!("args: --{asked} needs a value ({})", help::argument_kind(default))));
            }
        };
        values.insert(name.into(), read(asked, &text, default)?);
        k += 1;
    }
    Ok(values.into_iter().fold(Object::new("Arguments"), |object, (name, value)| object.field(name.to_string(), value)))
}

/// The text of an argument as the type of its default.
fn read(name: &str, text: &str, default: &Dynamic) -> Result<Dynamic> {
    let wrong = || Error::new(Kind::Type, format!("args: --{name} takes {}, found \"{text}\"", help::argument_kind(default)));
    let plain = text.replace('_', "");
    if default.is_int() {
        let whole = plain
            .parse::<i64>()
            .ok()
            .or_else(|| plain.parse::<f64>().ok().filter(|v| v.fract() == 0.0 && v.abs() < 9e15).map(|v| v as i64));
        return whole.map(Dynamic::from).ok_or_else(wrong);
    }
    if default.is_float() {
        return plain.parse::<f64>().map(Dynamic::from).map_err(|_| wrong());
    }
    if default.is_bool() {
        return text.parse::<bool>().map(Dynamic::from).map_err(|_| wrong());
    }
    if default.is_array() {
        let items = text.split(',').map(str::trim).filter(|t| !t.is_empty());
        let read_one = |t: &str| match (t.parse::<i64>(), t.parse::<f64>()) {
            (Ok(whole), _) => Dynamic::from(whole),
            (_, Ok(real)) => Dynamic::from(real),
            _ => t.to_string().into(),
        };
        return Ok(items.map(read_one).collect::<rhai::Array>().into_value());
    }
    Ok(text.to_string().into())
}

/// Types of values.
pub fn types() -> Vec<Type> {
    Vec::new()
}
