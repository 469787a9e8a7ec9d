//! The call of a native in progress: the run, the closures of the script, what safe mode allows.

use super::catalogue::Catalogue;
use super::convert::IntoValue;
use super::errors::from_rhai;
use crate::base::{Error, Kind, Result, Run};
use crate::plot::Figure;
use rhai::{Dynamic, EvalAltResult, FnPtr, NativeCallContext};
use std::cell::RefCell;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What safe mode allows. Everything, when `safe` is false.
#[derive(Clone, Debug, Default)]
pub struct Permissions {
    pub safe: bool,
    pub read: Vec<PathBuf>,
    pub write: Vec<PathBuf>,
}

impl Permissions {
    /// Whether `path` may be read.
    pub fn may_read(&self, path: &Path) -> Result<()> {
        self.allow(path, &[&self.read, &self.write], "read", "--allow-read")
    }

    /// Whether `path` may be written.
    pub fn may_write(&self, path: &Path) -> Result<()> {
        self.allow(path, &[&self.write], "write", "--allow-write")
    }

    fn allow(&self, path: &Path, lists: &[&Vec<PathBuf>], verb: &str, option: &str) -> Result<()> {
        let asked = real_path(path);
        if !self.safe || lists.iter().any(|list| list.iter().any(|dir| asked.starts_with(real_path(dir)))) {
            return Ok(());
        }
        let directory = asked.parent().unwrap_or(&asked).display().to_string();
        Err(Error::new(Kind::Permission, format!("safe mode does not {verb} {}", path.display()))
            .hint(format!("{option} {directory} allows it")))
    }
}

/// The path without links as far as it exists, the rest tidied of `..` by hand: a file to be written is not there yet.
fn real_path(path: &Path) -> PathBuf {
    let whole = std::env::current_dir().unwrap_or_default().join(path);
    let mut rest = Vec::new();
    let mut known = whole.as_path();
    loop {
        if let Ok(real) = known.canonicalize() {
            return rest.iter().rev().fold(real, |mut path: PathBuf, part: &std::ffi::OsString| {
                if part == ".." {
                    path.pop();
                } else {
                    path.push(part);
                }
                path
            });
        }
        match (known.components().next_back(), known.parent()) {
            (Some(Component::Normal(name)), Some(parent)) => {
                rest.push(name.to_os_string());
                known = parent;
            }
            (Some(Component::ParentDir), Some(parent)) => {
                rest.push("..".into());
                known = parent;
            }
            _ => return whole,
        }
    }
}

/// What every native of one engine shares.
pub struct Environment {
    pub run: Run,
    pub permissions: Permissions,
    /// Where `print` goes.
    pub print: Arc<dyn Fn(&str) + Send + Sync>,
    /// Draws a picture in at most this many characters and lines; false where nobody can, so that characters must do.
    pub picture: Option<Arc<dyn Fn(&Figure, usize, usize) -> bool + Send + Sync>>,
    /// What stands behind the script on the command line.
    pub arguments: Vec<String>,
    /// Of these, those that the program has taken for itself: `seed`, `threads`, `max-hours` with their values.
    pub shared: Vec<(String, String)>,
    /// The name of the script, for `--help`.
    pub script: String,
    /// What a native that was stopped had found: [`Call::keep_partial`].
    pub partial: Mutex<Option<Dynamic>>,
}

impl Environment {
    /// For tests and library use: nobody watches, everything is allowed, printed text is dropped.
    pub fn silent() -> Environment {
        Environment {
            run: Run::silent(),
            permissions: Permissions::default(),
            print: Arc::new(|_| {}),
            picture: None,
            arguments: Vec::new(),
            shared: Vec::new(),
            script: "script".into(),
            partial: Mutex::default(),
        }
    }

    /// What the last native that was stopped had found, once.
    pub fn take_partial(&self) -> Option<Dynamic> {
        self.partial.lock().ok().and_then(|mut partial| partial.take())
    }
}

/// The call of a native in progress.
pub struct Call<'a> {
    pub(super) context: &'a NativeCallContext<'a>,
    pub(super) environment: &'a Arc<Environment>,
    pub(super) catalogue: &'a Arc<Catalogue>,
    pub(super) name: &'a str,
    /// The last error of a closure, kept whole: when the native passes it on, the script sees where it arose.
    pub(super) failure: RefCell<Option<(Error, Box<EvalAltResult>)>>,
}

impl Call<'_> {
    /// The run in progress: cancelling, progress, seed.
    pub fn run(&self) -> &Run {
        &self.environment.run
    }

    /// The name by which the script called.
    pub fn name(&self) -> &str {
        self.name
    }

    /// Everything the language holds: for help and completion.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        self.catalogue
    }

    /// What the engine was started with.
    pub fn environment(&self) -> &Environment {
        self.environment
    }

    /// Writes a line to where `print` goes.
    pub fn print(&self, text: &str) {
        (self.environment.print)(text);
    }

    /// Draws a figure in the terminal, in `characters` where it shows no pictures.
    pub fn draw(&self, figure: &Figure, width: usize, height: usize, characters: impl FnOnce() -> String) {
        let drawn = self.environment.picture.as_ref().is_some_and(|picture| picture(figure, width, height));
        if !drawn {
            self.print(&characters());
        }
    }

    /// Fails when safe mode does not allow to read `path`. Ask before every file is opened.
    pub fn may_read(&self, path: impl AsRef<Path>) -> Result<()> {
        self.environment.permissions.may_read(path.as_ref())
    }

    /// Fails when safe mode does not allow to write `path`.
    pub fn may_write(&self, path: impl AsRef<Path>) -> Result<()> {
        self.environment.permissions.may_write(path.as_ref())
    }

    /// Passes a result on; where the person or the clock has ended the native, what it `found` so far is kept for the session.
    pub fn keep_partial<T>(&self, result: Result<T>, found: &(impl IntoValue + Clone)) -> Result<T> {
        if result.as_ref().is_err_and(|error| error.is_stop()) {
            self.keep_found(found.clone());
        }
        result
    }

    /// Keeps what was found before an error for the session, whatever the error is.
    pub fn keep_found(&self, found: impl IntoValue) {
        if let Ok(mut partial) = self.environment.partial.lock() {
            *partial = Some(found.into_value());
        }
    }

    /// Calls a closure of the script.
    pub fn closure(&self, closure: &FnPtr, arguments: impl IntoIterator<Item = Dynamic>) -> Result<Dynamic> {
        self.run().check()?;
        let mut values: Vec<Dynamic> = arguments.into_iter().collect();
        closure.call_raw(self.context, None, &mut values).map_err(|thrown| self.keep(thrown))
    }

    /// Keeps an error of the script whole while its sentence travels through the native.
    pub(super) fn keep(&self, thrown: Box<EvalAltResult>) -> Error {
        let error = from_rhai(&thrown, self.catalogue).error;
        *self.failure.borrow_mut() = Some((error.clone(), thrown));
        error
    }

    /// Calls a closure that must give a number.
    pub fn real(&self, closure: &FnPtr, arguments: impl IntoIterator<Item = Dynamic>) -> Result<f64> {
        let value = self.closure(closure, arguments)?;
        super::convert::number(&value).ok_or_else(|| {
            Error::new(Kind::Type, format!("the closure must give a number, found {}", self.catalogue.describe(&value)))
        })
    }

    /// Calls a closure that must give true or false.
    pub fn truth(&self, closure: &FnPtr, arguments: impl IntoIterator<Item = Dynamic>) -> Result<bool> {
        let value = self.closure(closure, arguments)?;
        value.as_bool().map_err(|_| {
            Error::new(Kind::Type, format!("the closure must give true or false, found {}", self.catalogue.describe(&value)))
        })
    }

    /// Ends the script without an error once the native has returned this: `--help` has been answered.
    pub fn leave(&self) -> Error {
        let error = Error::new(Kind::Interrupted, "the script has ended itself");
        *self.failure.borrow_mut() = Some((error.clone(), EvalAltResult::Exit(Dynamic::UNIT, rhai::Position::NONE).into()));
        error
    }

    /// Calls an operator of the language on two values: `+`, `==`, `<`.
    pub fn operator(&self, operator: &str, left: Dynamic, right: Dynamic) -> Result<Dynamic> {
        self.context.call_fn::<Dynamic>(operator, (left, right)).map_err(|thrown| from_rhai(&thrown, self.catalogue).error)
    }
}
