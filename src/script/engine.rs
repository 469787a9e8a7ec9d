//! The engine: Rhai with our limits, operators, natives and standard library.

use super::api::{Environment, Native, Type};
use super::catalogue::Catalogue;
use super::dispatch::{self, Shared};
use super::errors::{ScriptError, from_parse, from_rhai};
use rhai::{Dynamic, Engine, Scope};
use std::sync::Arc;

/// How deep calls of script functions may be nested.
pub const DEEPEST_CALL: usize = 200;

/// The language, ready to run scripts.
pub struct Language {
    pub(super) engine: Engine,
    pub catalogue: Arc<Catalogue>,
    pub environment: Arc<Environment>,
}

impl Language {
    /// The language with everything that is bound.
    pub fn new(environment: Environment) -> Language {
        Language::with(environment, super::bindings::natives(), super::bindings::types())
    }

    /// The language with these natives and types only: for tests of the keystone.
    pub fn with(environment: Environment, natives: Vec<Native>, types: Vec<Type>) -> Language {
        let catalogue = Arc::new(Catalogue::new(natives, types));
        let environment = Arc::new(environment);
        let mut engine = Engine::new();
        engine.set_max_call_levels(DEEPEST_CALL);
        engine.set_fast_operators(false);
        let shared = Shared { catalogue: catalogue.clone(), environment: environment.clone() };
        dispatch::register(&mut engine, &shared);
        Language { engine, catalogue, environment }
    }

    /// Runs a script and gives the value of its last expression.
    pub fn run(&self, source: &str) -> std::result::Result<Dynamic, ScriptError> {
        let ast = self.engine.compile(source).map_err(|e| from_parse(&e))?;
        let mut scope = Scope::new();
        self.engine.eval_ast_with_scope::<Dynamic>(&mut scope, &ast).map_err(|e| from_rhai(&e, &self.catalogue))
    }
}
