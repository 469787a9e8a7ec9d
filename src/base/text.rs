//! Text for people as typed pieces, so that the terminal, the reference page and the tests render one and the same value.

/// A piece of text with its meaning; nothing below `cli` knows an escape code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Plain(String),
    /// The title of a part.
    Heading(String),
    /// A name that scripts use.
    Name(String),
    /// A line of script.
    Code(String),
    /// What people should not overlook: a search that has not converged.
    Warning(String),
    NewLine,
}

/// A text of pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(pub Vec<Piece>);

impl Text {
    pub fn plain(&mut self, text: impl Into<String>) -> &mut Self {
        self.0.push(Piece::Plain(text.into()));
        self
    }
    pub fn heading(&mut self, text: impl Into<String>) -> &mut Self {
        self.0.push(Piece::Heading(text.into()));
        self
    }
    pub fn name(&mut self, text: impl Into<String>) -> &mut Self {
        self.0.push(Piece::Name(text.into()));
        self
    }
    pub fn code(&mut self, text: impl Into<String>) -> &mut Self {
        self.0.push(Piece::Code(text.into()));
        self
    }
    pub fn warning(&mut self, text: impl Into<String>) -> &mut Self {
        self.0.push(Piece::Warning(text.into()));
        self
    }
    pub fn line(&mut self) -> &mut Self {
        self.0.push(Piece::NewLine);
        self
    }

    /// Without any marks.
    pub fn to_plain(&self) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Plain(s) | Piece::Heading(s) | Piece::Name(s) | Piece::Code(s) | Piece::Warning(s) => out.push_str(s),
                Piece::NewLine => out.push('\n'),
            }
        }
        out
    }
}
