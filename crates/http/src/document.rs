//! The API document: OpenAPI 3.1, assembled from the endpoints themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::Router;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Content, ContentBuilder, HeaderBuilder, Info, License, Object, ObjectBuilder, OpenApi,
        OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder, SecurityRequirement, Server, ServerVariableBuilder, Tag,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        schema::{KnownFormat, Schema, SchemaFormat, Type},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
        server::ServerBuilder,
    },
};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    Edge, HttpModule, ProblemDetails,
    address::API,
    cookie,
    problem::{MEDIA_TYPE, title},
    workbook,
};

/// The document of these modules: what `cloister openapi` prints and `openapi/cloister.json` holds.
pub fn openapi(modules: &[Arc<dyn HttpModule>]) -> OpenApi {
    assemble(modules).1
}

/// Routes and document, from one source.
pub(crate) fn assemble(modules: &[Arc<dyn HttpModule>]) -> (Router<Edge>, OpenApi) {
    let all = modules.iter().fold(OpenApiRouter::new(), |all, module| all.merge(module.routes()));
    let (router, mut document) = OpenApiRouter::with_openapi(frontispiece()).nest(API, all).split_for_parts();
    for (path, item) in &mut document.paths.paths {
        let within = !path.starts_with(OPERATORS);
        if let Some(operation) = &mut item.get {
            complete(operation, Kind::Reads, within);
        }
        for operation in [&mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten() {
            complete(operation, Kind::Changes, within);
        }
    }
    index_tags(&mut document);
    if let Some(components) = &mut document.components {
        merge_parts(components);
    }
    (router, document)
}

/// A table of contents: each tag once.
fn index_tags(document: &mut OpenApi) {
    let items = document.paths.paths.values();
    let operations = items.flat_map(|item| [&item.get, &item.put, &item.post, &item.delete, &item.patch]);
    let names: BTreeSet<String> =
        operations.flatten().flat_map(|operation| operation.tags.iter().flatten().cloned()).collect();
    document.tags = Some(names.into_iter().map(Tag::new).collect());
}

/// A structure that holds another's fields as its own is written as "all of" the two. Bodies deny unknown fields, so both
/// together would accept nothing: the parts become one object.
fn merge_parts(components: &mut Components) {
    let known = components.schemas.clone();
    for schema in components.schemas.values_mut() {
        let RefOr::T(Schema::AllOf(all)) = schema else { continue };
        let mut whole = Object::default();
        whole.schema_type = Type::Object.into();
        whole.description.clone_from(&all.description);
        let parts: Option<Vec<Object>> = all.items.iter().map(|item| part(item, &known)).collect();
        let Some(parts) = parts else { continue };
        // The structure's own fields come last in the document; the id belongs in front.
        for mut part in parts.into_iter().rev() {
            whole.required.append(&mut part.required);
            whole.properties.extend(part.properties);
        }
        *schema = RefOr::T(Schema::Object(whole));
    }
}

fn part(item: &RefOr<Schema>, known: &BTreeMap<String, RefOr<Schema>>) -> Option<Object> {
    match item {
        RefOr::T(Schema::Object(object)) => Some(object.clone()),
        RefOr::Ref(reference) => part(known.get(reference.ref_location.rsplit('/').next()?)?, known),
        RefOr::T(_) => None,
    }
}

/// Refusals: the name of the component, the status, a code as example, and when it happens.
const REFUSALS: &[(&str, u16, &str, &str)] = &[
    ("Malformed", 400, "query_invalid", "The request cannot be understood."),
    ("Unauthenticated", 401, "unauthenticated", "No token, or one that is not valid."),
    ("Forbidden", 403, "permission_denied", "You may not do this, or the tenant is suspended."),
    ("NotFound", 404, "not_found", "It does not exist, or may not be seen."),
    ("TooSlow", 408, "body_too_slow", "The body did not arrive in time."),
    ("Conflict", 409, "key_taken", "It contradicts what exists."),
    ("PreconditionFailed", 412, "version_mismatch", "It was changed since it was read."),
    ("TooLarge", 413, "body_too_large", "The body is too large."),
    ("MediaType", 415, "media_type_unsupported", "The body is not JSON."),
    ("Invalid", 422, "validation_failed", "Some values are not acceptable; each is named."),
    ("PreconditionRequired", 428, "precondition_required", "The header If-Match is missing."),
    ("TooMany", 429, "rate_limited", "Too many of this kind; the header Retry-After says when to go on."),
    ("Internal", 500, "internal_error", "Something went wrong on our side."),
    ("Unavailable", 503, "temporarily_unavailable", "Not now; the header Retry-After says when."),
    ("Timeout", 504, "request_timeout", "It took too long and was stopped."),
];

fn frontispiece() -> OpenApi {
    let mut info = Info::new("Cloister", "1");
    info.description = Some(
        "One platform, many tenants, each behind its own walls.\n\n\
         **Tenants** are found by host (`<slug>.<base domain>` or a domain of their own), by path (`/t/<slug>/api/v1/…`), by the \
         header `X-Tenant-ID` (slug or id) and by the token. All that are given must agree.\n\n\
         **Lists** come a page at a time: send `next_cursor` back as `cursor`, with the same filter and order. With \
         `Accept: text/csv` all pages come as one table, in which cells that a spreadsheet would compute begin with an \
         apostrophe; with `Accept: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet` as a workbook of 50,000 rows \
         at most, in which nothing is computed. Both count as heavy.\n\n\
         **Changes** need the `ETag` you read in `If-Match`. **Creations** may carry an `Idempotency-Key`.\n\n\
         **Limits** hold for each tenant, or for each network where nobody is signed in. `RateLimit-Policy` says how many \
         requests of a class (`q`) within how many seconds (`w`), and `RateLimit` how many of them are left (`r`) and in how \
         many seconds all are back (`t`). Too many answer 429, too many at once 503, both with `Retry-After`.\n\n\
         **Pages** on a tenant's own hosts may call its API from there, with a token (CORS).\n\n\
         **Refusals** are `application/problem+json` (RFC 9457) with a stable `code`."
            .to_owned(),
    );
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    info.license = Some(license);
    let by_path = ServerBuilder::new()
        .url("/t/{slug}")
        .description(Some("The tenant in the path."))
        .parameter("slug", ServerVariableBuilder::new().default_value("north").description(Some("The tenant's slug.")))
        .build();
    let mut by_host = Server::new("/");
    by_host.description = Some("The tenant by host, header or token.".to_owned());
    OpenApiBuilder::new().info(info).servers(Some([by_host, by_path])).components(Some(components())).build()
}

fn components() -> Components {
    let mut components = Components::new();
    let problem = <ProblemDetails<'_> as ToSchema>::name().into_owned();
    components.schemas.insert(problem.clone(), <ProblemDetails<'_> as PartialSchema>::schema());
    let mut inner: Vec<(String, RefOr<Schema>)> = Vec::new();
    <ProblemDetails<'_> as ToSchema>::schemas(&mut inner);
    components.schemas.extend(inner);
    for (name, status, code, description) in REFUSALS {
        components.responses.insert((*name).to_owned(), RefOr::T(refusal(&problem, *status, code, description)));
    }
    components.parameters.insert("TenantId".to_owned(), RefOr::T(tenant_parameter()));
    components.security_schemes.insert(
        "bearer".to_owned(),
        RefOr::T(SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("An access token, from POST /api/v1/sessions"))
                .build(),
        )),
    );
    let cookie = "A browser's session with one host. What changes something must come from a page of that host.";
    components.security_schemes.insert(
        "session".to_owned(),
        RefOr::T(SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(cookie::NAME, cookie)))),
    );
    components
}

fn tenant_parameter() -> Parameter {
    ParameterBuilder::new()
        .name("X-Tenant-ID")
        .parameter_in(ParameterIn::Header)
        .description(Some("The tenant's slug or id, where neither host nor path nor token names it."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).max_length(Some(64))))
        .build()
}

fn refusal(schema: &str, status: u16, code: &str, description: &str) -> Response {
    let mut example = serde_json::json!({
        "type": format!("/problems/{code}"),
        "title": title(code),
        "status": status,
        "detail": description,
        "code": code,
        "instance": "/api/v1/…",
        "request_id": "req_01jd4kqvm6e8x9t3c5z7b2n0fa",
    });
    if status == 422 {
        example["errors"] = serde_json::json!([{"field": "name", "code": "missing", "message": "This is required."}]);
    }
    let content: Content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).example(Some(example)).build();
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let mut response = ResponseBuilder::new().description(description).content(MEDIA_TYPE, content);
    let described = |description: &str, example: &str| {
        let schema = ObjectBuilder::new().schema_type(Type::String).build();
        HeaderBuilder::new().schema(Some(schema)).description(Some(description)).example(Some(example.into())).build()
    };
    response = match status {
        429 => response
            .header("Retry-After", described("Seconds until the next is possible.", "1"))
            .header(
                "RateLimit-Policy",
                described("The limit: so many (q) in so many seconds (w).", "\"read\";q=1000;w=2"),
            )
            .header(
                "RateLimit",
                described("What is left (r), and in how many seconds all is (t).", "\"read\";r=0;t=2"),
            ),
        401 => response.header("WWW-Authenticate", HeaderBuilder::new().schema(Some(text())).build()),
        503 => response.header("Retry-After", HeaderBuilder::new().schema(Some(text())).build()),
        _ => response,
    };
    response.build()
}

/// Where operators work: outside of every tenant.
const OPERATORS: &str = "/api/v1/platform/";

/// What an operation does, told by its method.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Reads,
    Changes,
}

/// What is true of every endpoint is said here, not in each. An endpoint says what is particular about it:
/// `security(())` when anybody may call it, and `extensions(("x-tenant" = json!("none")))` when it is about no tenant.
fn complete(operation: &mut Operation, kind: Kind, within_tenants: bool) {
    let none = operation.extensions.as_ref().and_then(|all| all.get("x-tenant")).is_some_and(|said| said == "none");
    let parameters = operation.parameters.get_or_insert_default();
    let has = |parameters: &[RefOr<Parameter>], name: &str| {
        parameters.iter().any(|parameter| matches!(parameter, RefOr::T(known) if known.name == name))
    };
    let tagged = has(parameters, "If-Match");
    let has_body = operation.request_body.is_some();
    let is_query =
        |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(known) if known.parameter_in == ParameterIn::Query);
    // What is said in the address, such as a deletion's confirmation, may be well-formed and not acceptable too.
    let says = has_body || parameters.iter().any(is_query);
    if within_tenants && !none {
        parameters.push(RefOr::Ref(Ref::new("#/components/parameters/TenantId")));
    }
    let by = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
    let security = operation.security.get_or_insert_with(|| vec![by("bearer"), by("session")]);
    // "Nothing is required" and "there are no requirements" mean the same; the second is what readers look for.
    if *security == [SecurityRequirement::default()] {
        security.clear();
    }
    offer_table(operation);
    for (name, status, ..) in REFUSALS {
        let applies = match status {
            // What exists may contradict any change, also one that says nothing but its address.
            409 => kind == Kind::Changes,
            412 | 428 => tagged,
            408 | 413 | 415 => has_body,
            422 => says,
            _ => true,
        };
        if applies {
            operation
                .responses
                .responses
                .entry(status.to_string())
                .or_insert_with(|| RefOr::Ref(Ref::new(format!("#/components/responses/{name}"))));
        }
    }
}

/// Every list is there as a table too.
fn offer_table(operation: &mut Operation) {
    let is_list = operation.parameters.iter().flatten().any(
        |known| matches!(known, RefOr::T(known) if known.name == "cursor" && known.parameter_in == ParameterIn::Query),
    );
    let Some(RefOr::T(answer)) = operation.responses.responses.get_mut("200").filter(|_| is_list) else { return };
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    let table = ContentBuilder::new().schema(Some(text)).example(Some("id,name\r\n".into())).build();
    answer.content.insert("text/csv".to_owned(), RefOr::T(table));
    let file =
        ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
    let workbook = ContentBuilder::new().schema(Some(file.build())).example(Some("PK\u{3}\u{4}".into())).build();
    answer.content.insert(workbook::MEDIA_TYPE.to_owned(), RefOr::T(workbook));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use utoipa::openapi::{
        SecurityRequirement,
        extensions::Extensions,
        path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn},
    };

    use super::{Kind, complete};

    fn completed(mut operation: Operation, within_tenants: bool) -> Value {
        complete(&mut operation, Kind::Reads, within_tenants);
        serde_json::to_value(operation).unwrap()
    }

    #[test]
    fn an_endpoint_is_for_the_signed_in_of_a_tenant_unless_it_says_otherwise() {
        let tenant = json!([{"$ref": "#/components/parameters/TenantId"}]);
        let usual = completed(Operation::new(), true);
        assert_eq!(usual["security"], json!([{"bearer": []}, {"session": []}]));
        assert_eq!(usual["parameters"], tenant);
        assert_eq!(usual["responses"]["429"]["$ref"], "#/components/responses/TooMany");
        let public = OperationBuilder::new().security(SecurityRequirement::default()).build();
        let public = completed(public, true);
        assert_eq!((&public["security"], &public["parameters"]), (&json!([]), &tenant));
        assert_eq!(completed(Operation::new(), false)["parameters"], json!([]));
        let account = OperationBuilder::new().extensions(Some(Extensions::from_iter([("x-tenant", "none")]))).build();
        assert_eq!(completed(account, true)["parameters"], json!([]));
        let mut ending = Operation::new();
        complete(&mut ending, Kind::Changes, true);
        assert!(ending.responses.responses.contains_key("409"), "also without a body");
        assert!(!ending.responses.responses.contains_key("422"), "nothing is said that could be unacceptable");
        let confirm = ParameterBuilder::new().name("confirm").parameter_in(ParameterIn::Query).build();
        let mut confirmed = OperationBuilder::new().parameter(confirm).build();
        complete(&mut confirmed, Kind::Changes, true);
        assert!(confirmed.responses.responses.contains_key("422"), "what is said in the address may be unacceptable");
    }
}
