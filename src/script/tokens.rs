//! What is caught while a script is read: `^`, which is no power here, and `-x**2`, which Rhai would take for `(-x)**2`.

use rhai::{Engine, LexError, Position, Token};
use std::sync::{Arc, Mutex};

/// How far a unary minus has been followed, one for each open bracket.
#[derive(Clone, Copy, Default, PartialEq)]
enum Minus {
    /// None that matters.
    #[default]
    None,
    /// Seen, its operand comes.
    Seen,
    /// Seen with an operand: a power would now be ambiguous.
    WithOperand,
}

/// The state of the reader; [`Reader::begin`] before every script.
#[derive(Clone, Default)]
pub struct Reader(Arc<Mutex<Vec<Minus>>>);

impl Reader {
    /// Forgets what an earlier script left open.
    pub fn begin(&self) {
        if let Ok(mut open) = self.0.lock() {
            open.clear();
        }
    }

    /// Makes the engine ask this reader.
    pub fn attach(&self, engine: &mut Engine) {
        let reader = self.clone();
        #[allow(deprecated)] // rhai marks what may change in a later version; the version is fixed
        engine.on_parse_token(move |token, place, _| reader.read(token, place));
    }

    fn read(&self, token: Token, _: Position) -> Token {
        let Ok(mut open) = self.0.lock() else { return token };
        if open.is_empty() {
            open.push(Minus::None);
        }
        let depth = open.len() - 1;
        match &token {
            Token::XOr | Token::XOrAssign => {
                return fault("`^` is not a power here: power is **, as in 2 ** 3");
            }
            Token::PowerOf if open[depth] == Minus::WithOperand => {
                return fault("-x**2 can be read in two ways: write -(x**2) or (-x)**2 with brackets");
            }
            Token::UnaryMinus => open[depth] = Minus::Seen,
            // The minus of a number belongs to it.
            Token::IntegerConstant(v) if *v < 0 => open[depth] = Minus::WithOperand,
            Token::FloatConstant(v) if *v.0 < 0.0 => open[depth] = Minus::WithOperand,
            Token::LeftParen | Token::LeftBracket | Token::LeftBrace | Token::MapStart | Token::QuestionBracket => {
                open.push(Minus::None)
            }
            Token::RightParen | Token::RightBracket | Token::RightBrace => {
                if depth > 0 {
                    open.pop();
                }
                operand(&mut open);
            }
            Token::Identifier(_)
            | Token::IntegerConstant(_)
            | Token::FloatConstant(_)
            | Token::StringConstant(_)
            | Token::InterpolatedString(_)
            | Token::Reserved(_)
            | Token::Unit
            | Token::True
            | Token::False => operand(&mut open),
            // What follows still belongs to the operand.
            Token::Period | Token::Elvis | Token::DoubleColon | Token::Comment(_) => {}
            _ => open[depth] = Minus::None,
        }
        token
    }
}

fn operand(open: &mut [Minus]) {
    if let Some(last) = open.last_mut()
        && *last == Minus::Seen
    {
        *last = Minus::WithOperand;
    }
}

fn fault(text: &str) -> Token {
    Token::LexError(Box::new(LexError::Runtime(text.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_that_can_be_misread_are_refused() {
        let mut engine = Engine::new();
        let reader = Reader::default();
        reader.attach(&mut engine);
        let reads = |script: &str| {
            reader.begin();
            engine.compile(script).map(|_| ()).map_err(|e| e.to_string())
        };
        for wrong in ["-x**2", "let y = -x.a**2", "f(-v[0]**2)", "exp(-(x)**2)", "-2**2", "1 + -x ** 2", "-f(x)**2"] {
            assert!(reads(wrong).is_err_and(|e| e.contains("-(x**2)")), "{wrong}: {:?}", reads(wrong));
        }
        for right in [
            "-(x**2)",
            "(-x)**2",
            "a - x**2",
            "-x * y**2",
            "[-1, x**2]",
            "-a[b**2]",
            "f(-x, y**2)",
            "x**-2",
            "-1 + x**2",
            "1e-3**2",
        ] {
            assert_eq!(reads(right), Ok(()), "{right}");
        }
        assert!(reads("2^3").is_err_and(|e| e.contains("**")));
        assert_eq!(reads("`a ^ b ${-x} -y**2`"), Ok(()));
    }
}
