//! Every route, on one screen.

use crate::document::{self, Who};
use crate::site::{self, Metrics};
use crate::v1::{customers as c, events, merchants as m, qr, sandbox, staff as s, webhooks as w};
use axum::Router;
use edge::Routes;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Paths of `/v1` that need no caller. Reviewed: whoever adds one says why.
pub const OPEN: &[&str] = &[
    // Nobody is known before registering and signing in.
    "/v1/customers",
    "/v1/registrations",
    "/v1/registrations/finish",
    "/v1/sessions",
    // Who refreshes has no access token any more; the refresh token is the credential.
    "/v1/sessions/refresh",
    // A device asks for what it signs before anybody is signed in; nothing is stored and nobody is named.
    "/v1/devices/challenge",
];

/// Whether a path may be asked for without a caller.
#[must_use]
pub fn is_open(path: &str) -> bool {
    OPEN.contains(&path) || site::is_open(path)
}

fn open() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(c::register::register))
        .routes(routes!(c::registrations::start))
        .routes(routes!(c::registrations::finish))
        .routes(routes!(c::sessions::sign_in))
        .routes(routes!(c::sessions::refresh))
        .routes(routes!(c::devices::challenge))
}

fn customers() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(c::sessions::sign_out))
        .routes(routes!(c::sessions::list))
        .routes(routes!(c::sessions::end))
        .routes(routes!(c::sessions::end_others))
        .routes(routes!(c::devices::list))
        .routes(routes!(c::devices::revoke))
        .routes(routes!(c::me::me))
        .routes(routes!(c::password::change))
        .routes(routes!(c::factors::list))
        .routes(routes!(c::factors::set_pin))
        .routes(routes!(c::factors::begin_totp))
        .routes(routes!(c::factors::confirm_totp))
        .routes(routes!(c::factors::make_recovery_codes))
        .routes(routes!(c::factors::remove))
        .routes(routes!(c::confirmations::get, c::confirmations::confirm))
        .routes(routes!(c::confirmations::small, c::confirmations::set_small))
        .routes(routes!(c::wallets::get))
        .routes(routes!(c::wallets::open))
        .routes(routes!(c::wallets::limits, c::wallets::lower))
        .routes(routes!(c::movements::statement))
        .routes(routes!(c::aliases::claim, c::aliases::list))
        .routes(routes!(c::aliases::verify))
        .routes(routes!(c::aliases::remove))
        .routes(routes!(c::bank_accounts::link, c::bank_accounts::list))
        .routes(routes!(c::bank_accounts::remove))
        .routes(routes!(c::cards::ticket))
        .routes(routes!(c::cards::link, c::cards::list))
        .routes(routes!(c::cards::rename, c::cards::remove))
        .routes(routes!(c::top_ups::create, c::top_ups::list))
        .routes(routes!(c::top_ups::get))
        .routes(routes!(c::payouts::create, c::payouts::list))
        .routes(routes!(c::payouts::get))
        .routes(routes!(c::transfers::look_up))
        .routes(routes!(c::transfers::create, c::transfers::list))
        .routes(routes!(c::transfers::get))
        .routes(routes!(c::transfers::cancel))
        .routes(routes!(c::payments::create, c::payments::list))
        .routes(routes!(c::payments::get))
        .routes(routes!(c::payments::dispute))
        .routes(routes!(c::payments::resolve))
        .routes(routes!(c::quotes::quote))
}

fn merchants() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(m::account::get))
        .routes(routes!(m::account::balance))
        .routes(routes!(m::account::statement))
        .routes(routes!(m::bank_accounts::link, m::bank_accounts::list))
        .routes(routes!(m::bank_accounts::remove))
        .routes(routes!(m::orders::create, m::orders::list))
        .routes(routes!(m::orders::get))
        .routes(routes!(m::orders::cancel))
        .routes(routes!(m::codes::of_order))
        .routes(routes!(m::codes::of_store))
        .routes(routes!(m::payments::list))
        .routes(routes!(m::payments::get))
        .routes(routes!(m::payments::capture))
        .routes(routes!(m::payments::void))
        .routes(routes!(m::quotes::capture))
        .routes(routes!(m::quotes::void))
        .routes(routes!(m::quotes::refund))
        .routes(routes!(m::refunds::create, m::refunds::list))
        .routes(routes!(m::refunds::get))
        .routes(routes!(m::settlements::list))
        .routes(routes!(m::settlements::get))
        .routes(routes!(m::settlements::items))
}

fn staff() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(s::merchants::open, s::merchants::list))
        .routes(routes!(s::merchants::get, s::merchants::change))
        .routes(routes!(s::merchants::add_store))
        .routes(routes!(s::bank_accounts::list))
        .routes(routes!(s::bank_accounts::settle_to))
        .routes(routes!(s::merchants::make_key, s::merchants::keys))
        .routes(routes!(s::merchants::rotate_key))
        .routes(routes!(s::merchants::revoke_key))
        .routes(routes!(s::jobs::list))
        .routes(routes!(s::customers::list))
        .routes(routes!(s::customers::search))
        .routes(routes!(s::customers::get, s::customers::erase))
        .routes(routes!(s::customers::change_tier))
        .routes(routes!(s::accounts::freeze))
        .routes(routes!(s::accounts::release))
        .routes(routes!(s::approvals::list))
        .routes(routes!(s::approvals::get))
        .routes(routes!(s::approvals::approve))
        .routes(routes!(s::approvals::refuse))
        .routes(routes!(s::accounts::close))
        .routes(routes!(s::accounts::reopen))
        .routes(routes!(s::policies::list, s::policies::set))
        .routes(routes!(s::cases::list))
        .routes(routes!(s::cases::get))
        .routes(routes!(s::cases::note))
        .routes(routes!(s::cases::propose))
        .routes(routes!(s::cases::approve))
        .routes(routes!(s::cases::close))
        .routes(routes!(s::disputes::decide))
        .routes(routes!(s::books::close_day))
        .routes(routes!(s::books::trial_balance))
        .routes(routes!(s::books::reconciliation))
        .routes(routes!(s::books::export))
        .routes(routes!(s::audit_log::list))
        .routes(routes!(sandbox::move_clock))
        .routes(routes!(sandbox::outbox))
        .routes(routes!(sandbox::bank, sandbox::tell_bank))
}

fn anybody() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(events::list))
        .routes(routes!(events::follow))
        .routes(routes!(qr::decode))
        .routes(routes!(qr::encode))
}

fn merchants_and_staff() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(w::create, w::list))
        .routes(routes!(w::get, w::change, w::remove))
        .routes(routes!(w::rotate))
        .routes(routes!(w::replay))
        .routes(routes!(w::deliveries))
        .routes(routes!(w::resend))
}

/// The routes and the document that describes them.
pub struct Api {
    /// The OpenAPI document.
    pub document: Value,
    router: Router,
}

impl Default for Api {
    fn default() -> Self {
        Self::new()
    }
}

impl Api {
    /// Puts routes and document together.
    #[must_use]
    pub fn new() -> Self {
        let parts = [
            (open(), Who::Nobody),
            (customers(), Who::Customer),
            (merchants(), Who::Merchant),
            (merchants_and_staff(), Who::MerchantOrStaff),
            (staff(), Who::Staff),
            (anybody(), Who::Anybody),
        ];
        let mut document = serde_json::to_value(document::blank()).unwrap_or_else(|_| json!({}));
        let mut router = Router::new();
        for (part, who) in parts {
            let (routes, described) = part.split_for_parts();
            let mut described = serde_json::to_value(described).unwrap_or_else(|_| json!({}));
            document::stamp(&mut described, who);
            document::join(&mut document, described);
            router = router.merge(routes);
        }
        document::complete(&mut document);
        Self { document, router }
    }

    /// What the listener serves.
    #[must_use]
    pub fn routes(self, metrics: Metrics) -> Routes {
        let router = self.router.merge(site::router(&self.document, metrics));
        let router = router.fallback(edge::not_found).method_not_allowed_fallback(edge::method_not_allowed);
        Routes { router, open: is_open, still: site::is_open, probe: site::is_probe }
    }
}
