//! From a call in a script to the native it means: every name is registered once for each number of arguments, the type of the first decides.

use super::api::{Arguments, Call, Environment, Native, Object};
use super::catalogue::Catalogue;
use super::convert::with_article;
use super::errors::{READ_ONLY, Raised, raise};
use super::values::Table;
use crate::base::{Error, Kind, Result, nearest};
use rhai::{Dynamic, Engine, EvalAltResult, FuncRegistration, Map, Module, NativeCallContext, Position, RhaiFunc};
use std::any::TypeId;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

type Outcome = std::result::Result<Dynamic, Box<EvalAltResult>>;

/// What the registered functions share.
#[derive(Clone)]
pub struct Shared {
    pub catalogue: Arc<Catalogue>,
    pub environment: Arc<Environment>,
}

/// Registers every native, every field and the access to members by name.
pub fn register(engine: &mut Engine, shared: &Shared) {
    let mut module = Module::new();
    let mut getters: BTreeSet<&'static str> = BTreeSet::new();
    for (name, candidates) in &shared.catalogue.natives {
        let arities: BTreeSet<usize> = candidates.iter().flat_map(|n| n.required()..=n.most()).collect();
        for arity in arities {
            add_function(&mut module, name, arity, shared);
        }
        if candidates.iter().any(|n| !n.on.is_empty() && n.required() == 1) {
            getters.insert(name);
        }
    }
    for known in shared.catalogue.types.values() {
        getters.extend(known.fields.iter().map(|f| f.name));
    }
    for name in getters {
        if !shared.catalogue.natives.get(name).is_some_and(|all| all.iter().any(|n| n.required() <= 1)) {
            add_function(&mut module, name, 1, shared);
        }
        let here = shared.clone();
        let get = move |context: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| {
            let context = context.ok_or("a field is read outside a script")?;
            member(&context, &here, arguments[0], name)
        };
        FuncRegistration::new_getter(name).set_into_module_raw(&mut module, [TypeId::of::<Dynamic>()], by_reference(get, true));
    }
    let here = shared.clone();
    let any_member = move |context: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| {
        let context = context.ok_or("a field is read outside a script")?;
        match arguments[1].as_immutable_string_ref().map(|name| name.to_string()) {
            Ok(name) => member(&context, &here, arguments[0], &name),
            Err(_) => {
                let message = format!(
                    "{} cannot be indexed with {}",
                    here.catalogue.describe(arguments[0]),
                    here.catalogue.describe(arguments[1])
                );
                Err(raise(Error::new(Kind::Type, message), ""))
            }
        }
    };
    let any = [TypeId::of::<Dynamic>(); 3];
    FuncRegistration::new_index_getter().set_into_module_raw(&mut module, &any[..2], by_reference(any_member, true));
    let here = shared.clone();
    let set = move |_: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| -> Outcome {
        let target = here.catalogue.describe(arguments[0]);
        if arguments[1].is_string() {
            // After `value.field.len()` Rhai writes the field back, whatever `len` did; only this error says that it need not.
            // A real assignment comes out as "No writable property", which `errors` puts into words.
            return Err(Box::new(EvalAltResult::ErrorIndexingType(target, Position::NONE)));
        }
        let message = format!("the elements of {target} cannot be changed");
        Err(raise(Error::new(Kind::Type, message).hint(READ_ONLY), ""))
    };
    FuncRegistration::new("index$set$").set_into_module_raw(&mut module, any, by_reference(set, false));
    engine.register_global_module(module.into());
    missing_functions(engine, shared);
}

/// A registered function that gets its first argument by reference and leaves it as it is.
pub fn by_reference(
    body: impl Fn(Option<NativeCallContext>, &mut [&mut Dynamic]) -> Outcome + Send + Sync + 'static,
    is_pure: bool,
) -> RhaiFunc {
    RhaiFunc::Method { func: Arc::new(body), has_context: true, is_pure, is_volatile: true }
}

fn add_function(module: &mut Module, name: &'static str, arity: usize, shared: &Shared) {
    let here = shared.clone();
    let body = move |context: Option<NativeCallContext>, arguments: &mut [&mut Dynamic]| {
        let context = context.ok_or("a native is called outside a script")?;
        let values: Vec<Dynamic> = arguments.iter_mut().map(|a| std::mem::take(*a).flatten()).collect();
        call(&context, &here, name, values)
    };
    // Pure: a method that is called on a part of something must not make Rhai write that part back.
    let function = RhaiFunc::Pure { func: Arc::new(body), has_context: true, is_pure: true, is_volatile: true };
    FuncRegistration::new(name).in_global_namespace().set_into_module_raw(module, vec![TypeId::of::<Dynamic>(); arity], function);
}

/// Calls what `name` means for these values: a field of the first, a method of its type, a function.
pub fn call(context: &NativeCallContext, shared: &Shared, name: &str, values: Vec<Dynamic>) -> Outcome {
    let first = values.first().map(|v| shared.catalogue.type_name(v));
    if let Some(native) = shared.catalogue.find(name, first.as_deref()) {
        return run_native(context, shared, name, &native.clone(), values);
    }
    match values.as_slice() {
        [only] => member(context, shared, only, name),
        _ => {
            let found = values.first().map_or_else(|| "nothing".into(), |v| shared.catalogue.describe(v));
            Err(raise(not_on(name, &found, &shared.catalogue), name))
        }
    }
}

/// A method called on a type that has none of this name.
fn not_on(name: &str, found: &str, catalogue: &Catalogue) -> Error {
    let all = catalogue.natives.get(name);
    let owners: Vec<String> = all
        .into_iter()
        .flatten()
        .flat_map(|n| n.on.iter().map(|on| with_article(on)))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    Error::new(Kind::Type, format!("{name} belongs to {}, found {found}", owners.join(" or "))).at("self")
}

fn run_native(context: &NativeCallContext, shared: &Shared, name: &str, native: &Native, mut values: Vec<Dynamic>) -> Outcome {
    let has_map = native.takes_options && values.len() > native.required() && values.last().is_some_and(Dynamic::is_map);
    let map = if has_map { values.pop().and_then(|v| v.try_cast::<Map>()) } else { None };
    if values.len() < native.required() || values.len() > native.parameters.len() {
        let extra = values.last().filter(|_| values.len() > native.parameters.len()).cloned();
        return Err(raise(wrong_count(native, values.len(), extra, &shared.catalogue), name));
    }
    let call =
        Call { context, environment: &shared.environment, catalogue: &shared.catalogue, name, failure: RefCell::new(None) };
    let mut arguments = Arguments { native, catalogue: &shared.catalogue, values, map };
    match arguments.check_options().and_then(|()| (native.body)(&call, arguments)) {
        Ok(value) => Ok(value),
        Err(error) => Err(pass_on(error, &call, native.name)),
    }
}

/// An error leaves a native: that of a closure with its own place, one of the native under its name.
fn pass_on(mut error: Error, call: &Call, function: &str) -> Box<EvalAltResult> {
    let inside = match call.failure.take() {
        Some((seen, thrown)) if seen == error => return thrown,
        // The native has said more of it: `annotate: at minimum 1: …`.
        Some((seen, thrown)) if error.message.contains(&seen.message) => Some(thrown),
        _ => None,
    };
    let named = error.message.starts_with(function) || error.message.starts_with(call.name());
    if !named && !error.is_stop() {
        error.message = format!("{function}: {}", error.message);
    }
    match inside {
        Some(thrown) => say_instead(thrown, error),
        None => raise(error, function),
    }
}

/// The error of a closure with another sentence: its place and the way to it stay.
fn say_instead(mut thrown: Box<EvalAltResult>, error: Error) -> Box<EvalAltResult> {
    let mut inner = &mut *thrown;
    while let EvalAltResult::ErrorInFunctionCall(_, _, below, _) | EvalAltResult::ErrorInModule(_, below, _) = inner {
        inner = below;
    }
    let place = inner.position();
    *inner = *raise(error, "");
    inner.set_position(place);
    thrown
}

/// The error for too few or too many arguments; names what is missing and the signature.
pub fn wrong_count(native: &Native, given: usize, extra: Option<Dynamic>, catalogue: &Catalogue) -> Error {
    let receiver = usize::from(!native.on.is_empty());
    let hint = format!("it is {}", native.signature());
    if given < native.required() {
        let missing: Vec<String> =
            native.parameters.iter().filter(|p| !p.optional).skip(given).map(|p| format!("`{}` ({})", p.name, p.takes)).collect();
        return Error::new(Kind::Type, format!("{} needs {}", native.name, missing.join(" and "))).hint(hint);
    }
    if let (Some(extra), true, true) = (&extra, native.takes_options, given == native.most()) {
        return Error::new(Kind::Type, format!("{}: options are a map #{{…}}, found {}", native.name, catalogue.describe(extra)))
            .hint(hint);
    }
    let most = native.parameters.len() - receiver;
    let plural = if most == 1 { "" } else { "s" };
    Error::new(Kind::Type, format!("{} takes {most} argument{plural}, found {}", native.name, given - receiver)).hint(hint)
}

/// `value.name`: a field of its type, of the object, a column of the table, or a method without arguments.
fn member(context: &NativeCallContext, shared: &Shared, value: &Dynamic, name: &str) -> Outcome {
    if let Some(field) = value.read_lock::<Object>().and_then(|object| object.get(name).cloned()) {
        return Ok(field);
    }
    if let Some(column) = value.read_lock::<Table>().and_then(|table| table.column(name)) {
        return Ok(column);
    }
    let type_name = shared.catalogue.type_name(value);
    if let Some(field) = shared.catalogue.type_of(value).and_then(|known| known.fields.iter().find(|f| f.name == name)) {
        let call =
            Call { context, environment: &shared.environment, catalogue: &shared.catalogue, name, failure: RefCell::new(None) };
        return (field.get)(&call, value).map_err(|error| pass_on(error, &call, name));
    }
    let method = shared.catalogue.natives.get(name).and_then(|all| all.iter().find(|n| n.on.contains(&type_name.as_str())));
    match method {
        Some(native) if native.required() == 1 => run_native(context, shared, name, native, vec![value.clone().flatten()]),
        Some(native) => {
            let message = format!("{name} is a method with arguments: {}", native.signature());
            Err(raise(Error::new(Kind::Type, message), name))
        }
        None => Err(raise(no_member(shared, value, &type_name, name), name)),
    }
}

/// The error for a field that is not there: names the nearest one and all there are.
fn no_member(shared: &Shared, value: &Dynamic, type_name: &str, name: &str) -> Error {
    let mut known: Vec<String> = shared.catalogue.member_names(type_name).iter().map(|n| n.to_string()).collect();
    if let Some(object) = value.read_lock::<Object>() {
        known.splice(0..0, object.fields().map(|(name, _)| name.to_string()));
    }
    if let Some(table) = value.read_lock::<Table>() {
        known.splice(0..0, table.0.names().map(String::from));
    }
    let error = Error::new(Kind::Name, format!("{} has no field `{name}`", with_article(type_name)));
    let near = nearest(name, known.iter().map(String::as_str));
    // Of Rhai's own types only a part of the methods is ours: a list would mislead.
    let is_ours = value.is::<Object>() || value.is::<Table>() || shared.catalogue.type_of(value).is_some();
    let all = (is_ours && !known.is_empty()).then(|| known.join(", "));
    match (near, all) {
        (Some(near), Some(all)) => error.hint(format!("did you mean `{near}`? It has {all}")),
        (Some(near), None) => error.hint(format!("did you mean `{near}`?")),
        (None, Some(all)) => error.hint(format!("it has {all}")),
        (None, None) => error,
    }
}

/// Gives the calls that Rhai does not find an answer of ours.
fn missing_functions(engine: &mut Engine, shared: &Shared) {
    let here = shared.clone();
    // Rhai calls this after every failed call, not only for unknown names: whatever is known reports for itself.
    #[allow(deprecated)] // rhai marks what may change in a later version; the version is fixed
    engine.on_missing_function(move |name, arguments, is_method, context| {
        if name.contains('$') || !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return Ok(None);
        }
        if let Some(candidates) = here.catalogue.natives.get(name) {
            let fits = candidates.iter().any(|n| (n.required()..=n.most()).contains(&arguments.len()));
            if fits || arguments.iter().any(|a| a.read_lock::<Raised>().is_some()) {
                return Ok(None);
            }
            let first = arguments.first().map(|v| here.catalogue.type_name(v));
            let error = match here.catalogue.find(name, first.as_deref()) {
                Some(native) => wrong_count(native, arguments.len(), arguments.last().map(|v| (*v).clone()), &here.catalogue),
                None => not_on(
                    name,
                    &arguments.first().map_or_else(|| "nothing".into(), |v| here.catalogue.describe(v)),
                    &here.catalogue,
                ),
            };
            return Err(raise(error, name));
        }
        if is_builtin(context.engine(), name) {
            return Ok(None);
        }
        let error: Result<()> = match arguments.first().filter(|_| is_method) {
            Some(receiver) => {
                let type_name = here.catalogue.type_name(receiver);
                Err(no_member(&here, receiver, &type_name, name))
            }
            None => Err(super::errors::unknown_function(name, &here.catalogue)),
        };
        error.map(|()| None).map_err(|error| raise(error, name))
    });
}

/// Whether Rhai itself has a function of this name.
fn is_builtin(engine: &Engine, name: &str) -> bool {
    let start = format!("{name}(");
    engine.gen_fn_signatures(true).iter().any(|signature| signature.starts_with(&start))
}

#[cfg(test)]
mod tests {
    use crate::base::Kind;
    use crate::script::Failure;
    use crate::script::api::{Environment, Native, Object, Type};
    use crate::script::values::Vector;
    use crate::script::{Language, api::Dynamic};

    crate::options! {
        /// Options of a test.
        pub struct ProbeOptions {
            /// How often.
            times: usize = 1, AT_LEAST_ONE, "";
            /// A colour.
            colour: String = String::from("red"), ANY, "";
        }
    }

    #[derive(Clone)]
    struct Probe(f64);
    crate::handle!(Probe, "Probe");

    fn language() -> Language {
        let natives = vec![
            Native::new("probe", "Makes a probe.").takes("value", "a number", "").run(|_, args| Ok(Probe(args.real(0)?))),
            Native::new("halve", "Halves.").takes("values", "a vector", "").options::<ProbeOptions>().run(|_, mut args| {
                let values = args.vector(0)?.to_vec();
                let options: ProbeOptions = args.options()?;
                Ok(values.iter().map(|v| v / 2f64.powi(options.times as i32)).collect::<Vec<f64>>())
            }),
            Native::method("Probe", "plus", "Adds.")
                .takes("other", "a number", "")
                .run(|_, args| Ok(args.handle::<Probe>(0)?.0 + args.real(1)?)),
            Native::method("vector", "plus", "Adds to all.").takes("other", "a number", "").run(|_, args| {
                let other = args.real(1)?;
                Ok(args.vector(0)?.iter().map(|v| v + other).collect::<Vec<f64>>())
            }),
            Native::new("result", "An object.").run(|_, _| Ok(Object::new("Result").field("energy", 1.5))),
            Native::new("apply", "Calls a closure.")
                .takes("f", "a closure", "")
                .run(|call, args| call.real(&args.closure(0)?, [Dynamic::from(2.0)])),
        ];
        let types = vec![
            Type::of::<Probe>("A probe.").field("size", "Its size.", |_, p: &Probe| Ok(p.0)),
            Type::of::<Vector>("Numbers.").field("len", "Their number.", |_, v: &Vector| Ok(v.data.len())),
        ];
        Language::with(Environment::silent(), natives, types)
    }

    fn fails(script: &str) -> Failure {
        language().run(script).map(|v| v.to_string()).unwrap_err()
    }

    #[test]
    fn one_declaration_answers_every_form() {
        let language = language();
        for (script, value) in [
            ("probe(3).size", 3.0),
            ("probe(3).size()", 3.0),
            ("size(probe(3))", 3.0),
            ("probe(3).plus(1)", 4.0),
            ("plus(probe(3), 1.5)", 4.5),
            ("halve([4, 2.0], #{times: 2}).len", 2.0),
            ("[4, 2.0].halve().len()", 2.0),
            ("halve([4], #{color: \"blue\"}).plus(1).len", 1.0),
            ("result().energy", 1.5),
            ("apply(|x| x * 3.0)", 6.0),
        ] {
            let got = language.run(script).unwrap_or_else(|e| panic!("{script}: {}", e.error));
            assert_eq!(crate::script::convert::number(&got), Some(value), "{script}");
        }
    }

    #[test]
    fn errors_say_what_was_asked_and_found() {
        for (script, kind, words) in [
            ("probe(\"x\")", Kind::Type, "probe: `value` must be a number, found the text \"x\""),
            ("probe()", Kind::Type, "probe needs `value` (a number); it is probe(value)"),
            ("probe(1, 2)", Kind::Type, "probe takes 1 argument, found 2; it is probe(value)"),
            ("halve([1], 2)", Kind::Type, "halve: options are a map #{…}, found 2; it is halve(values, #{…})"),
            ("halve([1], #{time: 2})", Kind::Name, "halve has no option `time`; did you mean `times`? It has times, colour"),
            ("prob(1)", Kind::Name, "there is no function `prob`; did you mean `probe`?"),
            (
                "let r = result(); r.energy = 2.0;",
                Kind::Type,
                "the field `energy` cannot be changed; results are read-only; build a map #{…} or an array instead",
            ),
            ("result().enrgy", Kind::Name, "a Result has no field `enrgy`; did you mean `energy`? It has energy"),
            ("probe(1).sise", Kind::Name, "a Probe has no field `sise`; did you mean `size`? It has plus, size"),
            ("probe(1).plu(2)", Kind::Name, "a Probe has no field `plu`; did you mean `plus`? It has plus, size"),
            ("plus(\"a\", 1)", Kind::Type, "plus belongs to a Probe or a vector, found the text \"a\""),
            ("apply(|x| throw \"deep\")", Kind::Thrown, "deep"),
            ("apply(|x| \"text\")", Kind::Type, "apply: the closure must give a number, found the text \"text\""),
        ] {
            let error = fails(script);
            assert_eq!(error.error.to_string(), words, "{script}");
            assert_eq!(error.error.kind, kind, "{script}");
        }
    }

    #[test]
    fn errors_keep_their_place() {
        let place = |script: &str| fails(script).place.map(|p| (p.line, p.column, p.length));
        assert_eq!(place("let a = 1;\nprobe(\"x\")"), Some((2, 7, 3)));
        assert_eq!(place("probe(1).plus(\"ab\")"), Some((1, 15, 4)));
        assert_eq!(place("let v = [1];\nv.halve(#{times: 0})"), Some((2, 11, 5)));
        assert_eq!(place("halve([1], #{colour: \"times: \", time: 0})"), Some((1, 33, 4)));
        // That of a closure is where the closure failed.
        assert_eq!(place("apply(\n  |x| throw \"deep\")"), Some((2, 7, 5)));
    }
}
