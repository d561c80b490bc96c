//! `cloister openapi`: the API document, as checked in under openapi/.

/// Prints it.
pub(crate) fn run() -> anyhow::Result<()> {
    crate::output::print(&cloister_http::openapi(&crate::installation::Rooms::new().modules).to_pretty_json()?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::installation::Rooms;

    /// Where two have the same name, one of them would be described as the other.
    #[test]
    fn no_two_modules_give_one_name_to_different_things() {
        let mut known: BTreeMap<String, (&str, serde_json::Value)> = BTreeMap::new();
        let modules = Rooms::new().modules;
        for module in &modules {
            let Some(components) = module.routes().to_openapi().components else { continue };
            for (name, schema) in components.schemas {
                let schema = serde_json::to_value(schema).expect("a schema is JSON");
                let (of, first) = known.entry(name.clone()).or_insert((module.name(), schema.clone()));
                assert_eq!(*first, schema, "{name} of {of} and of {}", module.name());
            }
        }
        assert!(known.len() > 50);
    }
}
