//! Expressions in CEL, for what matchers cannot say.
//!
//! The interpreter has no budget of its own, so everything that could cost without bound is refused when the
//! expression is loaded ([`guard`]), and the data that it is given is bounded when it runs ([`data`]).

mod data;
mod functions;
mod guard;
mod run;

use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::Env;
use cel::common::ast::IdedExpr;

use super::name::{Name, NameRef};

/// Longest source, in bytes. A flat chain of 2,000 terms overflows a stack of 2 MiB; a source of this size has at most 512.
const MAX_SOURCE: usize = 1024;
/// Deepest nesting of brackets, and most levels that the parser may go down.
const MAX_NESTING: usize = 24;
const MAX_PARSER_DEPTH: u16 = 96;

/// The standard functions of CEL; ours are added for each run because some need the time.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A compiled expression; cheap to clone.
#[derive(Clone)]
pub struct Expression(Arc<Compiled>);

struct Compiled {
    source: String,
    root: IdedExpr,
    guarded: guard::Guarded,
}

impl Expression {
    /// Compiles a source over any variables; the caller checks [`Expression::variables`].
    ///
    /// # Errors
    ///
    /// One line that says what is wrong, for the writer of the expression.
    pub fn parse(source: &str) -> Result<Self, String> {
        guard::check_source(source)?;
        let parser = ENVIRONMENT.parser().max_recursion_depth(MAX_PARSER_DEPTH);
        let root = parser.parse(source).map_err(|errors| problem(&errors))?;
        let guarded = guard::check(&root)?;
        Ok(Self(Arc::new(Compiled { source: source.trim().to_owned(), root, guarded })))
    }

    /// Compiles the expression of a rule: it may use `fact`, `params`, `asset` and `verdict`.
    pub(super) fn of_rule(source: &str) -> Result<Self, String> {
        let expression = Self::parse(source)?;
        for path in &expression.0.guarded.paths {
            let path_in = path.fields.join(".");
            let Some(_) = Name::of_variable(&path.variable, &path_in) else {
                return Err(format!("`{}` is unknown; there are fact, params, asset and verdict", path.variable));
            };
            if path.fields.is_empty() {
                return Err(format!("name what is read of `{0}`, as in {0}.name", path.variable));
            }
        }
        if expression.0.guarded.paths.is_empty() {
            return Err("the expression reads nothing, so it judges nothing".to_owned());
        }
        Ok(expression)
    }

    /// The variables that it reads, without those of its own loops.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.guarded.paths.iter().map(|path| path.variable.as_str())
    }

    /// What it reads, for the checks at load time.
    pub(super) fn names(&self) -> Vec<NameRef> {
        let paths = self.0.guarded.paths.iter();
        paths
            .filter_map(|path| Name::of_variable(&path.variable, &path.fields.join(".")))
            .map(|name| name.reference())
            .collect()
    }

    /// The source as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0.source
    }
}

/// The first error of the parser in one line.
fn problem(errors: &cel::ParseErrors) -> String {
    let Some(error) = errors.errors.first() else { return "this is no CEL expression".to_owned() };
    let message: String = error.msg.lines().next().unwrap_or_default().chars().take(200).collect();
    format!("this is no CEL expression: line {}, column {}: {message}", error.pos.0, error.pos.1)
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({:?})", self.0.source)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.source)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.0.source == other.0.source
    }
}

#[cfg(test)]
mod tests;
