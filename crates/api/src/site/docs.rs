//! The documentation: the document itself, and a page that reads it, with nothing from the network.

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;
use tower::ServiceBuilder;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The reader's own scripts and styles; it sets styles on elements.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

pub(super) fn router(document: &Value) -> Router {
    let text = document.to_string();
    let document = move || {
        let text = text.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], text) }
    };
    // Without the reader's own bar on top, which offers to read somebody else's document.
    let config = Config::from("/openapi.json").use_base_layout();
    let page: Router = SwaggerUi::new("/docs").config(config).into();
    let page = page.layer(ServiceBuilder::new().map_response(|mut response: Response| {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
        response
    }));
    Router::new().route("/openapi.json", get(document)).merge(page)
}
