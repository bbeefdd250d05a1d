//! Reading JSON fields with the complaints that OpenAI makes about them.

use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// A JSON object and where it stands in the request.
pub struct Object<'a> {
    fields: &'a Map<String, Value>,
    path: String,
}

// === impl Object ===

impl<'a> Object<'a> {
    /// The value as an object.
    pub fn new(value: &'a Value, path: impl Into<String>) -> Result<Self, Refusal> {
        let path = path.into();
        match value {
            Value::Object(fields) => Ok(Self { fields, path }),
            other => Err(wrong_type(&path, "an object", other)),
        }
    }

    /// The path of a field.
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The names of the fields.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.fields.keys().map(String::as_str)
    }

    /// A field; null counts as absent.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// A field that must be there.
    pub fn need(&self, name: &str) -> Result<&'a Value, Refusal> {
        self.get(name).ok_or_else(|| {
            let path = self.path(name);
            Refusal::invalid(format!("Missing required parameter: '{path}'."))
                .param(path)
                .code("missing_required_parameter")
        })
    }

    /// A text that must be there and not be empty.
    pub fn need_text(&self, name: &str) -> Result<&'a str, Refusal> {
        match self.need(name)? {
            Value::String(text) if text.is_empty() => {
                let path = self.path(name);
                let message = format!(
                    "Invalid '{path}': empty string. Expected a string with minimum length 1, but got \
                     an empty string instead."
                );
                Err(Refusal::invalid(message).param(path).code("empty_string"))
            }
            Value::String(text) => Ok(text),
            other => Err(wrong_type(&self.path(name), "a string", other)),
        }
    }

    /// A text, if there is one.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        self.typed(name, "a string", Value::as_str)
    }

    /// A boolean, if there is one.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.typed(name, "a boolean", Value::as_bool)
    }

    /// A list, if there is one; it may not be empty.
    pub fn list(&self, name: &str) -> Result<Option<&'a Vec<Value>>, Refusal> {
        let list = self.typed(name, "an array of objects", Value::as_array)?;
        if list.is_some_and(Vec::is_empty) {
            let path = self.path(name);
            let message = format!(
                "Invalid '{path}': empty array. Expected an array with minimum length 1, but got an \
                 empty array instead."
            );
            return Err(Refusal::invalid(message).param(path).code("empty_array"));
        }
        Ok(list)
    }

    /// A number within bounds, if there is one.
    pub fn number(&self, name: &str, least: f64, most: f64) -> Result<(), Refusal> {
        let Some(number) = self.typed(name, "a decimal", Value::as_f64)? else { return Ok(()) };
        let (side, bound, code) = match number {
            number if number < least => ("below minimum", least, "decimal_below_min_value"),
            number if number > most => ("above maximum", most, "decimal_above_max_value"),
            _ => return Ok(()),
        };
        let sign = if number < least { ">=" } else { "<=" };
        let path = self.path(name);
        let message = format!(
            "Invalid '{path}': decimal {side} value. Expected a value {sign} {bound}, but got {number} \
             instead."
        );
        Err(Refusal::invalid(message).param(path).code(code))
    }

    /// A whole number of at least `least`, if there is one.
    pub fn integer(&self, name: &str, least: i64) -> Result<Option<u32>, Refusal> {
        let Some(number) = self.typed(name, "an integer", Value::as_i64)? else { return Ok(None) };
        if number >= least {
            return Ok(Some(u32::try_from(number).unwrap_or(u32::MAX)));
        }
        let path = self.path(name);
        let message = format!(
            "Invalid '{path}': integer below minimum value. Expected a value >= {least}, but got \
             {number} instead."
        );
        Err(Refusal::invalid(message).param(path).code("integer_below_min_value"))
    }

    fn typed<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| wrong_type(&self.path(name), expected, value))
    }
}

/// The complaint about a value of the wrong type.
pub fn wrong_type(path: &str, expected: &str, got: &Value) -> Refusal {
    let got = match got {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let message = format!("Invalid type for '{path}': expected {expected}, but got {got} instead.");
    Refusal::invalid(message).param(path).code("invalid_type")
}

/// The complaint about a value that is not one of those allowed.
pub fn wrong_value(path: &str, got: &str, allowed: &[&str]) -> Refusal {
    let allowed: Vec<String> = allowed.iter().map(|word| format!("'{word}'")).collect();
    let message = format!("Invalid value: '{got}'. Supported values are: {}.", allowed.join(", "));
    Refusal::invalid(message).param(path).code("invalid_value")
}
