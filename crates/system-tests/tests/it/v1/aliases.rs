//! `/v1/aliases`

use crate::house::House;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_is_ones_own_after_its_code_came_back() {
    let house = House::open().await;
    let (one, two) = (house.person("@one", 0).await, house.person("@two", 0).await);
    let phone = json!({"alias": "+8613800000009"});
    let claim = house.post("/v1/aliases", &one.token, &phone).await.expect(201);
    assert_eq!(claim["verified"], false);
    let path = format!("/v1/aliases/{}/verify", claim["id"].as_str().expect("an id"));
    let wrong = house.post(&path, &one.token, &json!({"code": "x"})).await;
    wrong.refused(422, "code_wrong");
    house.post(&path, &two.token, &json!({"code": "000000"})).await.refused(404, "not_found");
    let code = house.world.last_code("+8613800000009").expect("a code was sent");
    let proved = house.post(&path, &one.token, &json!({"code": code})).await.expect(200);
    assert_eq!(proved["verified"], true);

    let rival = house.post("/v1/aliases", &two.token, &phone).await.expect(201);
    let path = format!("/v1/aliases/{}/verify", rival["id"].as_str().expect("an id"));
    let code = house.world.last_code("+8613800000009").expect("a code was sent");
    house.post(&path, &two.token, &json!({"code": code})).await.refused(409, "alias_taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_too_old_is_refused_and_an_alias_can_be_given_up() {
    let house = House::open().await;
    let one = house.person("@one", 0).await;
    let claim = house.post("/v1/aliases", &one.token, &json!({"alias": "one@example.com"})).await.expect(201);
    let id = claim["id"].as_str().expect("an id").to_owned();
    let code = house.world.last_code("one@example.com").expect("a code was sent");
    house.world.clock.advance(7_200);
    let late = house.post(&format!("/v1/aliases/{id}/verify"), &one.token, &json!({"code": code})).await;
    late.refused(409, "code_expired");
    assert_eq!(house.delete(&format!("/v1/aliases/{id}"), &one.token).await.status, 204);
    assert_eq!(house.get("/v1/aliases", &one.token).await.expect(200)["data"], json!([]));
}
