//! `cloister openapi`: the API document, as checked in under openapi/.

/// Prints it.
pub(crate) fn run() -> anyhow::Result<()> {
    crate::output::print(&cloister_http::openapi(&crate::installation::Rooms::new().modules).to_pretty_json()?)?;
    Ok(())
}
