//! What an expression may not do, refused at load.

use std::fmt;

use cel::common::ast::operators::{INDEX, OPT_INDEX, OPT_SELECT};
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue};

use super::{MAX_NESTING, MAX_SOURCE};
use crate::rule::Pattern;

/// Deepest tree of operations.
const MAX_DEPTH: usize = 64;
/// Most signs outside of texts; bounds the length of chains, which the parser turns into depth.
const MAX_SIGNS: usize = 256;
/// Most elements that an expression is given; fewer when it reads facts many times, because it may join what it reads.
const MAX_ROWS: usize = 10_000;
/// Readings of facts that are free.
const FREE_READINGS: usize = 4;
/// Most elements when the body of a loop reads a fact or tries a pattern, because the work then grows with the
/// square; shared among all such readings.
const MAX_ROWS_IN_LOOP: usize = 1_000;

/// Functions and operators that an expression may call.
const FUNCTIONS: [&str; 57] = [
    "_?_:_",
    "_&&_",
    "_||_",
    "!_",
    "_-_",
    "_+_",
    "_*_",
    "_/_",
    "_%_",
    "_==_",
    "_!=_",
    "_>=_",
    "_<=_",
    "_>_",
    "_<_",
    "-_",
    "_[_]",
    "_[?_]",
    "_?._",
    "@in",
    "@not_strictly_false",
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "int",
    "uint",
    "double",
    "string",
    "bool",
    "type",
    "dyn",
    "timestamp",
    "duration",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "hasValue",
    "or",
    "orValue",
    "value",
    "has",
    "version_at_least",
    "cidr",
    "in_set",
    "days_since",
    "split",
    "min",
    "max",
];

/// A variable and the fields selected from it by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path {
    pub(super) variable: String,
    pub(super) fields: Vec<String>,
}

/// As a person names it: a fact by its own name.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variable = if self.variable == "fact" { None } else { Some(self.variable.as_str()) };
        let parts: Vec<&str> = variable.into_iter().chain(self.fields.iter().map(String::as_str)).collect();
        f.write_str(&parts.join("."))
    }
}

/// What the walk found out.
#[derive(Debug)]
pub(super) struct Guarded {
    /// What is read, without paths that a shorter one covers.
    pub(super) paths: Vec<Path>,
    /// Most list elements that it may be given.
    pub(super) max_rows: usize,
}

/// Refuses sources that could overflow the parser's stack.
pub(super) fn check_source(source: &str) -> Result<(), String> {
    if source.len() > MAX_SOURCE {
        return Err(format!("an expression has at most {MAX_SOURCE} characters, this one has {}", source.len()));
    }
    let (mut depth, mut signs, mut quote, mut escaped) = (0_usize, 0_usize, None, false);
    for c in source.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(mark) if c == mark => quote = None,
            Some(_) => {}
            None => match c {
                '"' | '\'' => quote = Some(c),
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            },
        }
        if quote.is_none() && c.is_ascii_punctuation() && c != '_' {
            signs += 1;
        }
        if depth > MAX_NESTING {
            return Err(format!("an expression nests at most {MAX_NESTING} brackets"));
        }
    }
    if signs > MAX_SIGNS {
        return Err(format!("an expression has at most {MAX_SIGNS} signs; split it into several"));
    }
    Ok(())
}

/// Walks the tree and refuses what cannot be bounded or is not known.
pub(super) fn check(root: &IdedExpr) -> Result<Guarded, String> {
    let mut walk = Walk { paths: Vec::new(), locals: Vec::new(), in_loop: false, readings: 0, readings_in_loop: 0 };
    walk.visit(root, 0)?;
    let max_rows = walk.max_rows();
    let mut paths = walk.paths;
    paths.sort();
    paths.dedup();
    let covered = |path: &Path| {
        paths.iter().any(|other| {
            other.variable == path.variable
                && other.fields.len() < path.fields.len()
                && path.fields.starts_with(&other.fields)
        })
    };
    let paths = paths.iter().filter(|path| !covered(path)).cloned().collect();
    Ok(Guarded { paths, max_rows })
}

struct Walk<'e> {
    paths: Vec<Path>,
    locals: Vec<&'e str>,
    in_loop: bool,
    readings: usize,
    readings_in_loop: usize,
}

impl<'e> Walk<'e> {
    fn visit(&mut self, expression: &'e IdedExpr, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("an expression is at most {MAX_DEPTH} operations deep"));
        }
        if let Some((root, fields)) = path(expression)
            && !root.starts_with('@')
            && !self.locals.contains(&root)
        {
            self.reads(root, fields);
            return Ok(());
        }
        let next = depth + 1;
        match &expression.expr {
            Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) => Ok(()),
            Expr::Select(select) => self.visit(&select.operand, next),
            Expr::Call(call) => self.call(call, next),
            Expr::List(list) => list.elements.iter().try_for_each(|element| self.visit(element, next)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.visit(&entry.key, next)?;
                    self.visit(&entry.value, next)
                }
                EntryExpr::StructField(field) => self.visit(&field.value, next),
            }),
            Expr::Struct(made) => Err(format!("there is no type `{}`", made.type_name)),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, next),
        }
    }

    fn max_rows(&self) -> usize {
        match self.readings_in_loop {
            0 => MAX_ROWS / self.readings.div_ceil(FREE_READINGS).max(1),
            readings => MAX_ROWS_IN_LOOP / readings,
        }
    }

    fn reads(&mut self, root: &str, fields: Vec<&str>) {
        if root == "fact" {
            self.readings += 1;
            self.readings_in_loop += usize::from(self.in_loop);
        }
        let fields = fields.into_iter().map(str::to_owned).collect();
        self.paths.push(Path { variable: root.to_owned(), fields });
    }

    fn call(&mut self, call: &'e CallExpr, depth: usize) -> Result<(), String> {
        let name = call.func_name.as_str();
        if !FUNCTIONS.contains(&name) {
            return Err(format!(
                "there is no function `{name}`; there are those of CEL and version_at_least, cidr, in_set, days_since, split"
            ));
        }
        if name == "matches" {
            self.readings_in_loop += usize::from(self.in_loop);
            let pattern = call.args.last().and_then(text);
            Pattern::parse(pattern.ok_or("`matches` needs its pattern as a plain text, not computed")?)?;
        }
        // an index that is no text ends a path: the operand is one of its own
        call.target.iter().map(|target| &**target).chain(&call.args).try_for_each(|part| self.visit(part, depth))
    }

    fn comprehension(&mut self, loops: &'e ComprehensionExpr, depth: usize) -> Result<(), String> {
        if self.in_loop {
            return Err(
                "a loop (all, exists, exists_one, map, filter) inside a loop is refused: its cost cannot be bounded; \
                        write two matchers, or use in_set"
                    .to_owned(),
            );
        }
        self.visit(&loops.iter_range, depth)?;
        let before = self.locals.len();
        self.locals.push(&loops.iter_var);
        self.locals.extend(loops.iter_var2.as_deref());
        if let Some(taken) = self.locals.iter().find(|name| matches!(**name, "fact" | "params" | "asset" | "verdict")) {
            return Err(format!("a loop variable must not be called `{taken}`"));
        }
        self.in_loop = true;
        let body = [&loops.accu_init, &loops.loop_cond, &loops.loop_step, &loops.result];
        let walked = body.into_iter().try_for_each(|part| self.visit(part, depth));
        self.in_loop = false;
        self.locals.truncate(before);
        walked
    }
}

/// The variable and the fields, where an expression is nothing else: `a.b`, `a["b"]`, `a.?b`, `has(a.b)`.
fn path(expression: &IdedExpr) -> Option<(&str, Vec<&str>)> {
    let (mut fields, mut at) = (Vec::new(), expression);
    loop {
        match &at.expr {
            Expr::Ident(name) => {
                fields.reverse();
                return Some((name, fields));
            }
            Expr::Select(select) => {
                fields.push(select.field.as_str());
                at = &select.operand;
            }
            Expr::Call(call) if matches!(call.func_name.as_str(), INDEX | OPT_INDEX | OPT_SELECT) => {
                let [operand, index] = call.args.as_slice() else { return None };
                fields.push(text(index)?);
                at = operand;
            }
            _ => return None,
        }
    }
}

fn text(expression: &IdedExpr) -> Option<&str> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}
