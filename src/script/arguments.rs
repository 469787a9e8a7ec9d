//! The arguments of a call, converted on demand; each wrong one is answered with function, parameter, what was expected and what was found.

use super::api::{Handle, Native};
use super::catalogue::Catalogue;
use super::convert;
use super::values::{MatrixValue, PotentialHandle, Vector};
use crate::base::options::unknown_option;
use crate::base::{Error, Kind, OptionValue, Options, Result};
use crate::math::Matrix;
use crate::potentials::Potential;
use rhai::{Dynamic, FnPtr, Map};
use std::path::PathBuf;
use std::sync::Arc;

/// The arguments of one call. The trailing map of options is apart; a parameter left out is [`Arguments::has`] false.
pub struct Arguments<'a> {
    pub(super) native: &'a Native,
    pub(super) catalogue: &'a Catalogue,
    pub(super) values: Vec<Dynamic>,
    pub(super) map: Option<Map>,
}

impl Arguments<'_> {
    /// Whether parameter `k` was given.
    pub fn has(&self, k: usize) -> bool {
        self.values.get(k).is_some_and(|v| !v.is_unit())
    }

    /// Number of arguments without the options.
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// The value as the script gave it; `()` when it was left out.
    pub fn value(&self, k: usize) -> Dynamic {
        self.values.get(k).cloned().unwrap_or(Dynamic::UNIT)
    }

    /// The error for argument `k`: `minimise: start must be a position, found the text "origin"`.
    pub fn wrong(&self, k: usize, expected: &str) -> Error {
        let parameter = self.native.parameters.get(k).map_or("argument", |p| p.name);
        let found = self.values.get(k).map_or_else(|| "nothing".into(), |v| self.catalogue.describe(v));
        let name = self.native.name;
        if parameter == "self" {
            return Error::new(Kind::Type, format!("{name} belongs to {expected}, found {found}")).at(parameter);
        }
        let error = Error::new(Kind::Type, format!("{name}: `{parameter}` must be {expected}, found {found}")).at(parameter);
        let traced = self.values.get(k).is_some_and(super::traced::is_traced);
        if traced { error.hint(super::traced::INSTEAD) } else { error }
    }

    /// An error of a value that has the right type: `lennard_jones: atoms must be at least 2, found -3`.
    pub fn bad(&self, k: usize, expected: &str) -> Error {
        let mut error = self.wrong(k, expected);
        error.kind = Kind::Value;
        error
    }

    /// A real number; whole numbers are taken as well.
    pub fn real(&self, k: usize) -> Result<f64> {
        convert::number(&self.value(k)).ok_or_else(|| self.wrong(k, "a number"))
    }

    /// A whole number of either sign.
    pub fn integer(&self, k: usize) -> Result<i64> {
        convert::integer(&self.value(k)).ok_or_else(|| self.wrong(k, "a whole number"))
    }

    /// A whole number from 0 on.
    pub fn whole(&self, k: usize) -> Result<usize> {
        usize::try_from(self.integer(k)?).map_err(|_| self.bad(k, "a whole number from 0 on"))
    }

    /// A whole number from `low` on.
    pub fn at_least(&self, k: usize, low: usize) -> Result<usize> {
        match self.integer(k)? {
            value if value >= low as i64 => Ok(value as usize),
            _ => Err(self.bad(k, &format!("a whole number from {low} on"))),
        }
    }

    /// true or false.
    pub fn flag(&self, k: usize) -> Result<bool> {
        self.value(k).as_bool().map_err(|_| self.wrong(k, "true or false"))
    }

    /// Text.
    pub fn text(&self, k: usize) -> Result<String> {
        self.value(k).into_string().map_err(|_| self.wrong(k, "text"))
    }

    /// The path of a file.
    pub fn path(&self, k: usize) -> Result<PathBuf> {
        let text = self.value(k).into_string().map_err(|_| self.wrong(k, "the path of a file"))?;
        if text.is_empty() { Err(self.bad(k, "the path of a file")) } else { Ok(PathBuf::from(text)) }
    }

    /// Numbers: a vector or an array of numbers. A wrong element is named with its index.
    pub fn vector(&self, k: usize) -> Result<Arc<[f64]>> {
        let value = self.value(k);
        if let Some(vector) = value.read_lock::<Vector>() {
            return Ok(vector.data.clone());
        }
        if let Some(array) = value.read_lock::<rhai::Array>() {
            let mut numbers = Vec::with_capacity(array.len());
            for (i, element) in array.iter().enumerate() {
                match convert::number(element) {
                    Some(number) => numbers.push(number),
                    None => {
                        let parameter = self.native.parameters.get(k).map_or("argument", |p| p.name);
                        let found = self.catalogue.describe(element);
                        let name = self.native.name;
                        let message = format!(
                            "{name}: `{parameter}` must hold numbers only, found {found} at index {i} (a vector is made of numbers)"
                        );
                        return Err(Error::new(Kind::Type, message).at(parameter));
                    }
                }
            }
            return Ok(numbers.into());
        }
        Err(self.wrong(k, "a vector or an array of numbers"))
    }

    /// A position of `dimension` finite numbers.
    pub fn position(&self, k: usize, dimension: usize) -> Result<Arc<[f64]>> {
        let parameter = self.native.parameters.get(k).map_or("position", |p| p.name);
        let name = self.native.name;
        let position = match self.value(k) {
            v if v.is_array() || v.read_lock::<Vector>().is_some() => self.vector(k)?,
            _ => return Err(self.wrong(k, "a position (a vector or an array of numbers)")),
        };
        if position.len() != dimension {
            return Err(Error::shape(format!(
                "{name}: `{parameter}` must have {dimension} coordinates, found {}",
                position.len()
            ))
            .at(parameter));
        }
        if let Some(i) = position.iter().position(|v| !v.is_finite()) {
            let message = format!("{name}: `{parameter}` must be finite, found {} at index {i}", position[i]);
            return Err(Error::value(message).at(parameter));
        }
        Ok(position)
    }

    /// A matrix: a native one or an array of rows of equal length.
    pub fn matrix(&self, k: usize) -> Result<Arc<Matrix>> {
        let value = self.value(k);
        if let Some(matrix) = value.read_lock::<MatrixValue>() {
            return Ok(matrix.0.clone());
        }
        let parameter = self.native.parameters.get(k).map_or("argument", |p| p.name);
        let name = self.native.name;
        let Some(rows) = value.read_lock::<rhai::Array>() else {
            return Err(self.wrong(k, "a matrix or an array of rows"));
        };
        let (mut data, mut columns) = (Vec::new(), 0);
        for (i, row) in rows.iter().enumerate() {
            let numbers = convert::numbers(row).ok_or_else(|| {
                let found = self.catalogue.describe(row);
                Error::new(
                    Kind::Type,
                    format!(
                        "{name}: row {i} of `{parameter}` must hold numbers only, found {found}; a matrix is an array of rows"
                    ),
                )
                .at(parameter)
            })?;
            if i == 0 {
                columns = numbers.len();
            } else if numbers.len() != columns {
                let message = format!(
                    "{name}: rows of `{parameter}` must have equal lengths, found {columns} numbers in row 0 and {} in row {i} of the matrix",
                    numbers.len()
                );
                return Err(Error::shape(message).at(parameter));
            }
            data.extend(numbers);
        }
        Ok(Arc::new(Matrix::from_rows(rows.len(), columns, data)))
    }

    /// An array.
    pub fn array(&self, k: usize) -> Result<rhai::Array> {
        let value = self.value(k);
        if let Some(vector) = value.read_lock::<Vector>() {
            return Ok(vector.elements());
        }
        value.into_array().map_err(|_| self.wrong(k, "an array"))
    }

    /// An array of texts.
    pub fn texts(&self, k: usize) -> Result<Vec<String>> {
        let array = self.array(k)?;
        array.into_iter().map(|v| v.into_string().map_err(|_| self.wrong(k, "an array of texts"))).collect()
    }

    /// An array of whole numbers from 0 on.
    pub fn wholes(&self, k: usize) -> Result<Vec<usize>> {
        let expected = "an array of whole numbers from 0 on";
        let array = self.array(k).map_err(|_| self.wrong(k, expected))?;
        let read = |v: &Dynamic| convert::integer(v).and_then(|v| usize::try_from(v).ok());
        array.iter().map(|v| read(v).ok_or_else(|| self.bad(k, expected))).collect()
    }

    /// A map that is no options.
    pub fn map(&self, k: usize) -> Result<Map> {
        self.value(k).try_cast::<Map>().ok_or_else(|| self.wrong(k, "a map #{…}"))
    }

    /// A closure or the name of a function.
    pub fn closure(&self, k: usize) -> Result<FnPtr> {
        self.value(k).try_cast::<FnPtr>().ok_or_else(|| self.wrong(k, "a closure like |x| …"))
    }

    /// A value of a native type.
    pub fn handle<T: Handle>(&self, k: usize) -> Result<T> {
        self.try_handle(k).ok_or_else(|| self.wrong(k, &convert::with_article(T::NAME)))
    }

    /// A value of a native type, if it is one: for parameters that take several.
    pub fn try_handle<T: Handle>(&self, k: usize) -> Option<T> {
        self.values.get(k).and_then(|v| v.read_lock::<T>().map(|v| v.clone()))
    }

    /// A potential.
    pub fn potential(&self, k: usize) -> Result<Arc<dyn Potential>> {
        self.handle::<PotentialHandle>(k).map(|handle| handle.0)
    }

    /// The options, read into their struct. Options that the declaration calls special must have been taken out before.
    pub fn options<O: Options>(&mut self) -> Result<O> {
        let mut options = O::default();
        for (name, value) in self.map.take().unwrap_or_default() {
            options.set(self.native.name, &name, &self.option_value(&name, value)?)?;
        }
        Ok(options)
    }

    /// Takes one option out of the map, as the script gave it.
    pub fn take_option(&mut self, name: &str) -> Option<Dynamic> {
        self.map.as_mut().and_then(|map| map.remove(name))
    }

    /// Whether the map of options holds this one.
    pub fn has_option(&self, name: &str) -> bool {
        self.map.as_ref().is_some_and(|map| map.contains_key(name))
    }

    /// The error for an option of the wrong type.
    pub fn wrong_option(&self, name: &str, expected: &str, found: &Dynamic) -> Error {
        let found = self.catalogue.describe(found);
        Error::new(Kind::Type, format!("{}: option `{name}` takes {expected}, found {found}", self.native.name)).at(name)
    }

    fn option_value(&self, name: &str, value: Dynamic) -> Result<OptionValue> {
        convert::option_value(&value).ok_or_else(|| {
            self.wrong_option(
                name,
                self.native.options.iter().find(|o| o.name == name).map_or("another type", |o| &o.takes),
                &value,
            )
        })
    }

    /// Brings the names of the options to their British form and refuses unknown ones.
    pub(super) fn check_options(&mut self) -> Result<()> {
        let Some(map) = self.map.take() else { return Ok(()) };
        let known: Vec<&str> = self.native.options.iter().map(|o| o.name).collect();
        let mut checked = Map::new();
        for (name, value) in map {
            let british = convert::british(&name);
            if !known.contains(&british.as_str()) {
                return Err(unknown_option(self.native.name, &name, &known));
            }
            checked.insert(british.into(), value);
        }
        self.map = Some(checked);
        Ok(())
    }
}
