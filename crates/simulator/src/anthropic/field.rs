//! Reading JSON fields with the complaints that Anthropic makes about them.

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
            _ if path.is_empty() => Err(complaint("body", "Input should be a valid dictionary")),
            _ => Err(complaint(&path, "Input should be a valid dictionary")),
        }
    }

    /// The path of a field.
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// A complaint about a field.
    pub fn wrong(&self, name: &str, problem: &str) -> Refusal {
        complaint(&self.path(name), problem)
    }

    /// Refuses fields that are not among the known ones.
    pub fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        match self.fields.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(self.wrong(name, "Extra inputs are not permitted")),
            None => Ok(()),
        }
    }

    /// A field; null counts as absent.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// A field that must be there.
    pub fn need(&self, name: &str) -> Result<&'a Value, Refusal> {
        self.get(name).ok_or_else(|| self.wrong(name, "Field required"))
    }

    /// A text that must be there.
    pub fn need_text(&self, name: &str) -> Result<&'a str, Refusal> {
        self.need(name)?.as_str().ok_or_else(|| self.wrong(name, "Input should be a valid string"))
    }

    /// A boolean, if there is one.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.typed(name, "Input should be a valid boolean", Value::as_bool)
    }

    /// A list, if there is one.
    pub fn list(&self, name: &str) -> Result<Option<&'a Vec<Value>>, Refusal> {
        self.typed(name, "Input should be a valid list", Value::as_array)
    }

    /// A whole number of at least `least`, if there is one.
    pub fn integer(&self, name: &str, least: u64) -> Result<Option<u64>, Refusal> {
        let number = self.typed(name, "Input should be a valid integer", Value::as_i64)?;
        let problem = format!("Input should be greater than or equal to {least}");
        match number.map(u64::try_from) {
            None => Ok(None),
            Some(Ok(number)) if number >= least => Ok(Some(number)),
            Some(_) => Err(self.wrong(name, &problem)),
        }
    }

    /// A number within bounds, if there is one.
    pub fn number(&self, name: &str, least: f64, most: f64) -> Result<Option<f64>, Refusal> {
        let number = self.typed(name, "Input should be a valid number", Value::as_f64)?;
        match number {
            Some(number) if number < least => {
                Err(self.wrong(name, &format!("Input should be greater than or equal to {least}")))
            }
            Some(number) if number > most => {
                Err(self.wrong(name, &format!("Input should be less than or equal to {most}")))
            }
            number => Ok(number),
        }
    }

    fn typed<T>(
        &self,
        name: &str,
        problem: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| self.wrong(name, problem))
    }
}

/// A complaint about what stands at a path.
pub fn complaint(path: &str, problem: &str) -> Refusal {
    Refusal::invalid(format!("{path}: {problem}"))
}
