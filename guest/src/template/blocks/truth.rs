//! The helpers that ask for the truth of a value, with handlebars.js' own answer: an object is
//! true, even an empty one, and an empty list is not.

use handlebars::{
    BlockContext, BlockParams, Context, Handlebars, Helper, HelperDef, HelperResult, Output,
    RenderContext, RenderError, RenderErrorReason, Renderable, ScopedJson,
};
use serde_json::Value;

/// Puts the helpers in place of the crate's.
pub(super) fn register(registry: &mut Handlebars<'_>) {
    for (name, test) in [
        ("if", Test::If),
        ("unless", Test::Unless),
        ("and", Test::And),
        ("or", Test::Or),
        ("not", Test::Not),
    ] {
        registry.register_helper(name, Box::new(Truth { name, test }));
    }
    registry.register_helper("with", Box::new(With));
}

#[derive(Clone, Copy)]
enum Test {
    If,
    Unless,
    And,
    Or,
    Not,
}

struct Truth {
    name: &'static str,
    test: Test,
}

struct With;

impl Truth {
    fn holds(&self, h: &Helper<'_>) -> Result<bool, RenderError> {
        let value = parameter(h, self.name)?;
        let zero = h.hash_get("includeZero").is_some_and(|zero| is_true(zero.value()));
        let condition = || is_true(value) || zero && !is_empty(value);
        let mut values = h.params().iter().map(handlebars::PathAndJson::value);
        Ok(match self.test {
            Test::If => condition(),
            Test::Unless => !condition(),
            Test::And => values.all(is_true),
            Test::Or => values.any(is_true),
            Test::Not => !is_true(value),
        })
    }
}

impl HelperDef for Truth {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        Ok(ScopedJson::Derived(Value::Bool(self.holds(h)?)))
    }

    fn call<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        state: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let holds = self.holds(h)?;
        if !h.is_block() {
            return Ok(out.write(if holds { "true" } else { "false" })?);
        }
        let branch = if holds { h.template() } else { h.inverse() };
        branch.map_or(Ok(()), |branch| branch.render(registry, context, state, out))
    }
}

impl HelperDef for With {
    fn call<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        state: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let value = parameter(h, "with")?;
        if is_empty(value) {
            let inverse = h.inverse();
            return inverse.map_or(Ok(()), |inverse| inverse.render(registry, context, state, out));
        }
        let path = h.param(0).and_then(|param| param.context_path());
        let mut block = BlockContext::new();
        match path {
            Some(path) => block.base_path_mut().clone_from(path),
            None => block.set_base_value(value.clone()),
        }
        // `@index` and its like stay those of the block around.
        if let Some(parent) = state.block() {
            block.local_variables_mut().clone_from(parent.local_variables());
        }
        if let Some(name) = h.block_param() {
            let mut params = BlockParams::new();
            match path {
                Some(_) => params.add_path(name, Vec::new())?,
                None => params.add_value(name, value.clone())?,
            }
            block.set_block_params(params);
        }
        state.push_block(block);
        let rendered =
            h.template().map_or(Ok(()), |body| body.render(registry, context, state, out));
        state.pop_block();
        rendered
    }
}

fn parameter<'h>(h: &'h Helper<'_>, helper: &'static str) -> Result<&'h Value, RenderErrorReason> {
    h.param(0)
        .map(handlebars::PathAndJson::value)
        .ok_or(RenderErrorReason::ParamNotFoundForIndex(helper, 0))
}

/// JavaScript's truth, except that an empty list is false.
fn is_true(value: &Value) -> bool {
    !is_empty(value) && value.as_f64() != Some(0.0)
}

/// What handlebars.js calls empty: everything false but zero, and an empty list.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Number(_) | Value::Object(_) => false,
    }
}
