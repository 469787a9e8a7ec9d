//! One error type for the whole engine: a stable kind, one sentence, and what to do about it.

use std::fmt;

/// The result of everything that can be misused or interrupted.
pub type Result<T> = std::result::Result<T, Error>;

/// What sort of mistake it is. Scripts catch by the name ([`Kind::name`]), so a name never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A name that is not there: function, field, option, column, choice.
    Name,
    /// A value of the wrong type.
    Type,
    /// A value of the right type that cannot be meant: out of range, not finite.
    Value,
    /// Sizes that do not fit together.
    Shape,
    /// A file that is missing, unreadable or not writable.
    File,
    /// A file that is there but does not hold what it should.
    Format,
    /// Data that do not fit what is asked of them.
    Data,
    /// A landscape that belongs to something else, or cannot be written.
    Landscape,
    /// A limit was reached: recursion, size, operations.
    Limit,
    /// Something that safe mode does not allow.
    Permission,
    /// The person stopped it (Ctrl-C).
    Interrupted,
    /// The time given by `--max-hours` is over; everything found is saved.
    TimeOver,
    /// The script's own `throw`.
    Thrown,
    /// Anything else the script language reports: syntax, arithmetic.
    Script,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 14] = [
        Kind::Name,
        Kind::Type,
        Kind::Value,
        Kind::Shape,
        Kind::File,
        Kind::Format,
        Kind::Data,
        Kind::Landscape,
        Kind::Limit,
        Kind::Permission,
        Kind::Interrupted,
        Kind::TimeOver,
        Kind::Thrown,
        Kind::Script,
    ];

    /// The stable name that scripts see as `error.kind`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Name => "name",
            Kind::Type => "type",
            Kind::Value => "value",
            Kind::Shape => "shape",
            Kind::File => "file",
            Kind::Format => "format",
            Kind::Data => "data",
            Kind::Landscape => "landscape",
            Kind::Limit => "limit",
            Kind::Permission => "permission",
            Kind::Interrupted => "interrupted",
            Kind::TimeOver => "time_over",
            Kind::Thrown => "thrown",
            Kind::Script => "script",
        }
    }
}

/// An error: `message` says what was asked and what was found, `hint` what to do.
///
/// `parameter` names the argument or option concerned, so that the script layer can put the caret under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub kind: Kind,
    pub message: String,
    pub hint: Option<String>,
    pub parameter: Option<String>,
}

impl Error {
    /// An error of a kind with its sentence.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), hint: None, parameter: None }
    }

    /// Adds what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    /// Names the argument or option that is wrong.
    pub fn at(mut self, parameter: impl Into<String>) -> Error {
        self.parameter = Some(parameter.into());
        self
    }

    /// A number of the right type that cannot be meant.
    pub fn value(message: impl Into<String>) -> Error {
        Error::new(Kind::Value, message)
    }

    /// Sizes that do not fit.
    pub fn shape(message: impl Into<String>) -> Error {
        Error::new(Kind::Shape, message)
    }

    /// A file that cannot be opened or written: names the file and the system's reason.
    pub fn file(path: impl AsRef<std::path::Path>, reason: impl fmt::Display) -> Error {
        Error::new(Kind::File, format!("{}: {reason}", path.as_ref().display()))
    }

    /// A file that does not hold what it should.
    pub fn format(path: impl AsRef<std::path::Path>, what: impl fmt::Display) -> Error {
        Error::new(Kind::Format, format!("{}: {what}", path.as_ref().display()))
    }

    /// Data that do not fit what is asked of them.
    pub fn data(message: impl Into<String>) -> Error {
        Error::new(Kind::Data, message)
    }

    /// Whether this is a stop by the person or by the clock, not a mistake.
    pub fn is_stop(&self) -> bool {
        matches!(self.kind, Kind::Interrupted | Kind::TimeOver)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
