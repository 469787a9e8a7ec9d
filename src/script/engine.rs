//! The engine: Rhai with our limits, operators, natives and standard library.

use super::api::{Environment, Native, Type};
use super::call::Permissions;
use super::catalogue::Catalogue;
use super::check;
use super::dispatch::{self, Shared};
use super::errors::{Raised, ScriptError, Step, from_parse, from_rhai, index_error, raise};
use super::place::{Place, locate};
use super::tokens::Reader;
use super::{help, operators, stdlib, traced};
use crate::base::text::Text;
use crate::base::{Error, Kind};
use rhai::module_resolvers::FileModuleResolver;
use rhai::{
    AST, ASTNode, Array, Dynamic, Engine, EvalAltResult, Expr, Map, Module, ModuleResolver, OptimizationLevel, Position, Scope,
    Stmt,
};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

/// How deep calls of script functions may be nested.
pub const DEEPEST_CALL: usize = 256;
/// How deep expressions and blocks may be nested.
const DEEPEST_EXPRESSION: usize = 200;
/// Characters of a text, elements of an array, fields of a map.
const LONGEST_TEXT: usize = 256 << 20;
const LONGEST_ARRAY: usize = 20_000_000;
const LARGEST_MAP: usize = 2_000_000;
/// Characters of a script: reading takes more than linear time for some constructs.
pub const LONGEST_SCRIPT: usize = 4 << 20;
/// What a script may compute in safe mode.
const SAFE_OPERATIONS: u64 = 100_000_000;
/// Stack that running a script may need in the worst case that the limits allow.
pub const STACK: usize = 1 << 30;

/// A script with its name.
#[derive(Clone, Debug)]
pub struct Script {
    /// The file, or a word like `-e` for text given on the command line.
    pub name: String,
    pub text: String,
}

impl From<&str> for Script {
    /// A script that is no file.
    fn from(text: &str) -> Script {
        Script { name: "script".into(), text: text.into() }
    }
}

/// An error with everything that its display needs.
#[derive(Clone, Debug)]
pub struct Failure {
    pub error: Error,
    pub file: String,
    pub place: Option<Place>,
    /// The line of the source at the place.
    pub line: Option<String>,
    /// The places that the call went through, the innermost first.
    pub way: Vec<Step>,
}

impl Failure {
    /// An error that belongs to no line of the file.
    pub fn nowhere(error: Error, file: &str) -> Failure {
        Failure { error, file: file.into(), place: None, line: None, way: Vec::new() }
    }
}

/// The language, ready to run scripts.
pub struct Language {
    pub(super) engine: Engine,
    reader: Reader,
    modules: Arc<RwLock<FileModuleResolver>>,
    pub catalogue: Arc<Catalogue>,
    pub environment: Arc<Environment>,
}

impl Language {
    /// The language with everything that is bound.
    pub fn new(environment: Environment) -> Language {
        Language::with(environment, super::bindings::natives(), super::bindings::types())
    }

    /// The language once more, for another thread of the same program.
    pub(super) fn sharing(environment: Arc<Environment>) -> Language {
        Language::made(environment, super::bindings::natives(), super::bindings::types())
    }

    /// The language with these natives and types: for tests of the keystone.
    pub fn with(environment: Environment, natives: Vec<Native>, types: Vec<Type>) -> Language {
        Language::made(Arc::new(environment), natives, types)
    }

    fn made(environment: Arc<Environment>, natives: Vec<Native>, types: Vec<Type>) -> Language {
        let mut engine = Engine::new();
        let reader = Reader::default();
        // First: Rhai's own limits are tighter in debug builds, and a file of the library must not be refused by them.
        limits(&mut engine, environment.permissions.safe);
        let library = stdlib::read(&engine);
        let mut catalogue = Catalogue::new(natives, types);
        library.declare(&mut catalogue);
        let catalogue = Arc::new(catalogue);
        let shared = Shared { catalogue: catalogue.clone(), environment: environment.clone() };
        operators::register(&mut engine);
        traced::register(&mut engine);
        dispatch::register(&mut engine, &shared);
        let modules = Arc::new(RwLock::new(FileModuleResolver::new()));
        hooks(&mut engine, &shared, &modules);
        library.register(&mut engine);
        reader.attach(&mut engine);
        Language { engine, reader, modules, catalogue, environment }
    }

    /// Reads a script and resolves its names; runs nothing. The mistakes in the order of the source.
    pub fn check(&self, script: &Script) -> Vec<Failure> {
        match self.read(script, &self.scope()) {
            Err(error) => vec![self.failure(error, script, None)],
            Ok(Read { whole, .. }) => {
                let found = check::check(&whole, &AST::empty(), &self.catalogue);
                found.into_iter().map(|error| self.failure(error, script, Some(&whole))).collect()
            }
        }
    }

    /// Runs a script and gives the value of its last expression. Names are resolved first: a week's work must not end at a misspelt one.
    pub fn run(&self, script: impl Into<Script>) -> Result<Dynamic, Failure> {
        let script = &script.into();
        let mut scope = self.scope();
        let Read { ast, whole } = self.read(script, &scope).map_err(|error| self.failure(error, script, None))?;
        if let Some(error) = check::check(&whole, &AST::empty(), &self.catalogue).into_iter().next() {
            return Err(self.failure(error, script, Some(&whole)));
        }
        match self.engine.eval_ast_with_scope::<Dynamic>(&mut scope, &ast) {
            Ok(value) => Ok(value.flatten()),
            Err(error) => match *error {
                EvalAltResult::Exit(value, _) => Ok(value),
                other => Err(self.failure(from_rhai(&other, &self.catalogue), script, Some(&whole))),
            },
        }
    }

    /// What a script says of itself, without running it: its `//!` lines and the arguments that it declares. `None` where only running
    /// tells the arguments.
    pub fn about(&self, script: &Script) -> Result<Option<Text>, Failure> {
        let Read { whole, .. } = self.read(script, &self.scope()).map_err(|error| self.failure(error, script, None))?;
        let mut declared = None;
        let mut is_hidden = false;
        whole.walk(&mut |path: &[ASTNode]| {
            let call = match path.last() {
                Some(ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _))) if call.name == "args" => call,
                _ => return true,
            };
            let map = match call.args.first() {
                Some(Expr::Map(map, _)) => {
                    map.0.iter().map(|(name, value)| Some((name.name.as_str().into(), value.get_literal_value(None)?))).collect()
                }
                Some(Expr::DynamicConstant(value, _)) => value.read_lock::<Map>().map(|map| map.clone()),
                _ => None,
            };
            is_hidden |= map.is_none();
            declared = declared.take().or(map);
            true
        });
        // One that reads its arguments by hand may answer for itself.
        is_hidden |= declared.is_none() && script.text.contains("ARGS");
        let text = help::script(&script.name, &script_head(&script.text), declared.as_ref(), &self.catalogue);
        Ok((!is_hidden).then_some(text))
    }

    /// Reads a script that sees the variables of a scope.
    pub(super) fn read(&self, script: &Script, scope: &Scope) -> Result<Read, ScriptError> {
        if script.text.len() > LONGEST_SCRIPT {
            let message = format!("the script has {} characters, more than {LONGEST_SCRIPT}", script.text.len());
            let error = Error::new(Kind::Limit, message).hint("read large data from a file");
            return Err(ScriptError::new(error, None, Position::NONE));
        }
        self.reader.begin();
        let mut text = script.text.clone();
        if text.starts_with("#!") {
            let end = text.find('\n').unwrap_or(text.len());
            text.replace_range(..end, "");
        }
        let mut ast = self.engine.compile_with_scope(scope, &text).map_err(|e| from_parse(&e, &text))?;
        // Named, so that errors tell its closures from the functions that call them.
        ast.set_source(&script.name);
        // Rhai's strict mode is a setting of the engine and rules out `eval`; a second reading finds the variables that are not there,
        // and keeps the branches and places that the first has optimised away.
        match resolve(&text, scope, !text.contains("eval")) {
            Ok(whole) => Ok(Read { ast, whole }),
            Err(error) => Err(self.explained(error)),
        }
    }

    /// A variable that is not there but is the name of a function: says how to call it.
    fn explained(&self, mut error: ScriptError) -> ScriptError {
        let name = error.error.message.split('`').nth(1).unwrap_or_default().to_string();
        if self.catalogue.natives.contains_key(name.as_str()) {
            error.error = super::errors::unknown_variable(&name, &self.catalogue);
        }
        error
    }

    /// Forgets modules that were imported: their files are read again.
    pub(super) fn forget_modules(&self) {
        if let Ok(mut modules) = self.modules.write() {
            modules.clear_cache();
        }
    }

    /// What every script finds there.
    pub(super) fn scope(&self) -> Scope<'static> {
        let mut scope = Scope::new();
        scope.push_constant("ARGS", arguments_of(&self.environment));
        scope
    }

    pub(super) fn failure(&self, error: ScriptError, script: &Script, ast: Option<&AST>) -> Failure {
        let other = error.source.as_ref().filter(|source| **source != script.name);
        let text = match other {
            Some(file) => std::fs::read_to_string(file).unwrap_or_default(),
            None => script.text.clone(),
        };
        let place = locate(&error, &text, ast.filter(|_| other.is_none()), &self.catalogue);
        let line = place.and_then(|p| text.lines().nth(p.line - 1).map(String::from));
        let file = other.cloned().unwrap_or_else(|| script.name.clone());
        let named = |step: Step| if step.file.is_empty() { Step { file: script.name.clone(), ..step } } else { step };
        Failure { error: error.error, file, place, line, way: error.way.into_iter().map(named).collect() }
    }
}

/// The `//!` lines that a script begins with.
pub fn script_head(text: &str) -> String {
    let lines = text.lines().skip_while(|line| line.starts_with("#!") || line.trim().is_empty());
    lines.take_while(|line| line.trim_start().starts_with("//!")).collect::<Vec<_>>().join("\n")
}

fn arguments_of(environment: &Environment) -> Array {
    environment.arguments.iter().cloned().map(Dynamic::from).collect()
}

/// A script that has been read.
pub(super) struct Read {
    /// What runs.
    pub ast: AST,
    /// Everything that is written there.
    pub whole: AST,
}

/// Reads without optimising; `strict` refuses a variable that no statement declares.
fn resolve(text: &str, scope: &Scope, strict: bool) -> Result<AST, ScriptError> {
    let mut engine = Engine::new_raw();
    engine
        .set_max_expr_depths(DEEPEST_EXPRESSION, DEEPEST_EXPRESSION)
        .set_optimization_level(OptimizationLevel::None)
        .set_strict_variables(strict);
    engine.compile_with_scope(scope, text).map_err(|e| from_parse(&e, text))
}

fn limits(engine: &mut Engine, safe: bool) {
    engine
        .set_max_call_levels(DEEPEST_CALL)
        .set_max_expr_depths(DEEPEST_EXPRESSION, DEEPEST_EXPRESSION)
        .set_max_string_size(LONGEST_TEXT)
        .set_max_array_size(LONGEST_ARRAY)
        .set_max_map_size(LARGEST_MAP)
        .set_max_modules(200)
        .set_max_variables(100_000)
        .set_max_functions(10_000)
        // Natives depend on files and seeds: nothing may be computed while the script is read.
        .set_optimization_level(OptimizationLevel::Simple)
        // `/` of whole numbers is ours.
        .set_fast_operators(false)
        .set_fail_on_invalid_map_property(true);
    if safe {
        engine.set_max_operations(SAFE_OPERATIONS);
    }
}

/// Where Rhai asks us: printing, stopping, an index outside an array, modules.
fn hooks(engine: &mut Engine, shared: &Shared, modules: &Arc<RwLock<FileModuleResolver>>) {
    let environment = shared.environment.clone();
    engine.on_print(move |text| (environment.print)(text));
    let environment = shared.environment.clone();
    engine.on_debug(move |text, _, _| (environment.print)(text));
    let run = shared.environment.run.clone();
    engine.on_progress(move |operations| {
        if operations & 0x3f != 0 {
            return None;
        }
        run.check().err().map(|stop| Dynamic::from(Raised { error: Arc::new(stop), function: "".into() }))
    });
    engine.on_invalid_array_index(|array, index, _| Err(raise(index_error("array", array.len(), index), "")));
    engine.set_module_resolver(Modules {
        files: modules.clone(),
        folder: Path::new(&shared.environment.script).parent().unwrap_or(Path::new("")).to_path_buf(),
        permissions: shared.environment.permissions.clone(),
    });
    let mut texts = Module::new();
    // Functions of a script see no variables, but its arguments are no variable.
    texts.set_var("ARGS", arguments_of(&shared.environment));
    for name in ["to_string", "to_debug"] {
        let catalogue = shared.catalogue.clone();
        let debug = name == "to_debug";
        let body = move |_: Option<rhai::NativeCallContext>, arguments: &mut [&mut Dynamic]| {
            let text = if debug { catalogue.show_inside(arguments[0]) } else { catalogue.show(arguments[0]) };
            Ok(Dynamic::from(text))
        };
        rhai::FuncRegistration::new(name).in_global_namespace().set_into_module_raw(
            &mut texts,
            [std::any::TypeId::of::<Dynamic>()],
            dispatch::by_reference(body, true),
        );
    }
    engine.register_global_module(texts.into());
}

/// `import`: files beside the one that imports them, within what safe mode allows to read.
struct Modules {
    files: Arc<RwLock<FileModuleResolver>>,
    /// Where the script lies.
    folder: PathBuf,
    permissions: Permissions,
}

impl ModuleResolver for Modules {
    fn resolve(
        &self,
        engine: &Engine,
        source: Option<&str>,
        path: &str,
        position: Position,
    ) -> Result<Arc<Module>, Box<EvalAltResult>> {
        let folder = source.and_then(|s| Path::new(s).parent()).unwrap_or(&self.folder);
        // With its ending: errors name the file and show its line.
        let file = folder.join(path).with_extension("rhai");
        self.permissions.may_read(&file).map_err(|error| raise(error, "import"))?;
        let files =
            self.files.read().map_err(|_| raise(Error::new(Kind::Script, "the modules cannot be read any more"), "import"))?;
        files.resolve(engine, None, &file.to_string_lossy(), position)
    }
}
