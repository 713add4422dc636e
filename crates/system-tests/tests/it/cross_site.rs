//! What a browser does here on behalf of other sites: nothing. Cookies, forged requests, origins.

use crate::house::{Answer, House, PASSWORD, Person, unlimited, yuan};
use edge::{Options, Origins, Proxies};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

/// As a page of this origin asks.
fn own_page(request: RequestBuilder) -> RequestBuilder {
    request.header("sec-fetch-site", "same-origin").header("x-csrf", "1")
}

async fn sign_in(house: &House, sign_in: &str) -> Answer {
    let body = json!({"sign_in": sign_in, "password": PASSWORD, "cookie": true});
    house.send(own_page(house.request(Method::POST, "/v1/sessions", "")).json(&body)).await
}

/// `name=value` of what a browser was handed.
fn cookie_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.header("set-cookie").split(';').next().expect("a pair").to_owned()
}

/// A person who is signed in by cookie.
async fn at_a_browser(house: &House) -> (Person, String) {
    let person = house.person("@person", 10_000).await;
    let cookie = cookie_of(&sign_in(house, "@person").await);
    (person, cookie)
}

fn payment(house: &House, cookie: &str, merchant: &str) -> RequestBuilder {
    let body = json!({"merchant": merchant, "amount": yuan("1.00")});
    let request = house.request(Method::POST, "/v1/payments", "").header("cookie", cookie);
    request.header("idempotency-key", house.key()).json(&body)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_cookie_is_out_of_reach_of_scripts_and_other_hosts_and_its_token_is_not_told() {
    let house = House::open().await;
    house.person("@person", 0).await;
    let answer = sign_in(&house, "@person").await;
    let told = answer.header("set-cookie").to_owned();
    let mut parts = told.split("; ");
    assert!(parts.next().is_some_and(|pair| pair.starts_with("__Host-session=jzs_")), "{told}");
    let bounds: Vec<&str> = parts.filter(|part| !part.starts_with("Max-Age=")).collect();
    assert_eq!(bounds, ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"], "no domain, so this host only");
    assert!(answer.body.get("token").is_none(), "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    let cookie = cookie_of(&answer);
    let me = house.send(house.request(Method::GET, "/v1/me", "").header("cookie", format!("a=b; {cookie}"))).await;
    assert_eq!(me.status, 200, "{}", me.text);
    let token = cookie.trim_start_matches("__Host-session=");
    for near in [format!("__host-session={token}"), format!("session={token}"), format!("x__Host-session={token}")] {
        let answer = house.send(house.request(Method::GET, "/v1/me", "").header("cookie", near)).await;
        answer.refused(401, "unauthenticated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_and_takes_the_cookie_back() {
    let house = House::open().await;
    let (_, cookie) = at_a_browser(&house).await;
    let leave = own_page(house.request(Method::DELETE, "/v1/sessions/current", "").header("cookie", &cookie));
    let left = house.send(leave).await;
    assert_eq!(left.status, 204);
    assert!(left.header("set-cookie").starts_with("__Host-session=; Max-Age=0; "), "{:?}", left.headers);
    let answer = house.send(house.request(Method::GET, "/v1/me", "").header("cookie", &cookie)).await;
    answer.refused(401, "unauthenticated");
    assert!(answer.header("set-cookie").starts_with("__Host-session=; Max-Age=0; "), "a dead cookie is taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_value_that_a_client_brings_is_never_adopted() {
    let house = House::open().await;
    house.person("@person", 0).await;
    let planted = format!("__Host-session=jzs_{}", "0".repeat(52));
    let body = json!({"sign_in": "@person", "password": PASSWORD, "cookie": true});
    let request = own_page(house.request(Method::POST, "/v1/sessions", "").header("cookie", &planted)).json(&body);
    let handed = cookie_of(&house.send(request).await);
    assert_ne!(handed, planted);
    let planted = house.send(house.request(Method::GET, "/v1/me", "").header("cookie", &planted)).await;
    planted.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_again_takes_a_new_session_and_ends_the_browsers_former_one() {
    let house = House::open().await;
    let (person, first) = at_a_browser(&house).await;
    let body = json!({"sign_in": "@person", "password": PASSWORD, "cookie": true});
    let again = own_page(house.request(Method::POST, "/v1/sessions", "").header("cookie", &first)).json(&body);
    let second = cookie_of(&house.send(again).await);
    assert_ne!(first, second);
    for (cookie, status) in [(&first, 401), (&second, 200)] {
        let answer = house.send(house.request(Method::GET, "/v1/me", "").header("cookie", cookie)).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    assert_eq!(house.get("/v1/me", &person.token).await.status, 200, "sessions of her other devices stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_credentials_at_once_are_refused() {
    let house = House::open().await;
    let (person, cookie) = at_a_browser(&house).await;
    let both = house.request(Method::GET, "/v1/me", &person.token).header("cookie", &cookie);
    house.send(both).await.refused(400, "ambiguous_credentials");
    let twice = house.request(Method::GET, "/v1/me", "").header("cookie", format!("{cookie}; {cookie}"));
    house.send(twice).await.refused(400, "ambiguous_credentials");
    let shop = house.shop("Noodles").await;
    let key = house.request(Method::GET, "/v1/me", "").header("cookie", format!("__Host-session={}", shop.token));
    house.send(key).await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_another_site_made_the_browser_send_moves_nothing() {
    let house = House::open().await;
    let (person, cookie) = at_a_browser(&house).await;
    let shop = house.shop("Noodles").await;
    let host = house.base.trim_start_matches("http://").to_owned();
    let own = house.base.clone();
    let forged: &[&[(&str, &str)]] = &[
        &[],
        &[("x-csrf", "1")],
        &[("sec-fetch-site", "same-origin")],
        &[("x-csrf", "1"), ("sec-fetch-site", "cross-site")],
        &[("x-csrf", "1"), ("sec-fetch-site", "same-site")],
        &[("x-csrf", "1"), ("sec-fetch-site", "none")],
        &[("x-csrf", "1"), ("sec-fetch-site", "cross-site"), ("origin", &own)],
        &[("x-csrf", "1"), ("origin", "https://evil.example")],
        &[("x-csrf", "1"), ("origin", "null")],
        &[("x-csrf", "1"), ("origin", &format!("{own}.evil.example"))],
        &[("x-csrf", "1"), ("origin", &format!("https://{host}"))],
        &[("x-csrf", "1"), ("origin", "http://127.0.0.1:1")],
        &[("x-csrf", ""), ("sec-fetch-site", "same-origin")],
        &[("origin", &own)],
        &[("x-csrf", "1"), ("referer", &own)],
    ];
    for headers in forged {
        let mut request = payment(&house, &cookie, &shop.id);
        for (name, value) in *headers {
            request = request.header(*name, *value);
        }
        let answer = house.send(request).await;
        assert_eq!((answer.status, answer.code()), (403, "cross_site"), "{headers:?}: {}", answer.text);
    }
    for (method, path) in [(Method::DELETE, "/v1/sessions/current"), (Method::PUT, "/v1/me/password")] {
        let forged = house.request(method, path, "").header("cookie", &cookie).json(&json!({}));
        house.send(forged).await.refused(403, "cross_site");
    }
    assert_eq!(house.posted(&person).await, "100.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_cannot_pay() {
    let house = House::open().await;
    let (person, cookie) = at_a_browser(&house).await;
    let shop = house.shop("Noodles").await;
    let text = json!({"merchant": shop.id, "amount": yuan("1.00")}).to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
        // Even with all proofs, which no form can bring.
        let request = own_page(house.request(Method::POST, "/v1/payments", "").header("cookie", &cookie));
        let request = request.header("idempotency-key", house.key()).header("content-type", kind).body(text.clone());
        house.send(request).await.refused(415, "unsupported_media_type");
    }
    assert_eq!(house.posted(&person).await, "100.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_page_pays_by_cookie() {
    let house = House::open().await;
    let (person, cookie) = at_a_browser(&house).await;
    let shop = house.shop("Noodles").await;
    let by_fetch = house.send(own_page(payment(&house, &cookie, &shop.id))).await;
    assert_eq!(by_fetch.status, 201, "{}", by_fetch.text);
    let by_origin = payment(&house, &cookie, &shop.id).header("x-csrf", "1").header("origin", &house.base);
    assert_eq!(house.send(by_origin).await.status, 201, "an older browser says its origin only");
    assert_eq!(house.posted(&person).await, "98.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_behind_a_proxy_is_the_encrypted_one() {
    let proxies = Proxies { end_tls: true, ..Proxies::default() };
    let house = House::with(Options { proxies, ..unlimited() }).await;
    let (_, cookie) = at_a_browser(&house).await;
    let shop = house.shop("Noodles").await;
    let from = |origin: &'static str| {
        let request = payment(&house, &cookie, &shop.id).header("x-csrf", "1");
        house.send(request.header("host", "wallet.example").header("origin", origin))
    };
    assert_eq!(from("https://wallet.example").await.status, 201);
    assert_eq!(from("https://wallet.example:443").await.status, 201);
    from("http://wallet.example").await.refused(403, "cross_site");
    from("https://wallet.example:8443").await.refused(403, "cross_site");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_signs_a_browser_in_from_another_site() {
    let house = House::open().await;
    house.person("@person", 0).await;
    let body = json!({"sign_in": "@person", "password": PASSWORD, "cookie": true});
    let answer = house.put(Method::POST, "/v1/sessions", "", &body).await;
    answer.refused(403, "cross_site");
    assert_eq!(answer.header("set-cookie"), "");
}

fn preflight(house: &House, origin: &str) -> RequestBuilder {
    let request = house.request(Method::OPTIONS, "/v1/payments", "").header("origin", origin);
    request
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,idempotency-key")
}

fn opens_nothing(answer: &Answer) {
    let open = answer.headers.keys().find(|name| name.as_str().starts_with("access-control"));
    assert_eq!(open, None, "{:?}", answer.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_origin_may_read_unless_it_was_named() {
    let house = House::open().await;
    let person = house.person("@person", 0).await;
    for origin in ["https://evil.example", "null", &house.base] {
        let refused = house.send(preflight(&house, origin)).await;
        refused.refused(403, "cross_site");
        opens_nothing(&refused);
        let read = house.send(house.request(Method::GET, "/v1/me", &person.token).header("origin", origin)).await;
        assert_eq!(read.status, 200, "a program with the token may; the browser hides it from the page");
        opens_nothing(&read);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_was_named_may_ask_with_a_token_and_never_with_a_cookie() {
    let origins = Origins::new(&["https://shop.example".to_owned()]).expect("an origin");
    let house = House::with(Options { origins, ..unlimited() }).await;
    let (person, cookie) = at_a_browser(&house).await;
    let may = house.send(preflight(&house, "https://shop.example")).await;
    assert_eq!(may.status, 204);
    assert_eq!(may.header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(may.header("vary"), "origin");
    assert_eq!(may.header("access-control-allow-headers"), "authorization, content-type, idempotency-key");
    assert_eq!(may.header("access-control-allow-credentials"), "");
    let ask = |origin: &'static str| house.request(Method::GET, "/v1/me", &person.token).header("origin", origin);
    let read = house.send(ask("https://shop.example")).await;
    assert_eq!(read.header("access-control-allow-origin"), "https://shop.example");
    for other in [
        "https://shop.example.evil.example",
        "https://evil.example",
        "http://shop.example",
        "https://shop.example:444",
        "https://SHOP.example",
        "null",
    ] {
        let answer = house.send(ask(other)).await;
        opens_nothing(&answer);
        assert_eq!(answer.header("vary"), "origin", "no cache may mix the answers up");
        house.send(preflight(&house, other)).await.refused(403, "cross_site");
    }
    let shop = house.shop("Noodles").await;
    let by_cookie = payment(&house, &cookie, &shop.id).header("x-csrf", "1").header("origin", "https://shop.example");
    house.send(by_cookie).await.refused(403, "cross_site");
}

#[test]
fn an_origin_is_named_exactly() {
    for wrong in ["*", "null", "shop.example", "https://", "https://shop.example/", "https://*.example", "ftp://x"] {
        assert!(Origins::new(&[wrong.to_owned()]).is_err(), "{wrong}");
    }
}
