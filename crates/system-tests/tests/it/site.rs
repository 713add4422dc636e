//! What is not `/v1`.

use crate::house::House;
use bank::staff::Role;
use vocabulary::ErrorCode;

#[tokio::test(flavor = "multi_thread")]
async fn the_start_page_says_what_runs_with_links_that_lead_somewhere() {
    let house = House::open().await;
    let page = house.get("/", "").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("sandbox"));
    assert!(!page.header("content-security-policy").contains("unsafe"), "{:?}", page.headers);
    assert_eq!(house.get("/site.css", "").await.header("content-type"), "text/css; charset=utf-8");
    let links: Vec<&str> = page.text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(links.len() >= 6, "{links:?}");
    for link in links {
        let answer = house.get(link, "").await;
        assert!(matches!(answer.status, 200 | 303 | 307 | 308), "{link}: {}", answer.status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_index_explains_every_code() {
    let house = House::open().await;
    let page = house.get("/docs/errors", "").await;
    assert_eq!(page.status, 200);
    for code in ErrorCode::ALL {
        assert!(page.text.contains(&format!("id=\"{}\"", code.as_str())), "{}", code.as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_needs_no_network() {
    let house = House::open().await;
    let page = house.get("/docs/", "").await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("https://") && !page.text.contains("http://"), "nothing comes from elsewhere");
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    for file in ["swagger-ui-bundle.js", "swagger-ui.css", "swagger-initializer.js"] {
        assert_eq!(house.get(&format!("/docs/{file}"), "").await.status, 200, "{file}");
    }
    let document = house.get("/openapi.json", "").await;
    assert_eq!(document.body["openapi"], "3.1.0");
    assert_eq!(document.body["info"]["license"]["identifier"], "Apache-2.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_readiness_are_told() {
    let house = House::open().await;
    assert_eq!(house.get("/healthz", "").await.expect(200)["status"], "alive");
    assert_eq!(house.get("/readyz", "").await.expect(200)["status"], "ready");
    assert_eq!(house.get("/metrics", "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_shows_the_codes_it_sent() {
    let house = House::open().await;
    let person = house.person("@person", 0).await;
    let alias = serde_json::json!({"alias": "+8613800000001"});
    house.post("/v1/aliases", &person.token, &alias).await.expect(201);
    assert!(house.get("/sandbox/outbox", "").await.text.contains("+8613800000001"));
    let staff = house.staff(Role::OPERATIONS).await;
    let outbox = house.get("/v1/sandbox/outbox", &staff).await.expect(200);
    assert_eq!(outbox["data"][0]["to"], "+8613800000001");
}
